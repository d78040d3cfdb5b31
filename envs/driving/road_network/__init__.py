"""Road networks: geometry, junctions, right of way and routes; generators of towns, highways and circuits."""
