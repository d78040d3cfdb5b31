"""Maps that tasks drive on: sources, rasters, drawings, parking lots."""
