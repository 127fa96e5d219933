"""Metrics: accuracy, F1, entities, SQuAD, several seeds; equal to the field's own scripts."""
