"""What training tells torch's compiler."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import distributed, nn
from torch._inductor import config as inductor
from torch.nn.parallel import DistributedDataParallel

pytest.importorskip("accelerate", reason="the Trainer needs accelerate")

from charbert.commands.devices import prepare_compiler

SPLIT_SIZE = "triton.mix_order_reduction_split_size"


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[None]:
    """A group of this process alone, and the compiler's settings put back."""
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)
    torch.compiler.reset()
    with torch._dynamo.config.patch(optimize_ddp=True), inductor.patch({SPLIT_SIZE: None}):
        yield
    torch.compiler.reset()
    distributed.destroy_process_group()


def test_several_processes_train_one_graph(alone: None) -> None:
    assert graphs() > 1
    prepare_compiler()
    assert graphs() == 1


class Deep(nn.Module):
    """Eight layers of one MiB."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(512, 512) for _ in range(8))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            states = layer(states)
        return states


def graphs() -> int:
    """Graphs of a model that exchanges its gradients in pieces of one MiB."""
    made: list[Any] = []

    def backend(graph: Any, _inputs: Any) -> Any:
        made.append(graph)
        return graph.forward

    torch.compiler.reset()
    compiled = torch.compile(DistributedDataParallel(Deep(), bucket_cap_mb=1), backend=backend)
    compiled(torch.ones(1, 512))
    return len(made)
