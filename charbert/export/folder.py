"""Exported folders: the graph of a CharBERT, compared with PyTorch, its configuration and its tokenizer."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers.utils import logging

from charbert.configuration import save_config
from charbert.errors import CharBertError, name_failures
from charbert.export import MODEL_FILE
from charbert.export.graph import check_packages, may_saturate, quantize, write_graph
from charbert.export.program import export_program, folded_interactions, make_inputs
from charbert.export.session import ExportedModel
from charbert.hub.cards import Facts, write_card
from charbert.loading import fit_tokenizer
from charbert.settings import DEFAULT_OPSET

logger = logging.get_logger(f"transformers.{__name__}")

LARGEST_ERROR = {"fp32": 1e-4, "int8": 0.3}
"""|a - b| / |b| of an output b of the model on a batch; an export with a greater one is not kept."""
SHAPES = ((1, 1), (1, 7), (3, 2), (3, 33), (2, 512))  # sequences and tokens; shorter where the model is
TEXTS = (
    "The quick brown fox jumps over the lazy dog.",
    "Teh qiuck brwon fox jmups ovre the layz dgo, 42 times!",
    "Größe, naïve café; 東京 and \N{SLIGHTLY SMILING FACE}",
    "A",
)


def export_onnx(
    model: Any,
    tokenizer: Any,
    folder: str | Path,
    int8: bool = False,
    opset: int = DEFAULT_OPSET,
    reduce_range: bool | None = None,
) -> dict[str, float]:
    """Export a CharBERT with any head to ONNX, and compare the graph with it on inputs of several shapes.

    The folder gets `model.onnx`, which takes `input_ids` and `attention_mask` (B, L), token types where the
    backbone has them, and spells the tokens itself; `config.json` and the files of the tokenizer.

    Args:
        model: as it was loaded; it is moved to the CPU, set to evaluation and to fp32.
        tokenizer: its own.
        folder: made where it is missing.
        int8: quantise the weights of matrix products.
        opset: version of the ONNX operators.
        reduce_range: of int8, as of `quantize`; None: where it is needed on this processor.

    Returns:
        The largest error |a - b| / |b| of each output, and those of int8 as `int8_NAME`.

    Raises:
        CharBertError: a package is not installed, the model cannot spell, or the graph differs from the
            model: it is removed then.
    """
    check_packages()
    model, folder = model.cpu().float().eval(), Path(folder)
    tokenizer = fit_tokenizer(tokenizer, model)
    with name_failures(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".export-") as made:
            exact, kept = Path(made) / "fp32" / MODEL_FILE, Path(made) / "kept" / MODEL_FILE
            for path in (exact, kept):
                path.parent.mkdir()
            logger.info("tracing the model, and writing its graph")
            with folded_interactions(model):
                program = export_program(model)
                outputs = list(model(**next(_batches(model, tokenizer))))
            write_graph(program, outputs, exact, opset)
            del program
            logger.info("comparing the graph with the model")
            errors = compare(model, tokenizer, ExportedModel(exact), LARGEST_ERROR["fp32"])
            if int8:
                logger.info("writing it with weights in int8, and comparing that")
                quantize(exact, kept, may_saturate() if reduce_range is None else reduce_range)
                found = compare(model, tokenizer, ExportedModel(kept), LARGEST_ERROR["int8"])
                errors |= {f"int8_{name}": error for name, error in found.items()}
            for path in (kept if int8 else exact).parent.iterdir():
                path.replace(folder / path.name)
    save_config(model, folder)
    tokenizer.save_pretrained(folder)
    largest = {f"largest error of {name}": f"{error:.1g}" for name, error in errors.items()}
    write_card(
        folder, Facts(base=model.name_or_path or None, training=largest, parameters=model.num_parameters())
    )
    return errors


@torch.inference_mode()
def compare(model: Any, tokenizer: Any, exported: ExportedModel, limit: float) -> dict[str, float]:
    """The largest error of each output of an exported model, |a - b| / |b| on a batch.

    Raises:
        CharBertError: one is greater than the limit, or not a number.
    """
    errors: dict[str, float] = {}
    for batch in _batches(model, tokenizer):
        wanted, found = model(**batch), exported(**batch)
        for name, right in wanted.items():
            error = float((found[name] - right).norm() / right.norm().clamp(min=1e-6))
            if not error <= limit:
                shape = "x".join(map(str, batch["input_ids"].shape))
                raise CharBertError(
                    f"{name}: the exported graph differs from the model by {error:.1g} of the values on a "
                    f"batch of {shape} tokens, and {limit:g} is the limit; nothing is kept"
                )
            errors[name] = max(errors.get(name, 0.0), error)
    return errors


def _batches(model: Any, tokenizer: Any) -> Iterator[dict[str, torch.Tensor]]:
    """Texts, then random tokens in several shapes, with padding at either end."""
    encoded = tokenizer(list(TEXTS), padding=True, truncation=True, return_tensors="pt")
    yield _as_rows(model, encoded["input_ids"], encoded["attention_mask"])
    draws = torch.Generator().manual_seed(0)
    for rows, length in SHAPES:
        length = min(length, model.base_model.max_tokens)
        ids = torch.randint(model.config.vocab_size, (rows, length), generator=draws)
        # Of RoBERTa, the id of padding says what has no position.
        ids = ids.masked_fill(ids == tokenizer.pad_token_id, tokenizer.pad_token_id + 1)
        mask = torch.ones_like(ids)
        if rows > 1:
            mask[-1, length // 2 + 1 :] = 0
        if rows > 2:
            mask[1, : length // 3] = 0
        yield _as_rows(model, ids.masked_fill(mask == 0, tokenizer.pad_token_id), mask)


def _as_rows(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
    """(B, L) as the inputs of a model; of one that chooses with two choices (B, 2, L), of two rows each."""
    types = torch.zeros_like(ids)
    types[:, ids.shape[1] // 2 :] = model.config.type_vocab_size - 1
    columns = [ids, mask, types]
    if "choices" in model.input_axes:
        columns = [torch.stack([column, column.flip(0)], dim=1) for column in columns]
    return make_inputs(model, *columns)
