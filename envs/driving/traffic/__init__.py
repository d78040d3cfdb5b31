"""Traffic: cars that follow lanes, each other, lights and the right of way; people on foot; who runs into whom."""
