"""Console output, progress bars, command lines and provenance."""
