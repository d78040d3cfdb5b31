"""Bodies of any PyBullet simulation in the renderer."""
