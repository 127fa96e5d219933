"""Adversarial attacks on fine-tuned models: `python -m finetune worst-case`."""
