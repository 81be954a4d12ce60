"""numba kernels over Arrow buffers: one pass, the GIL released, no Python object per word."""
