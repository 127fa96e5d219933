"""Labelled files written anew: what an attack changed is in them, and all else is as it was."""
