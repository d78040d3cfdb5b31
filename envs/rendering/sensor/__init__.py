"""The camera's sensor: optics, noise, weather on the lens."""
