"""Robustness reports, how much typos cost each model: `python -m finetune robustness`."""
