"""PyBullet: the only package of the manipulation suite that imports it."""
