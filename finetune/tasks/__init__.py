"""Tasks of fine-tuning: encode examples, decode and score predictions; the registry of tasks."""
