"""Pre-training data: token blocks, masking and noise, batches, sampler, streaming."""
