"""The renderer's Numba kernels: visibility, then shading."""
