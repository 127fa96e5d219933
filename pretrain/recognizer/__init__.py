"""python -m pretrain recognizer: train the word recognizer."""
