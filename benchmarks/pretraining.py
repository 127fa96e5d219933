"""Speed of pre-training: steps of CharBERT beside those of a plain BERT of the same size, in the same run.

    python benchmarks/pretraining.py [--batch-sizes N...] [--lengths N...] [--size NAME] [--json FILE]

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

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.frame import (
    DeviceSettings,
    GrowingTable,
    describe_device,
    device_of,
    parse_benchmark,
    peak_tflops,
    table,
    write_json,
)
from benchmarks.steps import SIZES, Bench, charbert, charbert_as_before, config_of, plain_bert
from benchmarks.synthetic import random_batches
from charbert.commands.settings import option
from charbert.commands.training import prepare_compiler
from charbert.configuration import CharBertConfig
from charbert.errors import run_command
from pretrain.collator import Batch

BATCHES = 4
PLAIN_INPUTS = ("input_ids", "attention_mask", "labels")
LEAST_OF_PARTS = 64
PASSES = 3  # forward, and twice that backward
FORMULA = """\
model FLOPs of a step, 3 times those forward:
  layers       4 n N (4 H^2 + 2 H I)   n layers of H and I units, on both channels of N positions
  attention    8 n N L H               each to the L of its example
  interaction  4 k n N H^2             folded, k taps
  heads        2 P (H^2 + H V) + 2 Q (H^2 + H W)    P and Q positions are scored over V tokens and W words
  GRU          12 C D^2                C characters, D units in each direction; the recurrent part"""
COMPILE_MODES = ("reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
HEADING = (
    f"{'batch x length':<22}",
    "  tokens/s",
    "ms/step",
    "   GiB",
    "MFU %",
    "BERT tokens/s",
    "BERT ms/step",
    "BERT GiB",
    "of BERT's speed",
)


@dataclass(kw_only=True)
class PretrainingSpeedSettings(DeviceSettings):
    batch_sizes: list[int] = option([], "examples of a step; if none, 16 64 128 256, on a CPU 2 4", minimum=1)
    lengths: list[int] = option([], "tokens of an example; if none, 384, on a CPU 96", minimum=1)
    size: str | None = option(
        None,
        "base: BERT-base; small: 6 layers of 384 units; tiny: 2 of 64; if none, base, on a CPU tiny",
        choices=SIZES,
    )
    steps: int = option(10, "timed steps", minimum=1)
    warmup: int = option(3, "steps before them", minimum=1)
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


def main(arguments: Sequence[str]) -> None:
    given = parse_benchmark(PretrainingSpeedSettings, arguments, __file__, __doc__)
    device = device_of(given.device)
    on_gpu = device.type == "cuda"
    compiled = on_gpu if given.compile is None else given.compile
    if compiled:
        prepare_compiler()
    size = given.size or ("base" if on_gpu else "tiny")
    batch_sizes = given.batch_sizes or ([16, 64, 128, 256] if on_gpu else [2, 4])
    lengths = given.lengths or [384 if on_gpu else 96]
    config = config_of(size, max(lengths))
    bench = Bench(
        config, device, compiled, given.compile_mode, given.gradient_checkpointing, given.steps, given.warmup
    )
    peak = given.peak_tflops or peak_tflops(device)
    how = [size, "bf16 autocast" if on_gpu else "fp32", "compiled" if compiled else "not compiled"]
    how += [given.compile_mode] if given.compile_mode else []
    how += ["gradient checkpointing"] * given.gradient_checkpointing
    print(f"{describe_device(device)}\n{', '.join(how)}; {given.steps} steps after {given.warmup}")
    origin = "given" if given.peak_tflops else "a large matrix product, measured"
    print(f"peak: {peak:.3g} TFLOP/s ({origin})\n\n{FORMULA}\n", flush=True)

    models = {"default": charbert}
    if given.plain_path:
        models["plain path"] = charbert_as_before
    lines = GrowingTable(HEADING)
    numbers: dict[str, Any] = {"size": size, "how": how, "peak_tflops": peak, "rows": []}
    for length in lengths:
        for batch_size in batch_sizes:
            batches = random_batches(config, BATCHES, batch_size, length)
            of_bert = None
            if given.plain:
                plain = [{name: batch[name] for name in PLAIN_INPUTS} for batch in batches]
                of_bert = _speed(bench.step(plain_bert, plain), batch_size * length)
            for path, build in models.items():
                ours = _speed(bench.step(build, batches), batch_size * length)
                flops = PASSES * sum(forward_flops(config, batches[0]).values())
                row = {"batch_size": batch_size, "length": length, "path": path}
                row |= {"characters": batches[0]["char_input_ids"].shape[1], "flops": flops}
                row |= {"charbert": ours, "bert": of_bert}
                if ours:
                    row["mfu_percent"] = flops / ours["milliseconds"] / peak / 1e7
                if ours and of_bert:
                    row["ratio"] = ours["tokens_per_second"] / of_bert["tokens_per_second"]
                numbers["rows"].append(row)
                lines.add(*_cells(row, given.plain))
                write_json(given.json, numbers)
    if given.parts:
        chosen = next((size for size in batch_sizes if size >= LEAST_OF_PARTS), batch_sizes[-1])
        numbers["parts"] = _parts(bench, numbers["rows"], chosen, lengths[0])
        write_json(given.json, numbers)


def forward_flops(config: CharBertConfig, batch: Batch) -> dict[str, int]:
    """The FLOPs forward of each part of the model, by `FORMULA`: two for a multiplication and its sum."""
    units, layers = config.hidden_size, config.num_hidden_layers
    positions, length = batch["input_ids"].numel(), batch["input_ids"].shape[1]
    scores = [
        (batch["mlm_positions"], config.vocab_size),
        (batch["nlm_positions"], config.word_vocabulary_size),
    ]
    return {
        "layers": 4 * layers * positions * (4 * units**2 + 2 * units * config.intermediate_size),
        "attention": 8 * layers * positions * length * units,
        "interaction": 4 * config.interaction_kernel_size * layers * positions * units**2,
        "heads": sum(2 * len(scored) * (units**2 + units * size) for scored, size in scores),
        "GRU": 12 * batch["char_input_ids"].numel() * config.char_hidden_size**2,
    }


def _speed(measured: dict[str, Any] | None, tokens: int) -> dict[str, Any] | None:
    return measured and {"tokens_per_second": 1e3 * tokens / measured["milliseconds"], **measured}


def _cells(row: dict[str, Any], plain: bool) -> list[str]:
    """A row of the first table."""
    path = "" if row["path"] == "default" else f"  {row['path']}"
    ours, of_bert = (_speed_cells(row[name]) for name in ("charbert", "bert"))
    mfu = f"{row['mfu_percent']:.1f}" if "mfu_percent" in row else ""
    ratio = f"{row['ratio']:.2f}" if "ratio" in row else ""
    name = f"{row['batch_size']:>5} x {row['length']}{path}"
    return [name, *ours, mfu, *(of_bert if plain else ("", "", "")), ratio]


def _speed_cells(speed: dict[str, Any] | None) -> tuple[str, str, str]:
    if speed is None:
        return "no memory", "", ""
    memory = "" if speed["peak_gib"] is None else f"{speed['peak_gib']:.1f}"
    return f"{speed['tokens_per_second']:,.0f}", f"{speed['milliseconds']:.1f}", memory


def _parts(bench: Bench, rows: list[dict[str, Any]], batch_size: int, length: int) -> dict[str, Any]:
    """Measure and print the second table."""
    title = f"a step of {batch_size} x {length}"
    place = {"batch_size": batch_size, "length": length, "path": "default"}
    whole = next(row["charbert"] for row in rows if place.items() <= row.items())
    if whole is None:
        print(f"\n{title} did not fit into the memory, and is not divided")
        return place
    batches = random_batches(bench.config, BATCHES, batch_size, length)
    parts = bench.parts(batches)
    step = whole["milliseconds"]
    parts |= {"the rest": step - sum(parts.values()), "step": step}
    flops = forward_flops(bench.config, batches[0])
    flops = {
        "character encoder": flops["GRU"],
        "layers": flops["layers"] + flops["attention"],
        "interaction": flops["interaction"],
        "heads": flops["heads"],
        "step": sum(flops.values()),
    }
    lines = [[title, "ms", "% of the step", "TFLOP/s"]]
    for name, taken in parts.items():
        speed = f"{PASSES * flops[name] / taken / 1e9:.3g}" if name in flops else ""
        lines.append([name, f"{taken:.2f}", f"{100 * taken / step:.1f}", speed])
    print(f"\n{table(lines)}", flush=True)
    return {**place, "milliseconds": parts}


if __name__ == "__main__":
    sys.exit(run_command(main))
