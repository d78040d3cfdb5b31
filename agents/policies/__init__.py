"""Policies: observations to actions, and the folders that they are saved in."""
