"""`python -m benchmarks pretraining`: steps of CharBERT beside those of a plain BERT of the same size.

A step is what the Trainer does: the batch goes to the device, forward (on a GPU under bf16 autocast),
backward, gradients clipped, fused AdamW. The plain model is `transformers.BertForMaskedLM`, whose head
scores every position. Batches are random, but made by the `PretrainingCollator`, with its shapes;
four take turns. MFU is the share of the device's peak that the model FLOPs of a step come to, by a formula
that is printed; what gradient checkpointing computes again does not count.

A second table divides the step of one batch size, the first of 64 or more, into parts of the model. Each is
timed alone, forward and backward, compiled like the whole, on random states of the same shapes: the
character encoder; the layers on both channels (the first, called as often as there are layers); the
interaction, folded once and called after each layer; both heads with their losses. The rest is what remains
of the step: embeddings, masks, copies and sums between the parts, less what the parts lose by being compiled
and called alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import torch
from transformers import BertForMaskedLM

from benchmarks.frame import Report, measure_milliseconds
from benchmarks.steps import Bench, Speed, StepSettings, make_config
from benchmarks.synthetic import random_batches
from charbert.commands.devices import find_device
from charbert.commands.settings import option
from charbert.configuration import CharBertConfig
from charbert.lm_heads import CharBertForPreTraining
from pretrain.collator import Batch

BATCHES = 4
PLAIN_INPUTS = ("input_ids", "attention_mask", "labels")
LEAST_OF_PARTS = 64
PASSES = 3  # forward, and twice that backward
PRODUCT_SIZE = {"cuda": 8192, "cpu": 1024}
FORMULA = """\
model FLOPs of a step, 3 times those forward:
  layers       4 n N (4 H^2 + 2 H I)   n layers of H and I units, on both channels of N positions
  attention    8 n N L H               each to the L of its example
  interaction  4 k n N H^2             folded, k taps
  heads        2 P (H^2 + H V) + 2 Q (H^2 + H W)    P and Q positions are scored over V tokens and W words
  GRU          12 C D^2                C characters, D units in each direction; the recurrent part"""
COMPILE_MODES = ("reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")


@dataclass(kw_only=True)
class PretrainingSpeedSettings(StepSettings):
    batch_sizes: list[int] = option([], "examples of a step; if none, 16 64 128 256, on a CPU 2 4", minimum=1)
    lengths: list[int] = option([], "tokens of an example; if none, 384, on a CPU 96", minimum=1)
    compile: bool | None = option(None, "torch.compile; if not given, on a GPU")
    compile_mode: str | None = option(None, "of torch.compile, if not its own", choices=COMPILE_MODES)
    gradient_checkpointing: bool = option(False, "compute layers again for their gradients")
    parts: bool = option(True, "measure the parts of a step")
    plain: bool = option(True, "measure the plain BERT")
    plain_path: bool = option(
        False, "rows for the path without optimisations too: torch's GRU, an interaction that is not folded"
    )
    peak_tflops: float | None = option(
        None,
        "what MFU is a share of; if none, the speed of a large matrix product, measured: 8192 cubed in bf16; "
        "on a CPU 1024 cubed in fp32",
        above=0,
    )


def run(given: PretrainingSpeedSettings) -> None:
    """Measure each batch size and length, and the parts of a step of one of them."""
    device = find_device(given.device)
    on_gpu = device.type == "cuda"
    size = given.size or ("base" if on_gpu else "tiny")
    batch_sizes = given.batch_sizes or ([16, 64, 128, 256] if on_gpu else [2, 4])
    lengths = given.lengths or [384 if on_gpu else 96]
    config = make_config(size, max(lengths))
    bench = Bench(
        device,
        given.rounds,
        given.warmup,
        compiled=on_gpu if given.compile is None else given.compile,
        compile_mode=given.compile_mode,
        checkpointed=given.gradient_checkpointing,
    )
    peak = given.peak_tflops or measure_peak(device)
    report = Report(given, f"{size}, {bench}; peak {peak:.3g} TFLOP/s")
    print(f"\n{FORMULA}")
    charberts: dict[str, Callable[[], Any]] = {"CharBERT": partial(CharBertForPreTraining, config)}
    if given.plain_path:
        charberts["CharBERT, plain path"] = partial(build_on_plain_path, config)
    speeds: dict[tuple[int, int], Speed | None] = {}
    for length, batch_size in product(lengths, batch_sizes):
        batches = make_batches(config, batch_size, length, on_gpu)
        bert = None
        if given.plain:
            plain = [{name: batch[name] for name in PLAIN_INPUTS} for batch in batches]
            bert = bench.measure(partial(BertForMaskedLM, config.backbone_config), plain)
            report.add("steps", make_row("BERT", batch_size, length, bert))
        flops = PASSES * sum(count_forward_flops(config, batches[0]).values())
        for name, build in charberts.items():
            speed = bench.measure(build, batches)
            report.add("steps", make_row(name, batch_size, length, speed, flops / peak, bert))
            speeds.setdefault((batch_size, length), speed)
    if given.parts:
        chosen = next((size for size in batch_sizes if size >= LEAST_OF_PARTS), batch_sizes[-1])
        whole = speeds[chosen, lengths[0]]
        if whole:
            batches = make_batches(config, chosen, lengths[0], on_gpu)
            report.add(
                f"parts of a step of {chosen} x {lengths[0]}",
                *make_part_rows(bench, config, batches, whole.milliseconds),
            )


def make_row(
    name: str,
    batch_size: int,
    length: int,
    speed: Speed | None,
    flops_of_peak: float = 0.0,
    bert: Speed | None = None,
) -> dict[str, Any]:
    """A row of the first table; `flops_of_peak` are a step's FLOPs by the peak in TFLOP/s."""
    taken = None if speed is None else speed.milliseconds
    return {
        "batch x length": f"{batch_size:>4} x {length}  {name}{'' if taken else ': no memory'}",
        "tokens/s": taken and 1e3 * batch_size * length / taken,
        "ms a step": taken,
        "GiB": speed and speed.gib,
        "MFU, %": taken and (flops_of_peak / taken / 1e7 or None),
        "of BERT's speed": bert and taken and bert.milliseconds / taken,
    }


def make_part_rows(
    bench: Bench, config: CharBertConfig, batches: list[Batch], whole: float
) -> list[dict[str, Any]]:
    """The rows of the second table, one for each part of a step of `whole` milliseconds."""
    parts = bench.measure_parts(config, batches)
    parts |= {"the rest": whole - sum(parts.values()), "step": whole}
    flops = count_forward_flops(config, batches[0])
    flops |= {
        "step": sum(flops.values()),
        "layers": flops["layers"] + flops["attention"],
        "character encoder": flops["GRU"],
    }
    return [
        {
            "part": name,
            "ms": taken,
            "% of the step": 100 * taken / whole,
            "TFLOP/s": PASSES * flops[name] / taken / 1e9 if name in flops else None,
        }
        for name, taken in parts.items()
    ]


def make_batches(config: CharBertConfig, batch_size: int, length: int, pinned: bool) -> list[Batch]:
    """Random batches, pinned for a GPU as a loader gives them."""
    batches = random_batches(config, BATCHES, batch_size, length)
    if not pinned:
        return batches
    return [{name: tensor.pin_memory() for name, tensor in batch.items()} for batch in batches]


def build_on_plain_path(config: CharBertConfig) -> CharBertForPreTraining:
    """A model with torch's GRU and an interaction that is not folded."""
    model = CharBertForPreTraining(config)
    model.charbert.char_encoder.fused = False
    for interaction in model.charbert.interactions:
        # A convolution with a hook is called unchanged.
        interaction.get_submodule("convolution").register_forward_hook(lambda *_: None)
    return model


def measure_peak(device: torch.device) -> float:
    """TFLOP/s of a large matrix product on random data: in bf16 on a GPU, in fp32 on a CPU."""
    size = PRODUCT_SIZE[device.type]
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    left, right = torch.randn(2, size, size, device=device).to(dtype)
    return 2 * size**3 / measure_milliseconds(lambda _: left @ right, device, rounds=20, warmup=10) / 1e9


def count_forward_flops(config: CharBertConfig, batch: Batch) -> dict[str, int]:
    """The FLOPs forward of each part of the model, by `FORMULA`: two for a multiplication and its sum."""
    units, layers = config.hidden_size, config.num_hidden_layers
    positions, length = batch["input_ids"].numel(), batch["input_ids"].shape[1]
    scored = (
        (batch["mlm_positions"], config.vocab_size),
        (batch["nlm_positions"], config.word_vocabulary_size),
    )
    return {
        "layers": 4 * layers * positions * (4 * units**2 + 2 * units * config.intermediate_size),
        "attention": 8 * layers * positions * length * units,
        "interaction": 4 * config.interaction_kernel_size * layers * positions * units**2,
        "heads": sum(2 * len(labelled) * (units**2 + units * size) for labelled, size in scored),
        "GRU": 12 * batch["char_input_ids"].numel() * config.char_hidden_size**2,
    }
