"""CUDA kernels of our own: 4-bit products, and the short operations between them."""
