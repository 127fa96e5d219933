"""Spelling correction with the noisy LM: corrector, reader, rule, spell distance, pipeline."""
