"""Benchmarks of environments, cameras, data and networks, compared with those in common use."""
