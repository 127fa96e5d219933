"""Export: a CharBERT as a program of `torch.export`, and as an ONNX graph that is compared with PyTorch."""

from pathlib import Path

from charbert.errors import LoadingError

MODEL_FILE = "model.onnx"
TASK_FILE = "task.json"
"""What a model was fine-tuned for: copied, so that `python -m finetune predict` reads the exported folder."""


def is_exported(folder: str | Path) -> bool:
    """Whether a folder holds an exported model."""
    return (Path(folder) / MODEL_FILE).is_file()


def refuse_exported(folder: Path) -> None:
    """Refuse a folder with a graph where the weights of a model are needed.

    Raises:
        LoadingError: it has no weights beside the graph.
    """
    weights = (path for ending in ("safetensors", "bin") for path in folder.glob(f"*.{ending}"))
    if is_exported(folder) and not any(weights):
        raise LoadingError(
            f"{folder}: holds an exported graph and no weights; give that of the model that it comes from"
        )
