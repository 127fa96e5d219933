"""Positions of the labels beside the labels: the same losses, and nothing that the host waits for."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import tiny
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F

import charbert
from charbert.losses import IGNORED

LABELLED: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "some": lambda mask: (torch.arange(mask.numel()).view_as(mask) % 3 == 0) & mask.bool(),
    "none": torch.zeros_like,
    "all": lambda mask: mask.bool(),
}


def labelled_batch(kind: str, which: str = "some") -> dict[str, torch.Tensor]:
    batch = tiny.ragged_batch(kind, tiny.SENTENCES * 8, return_spelling=True)
    labelled = LABELLED[which](batch["attention_mask"]).bool()
    batch["labels"] = batch["input_ids"].masked_fill(~labelled, IGNORED)
    batch["nlm_labels"] = (batch["input_ids"] % 20).masked_fill(~labelled.roll(1, dims=1), IGNORED)
    return batch


def with_positions(batch: dict[str, torch.Tensor], padding: int) -> dict[str, torch.Tensor]:
    positions = {
        f"{task}_positions": F.pad(
            (batch[labels] != IGNORED).flatten().nonzero()[:, 0], (0, padding), value=-1
        )
        for task, labels in (("mlm", "labels"), ("nlm", "nlm_labels"))
    }
    return {**batch, **positions}


def losses_and_gradients(model: Any, batch: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    output = model(**batch)
    gradients = torch.autograd.grad(output.loss, list(model.parameters()), allow_unused=True)
    return [output.mlm_loss, output.nlm_loss, *gradients]


@pytest.mark.parametrize("which", LABELLED)
@pytest.mark.parametrize("padding", [0, 1, 50])
def test_losses_and_gradients_are_those_without_positions(kind: str, which: str, padding: int) -> None:
    model, batch = tiny.build(charbert.CharBertForPreTraining, kind).double(), labelled_batch(kind, which)
    ours = losses_and_gradients(model, with_positions(batch, padding))
    theirs = losses_and_gradients(model, batch)
    for one, other in zip(ours, theirs, strict=True):
        if one is not None or other is not None:
            assert tiny.largest_difference(one, other) < 1e-12
    assert bool(ours[0] == 0) == (which == "none")


def test_one_task_may_have_positions(kind: str) -> None:
    model, batch = tiny.build(charbert.CharBertForPreTraining, kind), labelled_batch(kind)
    output, wanted = (model(**given) for given in (with_positions(batch, 3), batch))
    given = with_positions(batch, 3)
    del given["nlm_positions"]
    assert torch.equal(model(**given).nlm_loss, wanted.nlm_loss)
    assert torch.equal(model(**given).mlm_loss, output.mlm_loss)


def test_a_step_looks_at_no_value(kind: str) -> None:
    """Fake tensors have shapes and no values: whatever the host would wait for raises."""
    model = tiny.build(charbert.CharBertForPreTraining, kind).train()
    batch = with_positions(labelled_batch(kind), padding=5)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        loss = model(**{name: mode.from_tensor(tensor) for name, tensor in batch.items()}).loss
        loss.backward()
    assert loss.shape == ()


@pytest.fixture
def graphs() -> Iterator[list[Any]]:
    """The graphs that `counted` was given to compile."""
    torch.compiler.reset()
    found: list[Any] = []
    yield found
    torch.compiler.reset()


@pytest.mark.parametrize("char_encoder", ["gru", "embedding"])
def test_batches_of_one_shape_are_compiled_once(char_encoder: str, graphs: list[Any]) -> None:
    def backend(graph: Any, _inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    model = tiny.build(charbert.CharBertForPreTraining, "bert", char_encoder=char_encoder).train()
    # Dynamo leaves torch's GRU to torch.
    compiled = torch.compile(model, backend=backend, fullgraph=char_encoder != "gru")
    numbers = []
    for which in LABELLED:
        batch = labelled_batch("bert", which)
        positions = {
            name: F.pad(given, (0, 512 - len(given)), value=-1)
            for name, given in with_positions(batch, padding=0).items()
            if name.endswith("_positions")
        }
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss, wanted = compiled(**batch, **positions).loss, model(**batch).loss
        loss.backward()
        assert torch.isclose(loss, wanted, rtol=0.02)
        numbers.append(len(graphs))
    assert len(set(numbers)) == 1


@pytest.mark.gpu
@pytest.mark.parametrize("compiled", [False, True])
def test_a_training_step_never_waits_for_the_gpu(kind: str, compiled: bool) -> None:
    model = tiny.build(charbert.CharBertForPreTraining, kind).train().cuda()
    called = torch.compile(model) if compiled else model
    batch = {name: tensor.cuda() for name, tensor in with_positions(labelled_batch(kind), 5).items()}

    def step() -> None:
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = called(**batch).loss
        loss.backward()

    step()  # the first compiles, and loads kernels
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
