"""What networks have learned, as pictures: filters, activations, saliency, neighbours and maps of features."""
