"""Pre-training data: documents packed into blocks of tokens."""
