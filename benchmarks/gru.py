"""`python -m benchmarks gru`: speed of the character GRU beside torch's `nn.GRU`, which is cuDNN's on a GPU.

First the check: the relative errors of ours against an `nn.GRU` in fp64, of the states and of every
gradient, and those of `nn.GRU` in the same type. Then the times, from character ids to the states at each of
them: forward alone, as in evaluation, and forward and backward, whose speed the last column compares. All
sequences have full length; ids are drawn like the characters of text, and each call gets others than the one
before. On a GPU a table of the parts of ours follows: in bf16, by the profiler, which separates kernels.

On a CPU ours is only checked; the character encoder uses `nn.GRU` there, two layers of one direction each,
and is timed in its place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from benchmarks.frame import DeviceSettings, Report, measure_milliseconds, reset_device
from benchmarks.synthetic import character_ids
from charbert.char_encoder import CharacterEncoder
from charbert.commands.devices import find_device
from charbert.commands.settings import option
from charbert.configuration import CharBertConfig
from charbert.ops.gru import bidirectional_gru

CHECKED_ROWS, CHECKED_STEPS = 12, 96
INPUTS = 4
TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32, "fp64": torch.float64}
CHARACTERS_OF_A_TOKEN = 4
# Names in the profiler of the work that is listed separately; matrix products for the table are small.
PARTS = {
    "forward kernel": "gru_forward",
    "backward kernel": "gru_backward",
    "gradient of the table": "aten::embedding_dense_backward",
    "gradients of the weights": "aten::mm",
}
GRADIENTS = [
    "embeddings",
    *(f"{name}{direction}" for direction in ("", ", backward") for name in ("W_ih", "W_hh", "b_ih", "b_hh")),
]


@dataclass(kw_only=True)
class GruSettings(DeviceSettings):
    batch_sizes: list[int] = option([], "sequences; if none, 64 128 256, on a CPU 4", minimum=1)
    steps: int | None = option(None, "characters of a sequence; if none, 2048, on a CPU 128", minimum=1)
    units: int = option(192, "of each direction", minimum=1)
    embedding: int = option(256, "width of a character's embedding", minimum=1)
    rounds: int = option(20, "timed calls; nn.GRU on a GPU, which is slow, gets a fifth of them", minimum=1)


class Network(NamedTuple):
    """A GRU from character ids (B, T) to states (B, T, 2 H), and its weights in the order of `GRADIENTS`."""

    states: Callable[[torch.Tensor], torch.Tensor]
    weights: list[torch.Tensor]

    def differentiate(self, ids: torch.Tensor, cotangent: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The states, and the gradient of each weight."""
        states = self.states(ids)
        return states.detach(), *torch.autograd.grad(states, self.weights, cotangent.to(states.dtype))


def run(given: GruSettings) -> None:
    """Check ours, and measure all."""
    device = find_device(given.device)
    on_gpu = device.type == "cuda"
    batch_sizes = given.batch_sizes or ([64, 128, 256] if on_gpu else [4])
    steps = given.steps or (2048 if on_gpu else 128)
    torch.manual_seed(0)
    config = CharBertConfig(
        backbone_config={"hidden_size": 4 * given.units}, char_embedding_size=given.embedding
    )
    encoder = CharacterEncoder(config).to(device)
    sizes = f"{given.units} units, embeddings of {given.embedding}, {steps} steps"
    report = Report(given, f"{sizes}, {given.rounds} rounds on {device.type}")
    errors = {
        name: compute_errors(encoder, name)
        for name in ("ours bf16", "ours fp16", "nn.GRU bf16", "nn.GRU fp16")
    }
    names = ["states", *(f"gradient of {name}" for name in GRADIENTS)]
    for name, *each in zip(names, *errors.values(), strict=True):
        report.add("relative errors", {"of": name, **dict(zip(errors, each, strict=True))})
    parts: dict[str, dict[str, float]] = {}
    on_cpu = ("nn.GRU fp32", "CharacterEncoder fp32")
    for batch_size in batch_sizes:
        inputs = make_inputs(batch_size, steps, device)
        baseline = 0.0
        for name in (
            ("nn.GRU fp32", "nn.GRU fp16", "nn.GRU bf16", "ours bf16", "ours fp16") if on_gpu else on_cpu
        ):
            reset_device(device)
            network = make_network(encoder, name)
            rounds = max(1, given.rounds // 5) if on_gpu and name.startswith("nn.GRU") else given.rounds
            forward, both = measure(network, inputs, rounds)
            baseline = baseline or both
            report.add(
                "times",
                {
                    "batch": f"{batch_size:>4}  {name}",
                    "forward, ms": forward,
                    "forward, us a step": 1e3 * forward / steps,
                    "fwd + bwd, ms": both,
                    "fwd + bwd, us a step": 1e3 * both / steps,
                    "x nn.GRU fp32": baseline / both,
                },
            )
            if name == "ours bf16":
                parts[f"batch {batch_size}"] = profile_parts(network, inputs, both)
    for part in next(iter(parts.values()), ()):
        report.add("ms of ours, bf16", {"part": part, **{size: each[part] for size, each in parts.items()}})


def compute_errors(encoder: CharacterEncoder, name: str) -> list[float]:
    """Relative errors |a - b| / |b| of the states and of all gradients against fp64."""
    device = encoder.embeddings.weight.device
    ids = make_inputs(CHECKED_ROWS, CHECKED_STEPS, device)[0]
    shape = CHECKED_ROWS, CHECKED_STEPS, 2 * encoder.forward_gru.hidden_size
    cotangent = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(device)
    exact = make_network(encoder, "nn.GRU fp64").differentiate(ids, cotangent)
    computed = make_network(encoder, name).differentiate(ids, cotangent)
    return [float((a.double() - b).norm() / b.norm()) for a, b in zip(computed, exact, strict=True)]


def measure(network: Network, inputs: list[torch.Tensor], rounds: int) -> tuple[float, float]:
    """Milliseconds of the forward pass alone, and of both."""
    device = inputs[0].device
    cotangents = [torch.randn_like(network.states(ids)) for ids in inputs[:2]]
    with torch.no_grad():
        forward = measure_milliseconds(lambda number: network.states(inputs[number % INPUTS]), device, rounds)
    return forward, measure_milliseconds(
        lambda number: network.differentiate(inputs[number % INPUTS], cotangents[number % 2]), device, rounds
    )


def profile_parts(network: Network, inputs: list[torch.Tensor], whole: float) -> dict[str, float]:
    """Milliseconds on the GPU of what forward and backward, `whole` together, consist of."""
    cotangent = torch.randn_like(network.states(inputs[0]))
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        for ids in inputs:
            network.differentiate(ids, cotangent)
        torch.cuda.synchronize()
    seen = profile.key_averages()
    parts = {
        # An operator's time is that of its kernels, which stand in the table by their own names too.
        part: sum(line.device_time_total for line in seen if line.key == name) / len(inputs) / 1e3
        for part, name in PARTS.items()
    }
    return {**parts, "the rest": whole - sum(parts.values()), "forward + backward": whole}


def make_inputs(batch_size: int, steps: int, device: torch.device) -> list[torch.Tensor]:
    """Different character ids (B, T)."""
    draws = np.random.default_rng(0)
    size = CharBertConfig.character_vocabulary_size
    return [character_ids((batch_size, steps), size, draws).to(device) for _ in range(INPUTS)]


def make_network(encoder: CharacterEncoder, name: str) -> Network:
    """`ours`, `nn.GRU` or the whole `CharacterEncoder` in one of `TYPES`, with the encoder's weights."""
    kind, _, precision = name.partition(" ")
    dtype = TYPES[precision]
    embeddings, layers = encoder.embeddings, (encoder.forward_gru, encoder.backward_gru)
    weights = [embeddings.weight, *(weight for layer in layers for weight in layer.parameters())]
    if kind == "ours":

        def run_kernel(ids: torch.Tensor) -> torch.Tensor:
            lengths = torch.full(ids.shape[:1], ids.shape[1], device=ids.device)
            return bidirectional_gru(embeddings.weight, ids, lengths, layers, dtype)[:, :-1]

        return Network(run_kernel, weights)
    if kind == "CharacterEncoder":

        def encode(ids: torch.Tensor) -> torch.Tensor:
            starts = torch.arange(0, ids.shape[1], CHARACTERS_OF_A_TOKEN + 1).expand(len(ids), -1)
            ends = (starts + CHARACTERS_OF_A_TOKEN - 1).clamp(max=ids.shape[1] - 1)
            return encoder(ids, starts, ends, torch.ones_like(starts))

        return Network(encode, weights)
    table = nn.Embedding.from_pretrained(embeddings.weight.detach().to(dtype), freeze=False)
    gru = nn.GRU(embeddings.embedding_dim, layers[0].hidden_size, batch_first=True, bidirectional=True)
    forward, backward = (layer.state_dict() for layer in layers)
    gru.load_state_dict(forward | {f"{name}_reverse": weight for name, weight in backward.items()})
    gru = gru.to(embeddings.weight.device, dtype)
    return Network(lambda ids: gru(table(ids))[0], [table.weight, *gru.parameters()])
