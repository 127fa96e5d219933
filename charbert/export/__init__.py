"""Export: a CharBERT as a program of `torch.export`, and as an ONNX graph that is compared with PyTorch."""

MODEL_FILE = "model.onnx"
TASK_FILE = "task.json"
"""What a model was fine-tuned for: copied, so that `python -m finetune predict` reads the exported folder."""
