"""Launch scripts of experiments."""
