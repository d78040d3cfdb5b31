"""Closed-loop evaluation: episodes, metrics with intervals, comparisons, recordings."""
