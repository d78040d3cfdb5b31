"""Networks of lanes: geometry, junctions, right of way and routes; the layouts of towns, highways and circuits."""
