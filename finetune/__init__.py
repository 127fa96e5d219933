"""Fine-tuning: tasks, metrics, robustness."""
