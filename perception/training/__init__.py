"""Training of networks: the trainer, its objectives, data, optimizers and schedules."""
