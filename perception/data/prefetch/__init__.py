"""Background prefetching of batches, in a thread or in processes, into reusable buffers."""
