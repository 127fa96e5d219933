"""Pre-training: masked LM and noisy LM on running text."""
