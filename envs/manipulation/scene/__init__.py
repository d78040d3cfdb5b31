"""Appearance of the table, the arm and the bodies, and the cameras that see them."""
