"""Operators of torch on a GPU: the Bi-GRU, with a reference, and the interaction in inference."""
