"""Manipulation tasks: arms on a table, in PyBullet, seen through cameras."""
