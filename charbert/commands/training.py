"""What both kinds of training tell torch and the Trainer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch._inductor import config as inductor
from transformers import PreTrainedModel, TrainingArguments

from charbert.errors import CharBertError

STATE = "trainer_state.json"
# Of DDP's exchanges: compiled in one piece, a backward pass hands over all its gradients at once.
_BUCKET_MIB = 100
# At 64 or more, kernels of a norm's backward pass at 768 units are 6 times slower (pytorch issue 185814).
_ROWS_OF_A_BLOCK = 32


def training_arguments(module: str, *, torch_compile: bool, **given: Any) -> TrainingArguments:
    """Arguments of a Trainer with what holds for every training here.

    Args:
        module: what `python -m` starts, for messages.
        torch_compile: compile the model, with the compiler prepared.
        given: the others.

    Raises:
        CharBertError: the Trainer refuses them, or one process sees several GPUs.
    """
    if torch_compile:
        prepare_compiler()
    try:
        arguments = TrainingArguments(
            remove_unused_columns=False,
            report_to="tensorboard",
            # Said outright, since else processes without a GPU do not know of each other.
            use_cpu=not torch.accelerator.is_available(),
            torch_compile=torch_compile,
            optim="adamw_torch_fused",
            logging_nan_inf_filter=False,  # it would wait for the loss of every batch
            ddp_find_unused_parameters=False,
            ddp_broadcast_buffers=False,  # they never change
            ddp_bucket_cap_mb=_BUCKET_MIB if torch_compile else None,
            **given,
        )
    except ValueError as error:
        raise CharBertError(f"settings that the Trainer refuses: {error}") from error
    if arguments.device.type == "cpu":
        # Of several processes each has a "cpu:0", onto which transformers 5.17 cannot load an optimiser.
        arguments.__dict__["_setup_devices"] = torch.device("cpu")
    if arguments.n_gpu > 1:
        raise CharBertError(
            f"{arguments.n_gpu} GPUs: start one process for each, `torchrun --nproc-per-node "
            f"{arguments.n_gpu} -m {module} ...`, or choose one with CUDA_VISIBLE_DEVICES"
        )
    return arguments


def copied(batch: Mapping[str, torch.Tensor], device: torch.device) -> dict[str, torch.Tensor]:
    """A batch on a device; the host goes on meanwhile, unlike with the Trainer's own copies."""
    return {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}


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
