"""Rendering of PyBullet simulations."""
