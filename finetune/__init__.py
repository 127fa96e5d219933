"""Fine-tuning: tasks, training, predictions, metrics, robustness reports, adversarial attacks."""
