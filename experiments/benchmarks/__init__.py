"""Benchmarks: how fast environments step and cameras render, beside what the field uses."""
