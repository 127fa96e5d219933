"""Speed of the character GRU: ours beside torch's `nn.GRU`, which is cuDNN's on a GPU.

    python benchmarks/gru.py [--batch-sizes N...] [--steps N] [--json FILE]

First the check: the relative errors of ours against an `nn.GRU` in fp64, of the states and of every
gradient, and those of `nn.GRU` in the same type. Then the times, from character ids to the states at each of
them: forward alone, as in evaluation, and forward and backward, whose speed the last column compares. All
sequences have full length; ids are drawn like the characters of text, and each call gets others than the one
before. On a GPU a table of the parts of ours follows: in bf16, by the profiler, which separates kernels.

On a CPU ours is only checked; the character encoder uses `nn.GRU` there, two layers of one direction each,
and is timed in its place.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from torch import nn

from benchmarks.frame import (
    DeviceSettings,
    GrowingTable,
    describe_device,
    device_of,
    forget_everything,
    milliseconds,
    parse_benchmark,
    table,
    write_json,
)
from benchmarks.synthetic import character_ids
from charbert.char_encoder import CharacterEncoder
from charbert.commands.settings import option
from charbert.configuration import CharBertConfig
from charbert.errors import run_command
from charbert.ops.gru import bidirectional_gru

CHARACTERS = CharBertConfig.character_vocabulary_size
CHECKED_ROWS, CHECKED_STEPS = 12, 96
INPUTS = 4
TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
HALF = ("bf16", "fp16")
CHARACTERS_OF_A_TOKEN = 4
# Names in the profiler of the work that is listed separately; matrix products for the table are small.
PARTS = {
    "forward kernel": "gru_forward",
    "backward kernel": "gru_backward",
    "gradient of the table": "aten::embedding_dense_backward",
    "gradients of the weights": "aten::mm",
}
States = Callable[[torch.Tensor], torch.Tensor]


@dataclass(kw_only=True)
class GruSettings(DeviceSettings):
    batch_sizes: list[int] = option([], "sequences; if none, 64 128 256, on a CPU 4", minimum=1)
    steps: int | None = option(None, "characters of a sequence; if none, 2048, on a CPU 128", minimum=1)
    units: int = option(192, "of each direction", minimum=1)
    embedding: int = option(256, "width of a character's embedding", minimum=1)
    rounds: int = option(20, "timed calls; nn.GRU on a GPU, which is slow, gets a fifth of them", minimum=1)


def main(arguments: Sequence[str]) -> None:
    given = parse_benchmark(GruSettings, arguments, __file__, __doc__)
    device = device_of(given.device)
    on_gpu = device.type == "cuda"
    batch_sizes = given.batch_sizes or ([64, 128, 256] if on_gpu else [4])
    steps = given.steps or (2048 if on_gpu else 128)
    torch.manual_seed(0)
    sizes = f"{given.units} units, embeddings of {given.embedding}, {steps} steps"
    print(f"{describe_device(device)}\n{sizes}, {given.rounds} rounds\n", flush=True)

    encoder = _encoder(given.embedding, given.units).to(device)
    checked = errors(encoder)
    names = list(next(iter(checked.values())))
    rows = [[name, *(f"{kind[name]:.1e}" for kind in checked.values())] for name in names]
    print(f"{table([['relative error', *checked], *rows])}\n", flush=True)

    rounds_of_torch = max(1, given.rounds // 5) if on_gpu else given.rounds
    lines = GrowingTable(
        (f"{'batch':<30}", " forward ms", "us a step", " fwd + bwd ms", "us a step", "x nn.GRU fp32")
    )
    times: list[dict[str, Any]] = []
    for batch_size in batch_sizes:
        inputs = _inputs(batch_size, steps, device)
        of_torch = 0.0
        for name in ("nn.GRU fp32", "nn.GRU fp16", "nn.GRU bf16", "ours bf16", "ours fp16"):
            kind, _, precision = name.partition(" ")
            if not on_gpu and precision != "fp32":
                continue
            forget_everything(device)
            states, weights = (_ours if kind == "ours" else _of_torch)(encoder, TYPES[precision])
            timed = _timed(states, weights, inputs, given.rounds if kind == "ours" else rounds_of_torch)
            of_torch = of_torch or timed[1]
            times.append(_line(lines, batch_size, name, steps, timed, of_torch))
        if not on_gpu:
            timed = _timed(_as_encoded(encoder), list(encoder.parameters()), inputs, given.rounds)
            times.append(_line(lines, batch_size, "CharacterEncoder fp32", steps, timed, of_torch))
    numbers: dict[str, Any] = {"sizes": sizes, "errors": checked, "times": times}
    if on_gpu:
        whole = {line["batch_size"]: line["milliseconds"] for line in times if line["name"] == "ours bf16"}
        parts = {
            str(size): parts_of_ours(encoder, _inputs(size, steps, device), whole[size])
            for size in batch_sizes
        }
        numbers["parts"] = parts
        shown = [[name, *(f"{of[name]:.2f}" for of in parts.values())] for name in parts[str(batch_sizes[0])]]
        print(f"\n{table([['ms of ours, bf16', *(f'batch {size}' for size in parts)], *shown])}")
    write_json(given.json, numbers)


def errors(encoder: CharacterEncoder) -> dict[str, dict[str, float]]:
    """Relative errors |a - b| / |b| of the states and of all gradients against fp64, kind by kind."""
    device = encoder.embeddings.weight.device
    ids = _inputs(CHECKED_ROWS, CHECKED_STEPS, device)[0]
    units = encoder.forward_gru.hidden_size
    cotangent = torch.randn(CHECKED_ROWS, CHECKED_STEPS, 2 * units, device=device)
    exact = _states_and_gradients(*_of_torch(encoder, torch.float64), ids, cotangent)
    return {
        f"{kind} {name}": {
            part: float((of.double() - exact[part]).norm() / exact[part].norm())
            for part, of in _states_and_gradients(*make(encoder, TYPES[name]), ids, cotangent).items()
        }
        for kind, make in (("ours", _ours), ("nn.GRU", _of_torch))
        for name in HALF
    }


def parts_of_ours(encoder: CharacterEncoder, inputs: list[torch.Tensor], whole: float) -> dict[str, float]:
    """Milliseconds on the GPU of what forward and backward, `whole` together, consist of."""
    states, weights = _ours(encoder, torch.bfloat16)
    both = _forward_and_backward(states, weights, inputs)
    both(0)
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        for number in range(len(inputs)):
            both(number)
        torch.cuda.synchronize()
    seen = profile.key_averages()
    parts = {
        # An operator's time is that of its kernels, which stand in the table by their own names too.
        part: sum(line.device_time_total for line in seen if line.key == name) / len(inputs) / 1e3
        for part, name in PARTS.items()
    }
    return {**parts, "the rest": whole - sum(parts.values()), "forward + backward": whole}


def _encoder(embedding: int, units: int) -> CharacterEncoder:
    """A character encoder, which holds the weights that all are measured with."""
    backbone = {"hidden_size": 4 * units}
    return CharacterEncoder(CharBertConfig(backbone_config=backbone, char_embedding_size=embedding))


def _inputs(batch_size: int, steps: int, device: torch.device) -> list[torch.Tensor]:
    """Different character ids (B, T)."""
    draws = np.random.default_rng(0)
    return [character_ids((batch_size, steps), CHARACTERS, draws).to(device) for _ in range(INPUTS)]


def _ours(encoder: CharacterEncoder, dtype: torch.dtype) -> tuple[States, list[torch.Tensor]]:
    """Ours, from ids to states, and the weights: of the embedding, then of both directions."""
    layers = encoder.forward_gru, encoder.backward_gru

    def states(ids: torch.Tensor) -> torch.Tensor:
        lengths = torch.full(ids.shape[:1], ids.shape[1], device=ids.device)
        return bidirectional_gru(encoder.embeddings.weight, ids, lengths, layers, dtype)[:, :-1]

    return states, [encoder.embeddings.weight, *(weight for layer in layers for weight in layer.parameters())]


def _of_torch(encoder: CharacterEncoder, dtype: torch.dtype) -> tuple[States, list[torch.Tensor]]:
    """torch's, with the same weights in the same order."""
    weight = encoder.embeddings.weight
    layer = nn.GRU(weight.shape[1], encoder.forward_gru.hidden_size, batch_first=True, bidirectional=True)
    halves = encoder.forward_gru.state_dict(), encoder.backward_gru.state_dict()
    layer.load_state_dict(halves[0] | {f"{name}_reverse": value for name, value in halves[1].items()})
    embeddings = nn.Embedding.from_pretrained(weight.detach().to(dtype), freeze=False)
    layer = layer.to(weight.device, dtype)
    return lambda ids: layer(embeddings(ids))[0], [embeddings.weight, *layer.parameters()]


def _as_encoded(encoder: CharacterEncoder) -> States:
    """The character encoder whole, with a token for every few characters."""

    def states(ids: torch.Tensor) -> torch.Tensor:
        starts = torch.arange(0, ids.shape[1], CHARACTERS_OF_A_TOKEN + 1).expand(len(ids), -1)
        ends = (starts + CHARACTERS_OF_A_TOKEN - 1).clamp(max=ids.shape[1] - 1)
        return encoder(ids, starts, ends, torch.ones_like(starts))

    return states


def _forward_and_backward(
    states: States, weights: list[torch.Tensor], inputs: list[torch.Tensor]
) -> Callable[[int], object]:
    cotangents = [torch.randn_like(states(ids)) for ids in inputs[:2]]

    def both(number: int) -> object:
        made = states(inputs[number % len(inputs)])
        return torch.autograd.grad(made, weights, cotangents[number % len(cotangents)])

    return both


def _timed(
    states: States, weights: list[torch.Tensor], inputs: list[torch.Tensor], rounds: int
) -> tuple[float, float]:
    """Milliseconds of the forward pass alone, and of both."""
    device = inputs[0].device
    with torch.no_grad():
        forward = milliseconds(lambda number: states(inputs[number % len(inputs)]), device, rounds)
    return forward, milliseconds(_forward_and_backward(states, weights, inputs), device, rounds)


def _line(
    lines: GrowingTable, batch_size: int, name: str, steps: int, timed: tuple[float, float], of_torch: float
) -> dict[str, Any]:
    """Print a row of the table; its numbers, for the JSON."""
    cells = [text for each in timed for text in (f"{each:.2f}", f"{1e3 * each / steps:.2f}")]
    lines.add(f"{batch_size:>4}  {name}", *cells, f"{of_torch / timed[1]:.2f}")
    return {
        "batch_size": batch_size,
        "name": name,
        "forward_milliseconds": timed[0],
        "milliseconds": timed[1],
        "microseconds_per_step": 1e3 * timed[1] / steps,
    }


def _states_and_gradients(
    states: States, weights: list[torch.Tensor], ids: torch.Tensor, cotangent: torch.Tensor
) -> dict[str, torch.Tensor]:
    made = states(ids)
    gradients = torch.autograd.grad(made, weights, cotangent.to(made.dtype))
    kinds = [f"gradient of {name}" for name in ("W_ih", "W_hh", "b_ih", "b_hh")]
    names = ["gradient of the embeddings", *kinds, *(f"{kind}, backward" for kind in kinds)]
    return {"states": made.detach(), **dict(zip(names, gradients, strict=True))}


if __name__ == "__main__":
    sys.exit(run_command(main))
