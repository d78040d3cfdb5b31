"""Camera sensor: parameters, exposure, noise, weather and depth errors."""
