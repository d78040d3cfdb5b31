"""Traffic: vehicles that follow lanes, each other, lights and the right of way; and pedestrians."""
