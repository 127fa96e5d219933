"""The Bi-GRU as an operator of torch: module, CUDA launch, reference and kernels."""
