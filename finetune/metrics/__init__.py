"""Measures, equal to the field's own."""
