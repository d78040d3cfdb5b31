"""Driving tasks: roads, scenery, vehicles, an expert driver, one file per task."""
