"""What networks have learned, as pictures: filters, activations, saliency, neighbors and maps of features."""
