"""Convolutional networks and the vision tasks they learn from labelled camera frames."""
