"""Run folders: durable files, checkpoints, saved models, settings, interrupts."""
