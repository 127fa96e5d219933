"""Raw files in, training examples out."""
