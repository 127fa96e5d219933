"""ExportedModel: the graph of an exported folder, run by ONNX Runtime and called as a model of PyTorch."""

from pathlib import Path
from typing import Any

import torch
from transformers.utils import CONFIG_NAME

from charbert.backbones import find_backbone
from charbert.configuration import CharBertConfig
from charbert.errors import CharBertError, reading
from charbert.export import MODEL_FILE
from charbert.export.graph import check_packages

SLOW_FUSION = "SkipLayerNormFusion"
"""Of the sum before a norm with it: alone both are faster, on a CPU by a sixth of the whole in int8."""


class ExportedModel:
    """A graph in a folder, or a file of one, on a CPU.

    Called with tensors by name it gives a dict of tensors. Inputs that the graph does not have are left out;
    without `attention_mask` all tokens are read, without `token_type_ids` all are of the first type.

    Args:
        source: the folder, or the file.
        threads: that a call uses; None: as many as there are cores.

    Raises:
        CharBertError: it cannot be read, or ONNX Runtime is not installed.
    """

    device = torch.device("cpu")

    def __init__(self, source: str | Path, threads: int | None = None) -> None:
        check_packages("onnxruntime")
        import onnxruntime

        path = Path(source)
        self.name_or_path = str(source)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or 0
        # To wake a thread takes longer than a step of the GRU; after that they leave the cores to others.
        options.add_session_config_entry("session.intra_op.spin_duration_us", "20")
        file = path / MODEL_FILE if path.is_dir() else path
        if not file.is_file():
            raise CharBertError(f"{source}: no exported model there; charbert export makes one")
        with reading(file, "an ONNX graph"):
            self._session = onnxruntime.InferenceSession(
                file, options, providers=["CPUExecutionProvider"], disabled_optimizers=[SLOW_FUSION]
            )
        self.inputs = [each.name for each in self._session.get_inputs()]
        self.outputs = [each.name for each in self._session.get_outputs()]
        self._longest = self.max_tokens if (path / CONFIG_NAME).is_file() else None

    @property
    def config(self) -> CharBertConfig:
        """The configuration in the folder.

        Raises:
            CharBertError: it cannot be read.
        """
        with reading(self.name_or_path, "a configuration"):
            return CharBertConfig.from_pretrained(self.name_or_path)

    @property
    def max_tokens(self) -> int:
        """The longest input, by the configuration in the folder."""
        config = self.config.backbone_config
        backbone = find_backbone(config.model_type)
        return backbone.max_length(config.max_position_embeddings, config.pad_token_id)

    def __call__(self, input_ids: torch.Tensor, **inputs: torch.Tensor | None) -> dict[str, Any]:
        """The outputs by name.

        Raises:
            CharBertError: there are no tokens, on which ONNX Runtime would end the process, or too many.
        """
        length = input_ids.shape[-1]
        if not input_ids.numel():
            raise CharBertError(f"{self.name_or_path}: input_ids hold no tokens")
        if self._longest is not None and length > self._longest:
            raise CharBertError(
                f"{length} tokens in a sequence, but the model reads {self._longest}: truncate"
            )
        left_out = {
            "attention_mask": torch.ones_like(input_ids),
            "token_type_ids": torch.zeros_like(input_ids),
        }
        given = left_out | {name: value for name, value in inputs.items() if value is not None}
        given["input_ids"] = input_ids
        found = self._session.run(None, {name: given[name].numpy() for name in self.inputs})
        return {name: torch.from_numpy(array) for name, array in zip(self.outputs, found, strict=True)}
