"""The renderer as CUDA kernels: the same two passes, all worlds in one launch, images left on the GPU."""
