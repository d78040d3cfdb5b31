"""Arms: descriptions, links, kinematics and control."""
