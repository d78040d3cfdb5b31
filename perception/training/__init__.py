"""Training of every network in the package: one loop, its checkpoints and what it is made of."""
