"""Scenes of road networks: paving, curbs, markings and roadside objects."""
