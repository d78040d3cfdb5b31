"""Levels of detail: decimation, texture baking, outer shells, error measurement, and a disk cache."""
