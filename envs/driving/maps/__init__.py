"""Maps of the driving tasks: sources, rasters, top views, parking lots."""
