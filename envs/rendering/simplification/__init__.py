"""Levels of detail: decimation, outer shells, and the cache that keeps them."""
