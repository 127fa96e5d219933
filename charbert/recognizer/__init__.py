"""The semi-character word recognizer (ScRNN): a model that reads misspelled words."""
