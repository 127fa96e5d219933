"""python -m data vocabulary: counts words and characters, and trains tokenizers."""
