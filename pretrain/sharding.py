"""FSDP2: a run's parameters, gradients and optimiser sharded over its processes, as `accelerate` does it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from torch import nn
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy
from transformers import PreTrainedModel

from charbert.errors import CharBertError
from charbert.lm_heads import CharBertForPreTraining

SHARDED_MODEL = "pytorch_model_fsdp.bin"  # what the Trainer goes on from; whole, like its model.safetensors


def configure_sharding(
    accelerator: Accelerator, model: PreTrainedModel, plugin_arguments: dict[str, Any]
) -> None:
    """Make an accelerator shard the model by the backbone's layers when it prepares it.

    Args:
        accelerator: as the Trainer made it.
        model: not yet prepared.
        plugin_arguments: what the Trainer's arguments make of `fsdp_config`.
    """
    plugin = FullyShardedDataParallelPlugin(**plugin_arguments)
    # Not the backbone's `_no_split_modules`: those name its embeddings too, which the masked-LM head shares.
    if isinstance(model, CharBertForPreTraining):
        backbone = model.charbert.backbone
    else:
        backbone = model.base_model
        # accelerate shards the embeddings together with the decoder that they are tied to, and apart from the
        # second name of its bias; without them it leaves all three in one group, as FSDP2 needs it.
        model.get_input_embeddings = model.get_output_embeddings = lambda: None
    plugin.transformer_cls_names_to_wrap = [type(backbone.encoder.layer[0]).__name__]
    if accelerator.mixed_precision == "bf16":
        # Gradients are summed over the processes in fp32, as without sharding.
        plugin.mixed_precision_policy = MixedPrecisionPolicy(
            param_dtype=torch.bfloat16, reduce_dtype=torch.float32
        )
    # Said outright, since accelerate shards on GPUs alone, though gloo serves FSDP2 too.
    accelerator.state.fsdp_plugin = plugin
    accelerator.state.distributed_type = PartialState().distributed_type = DistributedType.FSDP
    # A compiled model as a whole would run past the hooks of its sharded layers.
    accelerator.state.dynamo_plugin.use_regional_compilation = True


def check_checkpoint(checkpoint: Path, sharded: bool) -> None:
    """Refuse to go on with sharding from a checkpoint without it, or the other way round.

    Raises:
        CharBertError: the optimiser of the checkpoint has the other form.
    """
    was_sharded = (checkpoint / SHARDED_MODEL).exists()
    if was_sharded != sharded:
        raise CharBertError(
            f"{checkpoint}: the run had fsdp={was_sharded}, not {sharded}; go on with the same"
        )


@contextmanager
def gathered(model: nn.Module) -> Iterator[None]:
    """Where a part of the model may be called alone: what no layer shards is whole while this lasts."""
    if not isinstance(model, FSDPModule):
        yield
        return
    model.unshard()
    try:
        yield
    finally:
        model.reshard()
