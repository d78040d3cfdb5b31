"""The renderer as CUDA kernels: the two passes of `cpu`, with all worlds in one launch and images left on the GPU."""
