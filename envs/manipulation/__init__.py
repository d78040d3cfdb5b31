"""Manipulation tasks: an arm at a table, seen through cameras."""
