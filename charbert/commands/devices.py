"""Devices: the one that `--device` names, batches on it, and the kernels that run there."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

from charbert.errors import CharBertError, first_line

# At 64 or more, kernels of a norm's backward pass at 768 units are 6 times slower (pytorch issue 185814).
_ROWS_OF_A_BLOCK = 32


def find_device(name: str | None = None) -> torch.device:
    """Where models predict.

    Args:
        name: of the device, as `--device` gives it; None: a GPU if there is one.

    Raises:
        CharBertError: there is no such device here.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise CharBertError(
            f"--device: {name!r} is not there ({first_line(error)}); leave it out, or give cpu"
        ) from error
    return device


def copied(batch: Mapping[str, torch.Tensor], device: torch.device) -> dict[str, torch.Tensor]:
    """A batch on a device; the host goes on meanwhile, unlike with the Trainer's own copies."""
    return {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}


@contextmanager
def attention_kernels(cudnn: bool) -> Iterator[None]:
    """Choose whether torch may take cuDNN's kernels for attention while this lasts.

    On an H100 or H200 the gradients of these can be NaN in half precision where a batch with a mask has 64,
    192, 320, ... tokens (torch 2.11, pytorch issue 196678). At 128 tokens and more they are the faster ones.
    """
    before = torch.backends.cuda.cudnn_sdp_enabled()
    torch.backends.cuda.enable_cudnn_sdp(before and cudnn)
    try:
        yield
    finally:
        torch.backends.cuda.enable_cudnn_sdp(before)


def prepare_compiler() -> None:
    """Two settings of this process under which compiled training is faster (`docs/performance.md`).

    One graph under DDP: cut into one per exchange, as torch does by itself, the pieces lose more than the
    exchanges gain from running meanwhile. And as many rows for a block of a norm's backward pass as are fast
    for every batch size, where torch chooses by the batch size.
    """
    from torch._inductor import config as inductor  # as long to import as torch, and few commands compile

    torch._dynamo.config.optimize_ddp = False
    inductor.triton.mix_order_reduction_split_size = _ROWS_OF_A_BLOCK
