"""What training tells torch: its compiler, and what to keep for the backward pass."""

from pathlib import Path

import torch
from torch._inductor import config as inductor
from transformers import PreTrainedModel

STATE = "trainer_state.json"
# Of DDP's exchanges: compiled in one piece, a backward pass hands over all its gradients at once.
BUCKET_MIB = 100
# At 64 or more, kernels of a norm's backward pass at 768 units are 6 times slower (pytorch issue 185814).
_ROWS_OF_A_BLOCK = 32


def prepare_compiler() -> None:
    """Two settings of this process under which compiled training is faster (`docs/performance.md`).

    One graph under DDP: cut into one per exchange, as torch does by itself, the pieces lose more than the
    exchanges gain from running meanwhile. And as many rows for a block of a norm's backward pass as are fast
    for every batch size, where torch chooses by the batch size.
    """
    torch._dynamo.config.optimize_ddp = False
    inductor.triton.mix_order_reduction_split_size = _ROWS_OF_A_BLOCK


def checkpoint_gradients(model: PreTrainedModel) -> None:
    """Let the layers keep their inputs alone and compute the rest again in the backward pass."""
    # transformers renamed this after 5.17, with a warning at the old name.
    name = "activation_checkpointing_enable"
    enable = getattr(model, name, None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})


def complete_checkpoint(output: Path) -> Path | None:
    """The newest checkpoint of a Trainer's folder that was written whole; None where there is none."""
    # The Trainer writes its state last: a checkpoint without it was interrupted.
    complete = [path.parent for path in output.glob(f"checkpoint-*/{STATE}")]
    return max(complete, key=lambda path: int(path.name.rpartition("-")[2]), default=None)
