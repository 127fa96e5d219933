"""What the commands share: settings, results, checkpoints of a Trainer, tables, progress bars."""
