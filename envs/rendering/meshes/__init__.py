"""Meshes, their surfaces, labels and files."""
