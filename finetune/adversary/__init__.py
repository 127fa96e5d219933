"""python -m finetune worst-case: search for the edits that hurt a model most."""
