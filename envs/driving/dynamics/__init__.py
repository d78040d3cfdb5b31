"""Vehicle dynamics, collisions and poses."""
