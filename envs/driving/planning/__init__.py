"""Planning: parking maneuvers, racing lines."""
