"""Visualization of networks: filters, activations, saliency maps, nearest neighbors and maps of feature space."""
