"""Labelled data: files in, examples of a task out."""
