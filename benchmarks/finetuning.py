"""Speed of fine-tuning: steps of CharBERT beside those of a plain BERT of the same size, in the same run.

    python benchmarks/finetuning.py [--tasks NAME...] [--batch-sizes N...] [--size NAME] [--json FILE]

A step is what the Trainer does: `Padding` makes a batch of rows, it goes to the device, forward (on a GPU
under bf16 autocast), backward, gradients clipped, fused AdamW. The plain model is that of `transformers` for
the task, and gets the same texts in the same batches. They are random, but as long as real ones: sentences of
some 25 tokens, and questions about contexts, of which a long one makes several rows; a row is an example
here. Of the batches that the Trainer makes by length a few are measured, spread evenly from the shortest to
the longest; memory is the most that one of them takes.

A second table says what the order by length saves CharBERT: the same rows in random batches stand beside it.
A third one says what comes before the model, and how much of the time of training CharBERT that is: examples
tokenised and encoded, for CharBERT with their spelling, and batches made of them.
"""

import sys
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from benchmarks.frame import (
    DeviceSettings,
    GrowingTable,
    describe_device,
    device_of,
    milliseconds,
    parse_benchmark,
    table,
    write_json,
)
from benchmarks.labelled import (
    BATCHES,
    TASKS,
    LabelledRows,
    Order,
    RandomExamples,
    order_by_length,
    shuffled,
    task_named,
)
from benchmarks.steps import SIZES, Bench, Build, config_of
from charbert.commands.settings import option
from charbert.commands.training import prepare_compiler
from charbert.configuration import CharBertConfig
from charbert.errors import run_command
from charbert.tokenization import CharBertTokenizer
from finetune.tasks.base import Task

CHARBERT, BERT = "charbert", "bert"
USES = ("training", "inference")
ENCODED = 256  # examples at once
MEASURED = {"cuda": 15, "cpu": 3}  # batches
HEADING = (
    f"{'examples of':<20}",
    "  ms/step",
    "examples/s",
    "   GiB",
    "BERT ms/step",
    "BERT examples/s",
    "BERT GiB",
    "times BERT's",
)
ORDERS = ("random -> by length", "% padded tokens", "% padded characters", "ms/example", "% of it saved")
PREPARATION = (
    "before the model",
    "encoded/s",
    "BERT's",
    "% of an epoch",
    "batches/s",
    "BERT's",
    "% of a step",
)
Row = dict[str, Any]


class Side(NamedTuple):
    """One of the two models of a task: what builds it, and what it is given."""

    build: Build
    rows: LabelledRows
    encoded_per_second: float


class Case(NamedTuple):
    """A task at a batch size, and the batches to measure."""

    task: str
    batch_size: int
    sides: dict[str, Side]
    order: Order

    def row(self, **measured: Any) -> Row:
        """What was measured, beside what it belongs to."""
        return {"task": self.task, "batch_size": self.batch_size, **measured}


@dataclass(kw_only=True)
class FinetuningSpeedSettings(DeviceSettings):
    tasks: list[str] = option(list(TASKS), "tasks to measure", choices=TASKS)
    batch_sizes: list[int] = option([], "examples of a step; if none, 16 32, on a CPU 4", minimum=1)
    size: str | None = option(
        None,
        "base: BERT-base; small: 6 layers of 384 units; tiny: 2 of 64, where the GRU's steps outweigh "
        "everything else; if none, base, on a CPU small",
        choices=SIZES,
    )
    steps: int | None = option(None, "timed steps on each batch; if none, 3, on a CPU 1", minimum=1)
    warmup: int = option(1, "steps before them", minimum=1)
    compile: bool = option(
        False, "torch.compile for training, with lengths rounded up, as --torch-compile of a run"
    )


def main(arguments: Sequence[str]) -> None:
    given = parse_benchmark(FinetuningSpeedSettings, arguments, __file__, __doc__)
    device = device_of(given.device)
    on_gpu = device.type == "cuda"
    if given.compile:
        prepare_compiler()
    size = given.size or ("base" if on_gpu else "small")
    batch_sizes = given.batch_sizes or ([16, 32] if on_gpu else [4])
    steps = given.steps or (3 if on_gpu else 1)
    config = config_of(size, max(longest for _, _, longest in TASKS.values()))
    bench = Bench(config, device, given.compile, None, False, steps, given.warmup)
    how = [size, "bf16 autocast" if on_gpu else "fp32", "compiled" if given.compile else "not compiled"]
    print(f"{describe_device(device)}\n{', '.join(how)}; each batch {steps} times after {given.warmup}\n")
    torch.manual_seed(0)

    random = RandomExamples(config.vocab_size)
    tokenizers = {CHARBERT: CharBertTokenizer.from_stock(random.tokenizer), BERT: random.tokenizer}
    numbers: dict[str, Any] = {"size": size, "how": how, "steps": [], "orders": [], "preparation": []}
    lines = GrowingTable(HEADING)
    for name in given.tasks:
        task, examples = task_named(name), random(name, BATCHES * max(batch_sizes))
        sides = {model: _side(model, task, examples, tokenizers[model], bench) for model in tokenizers}
        for batch_size in batch_sizes:
            lengths = sides[BERT].rows.lengths[: BATCHES * batch_size]
            order = order_by_length(lengths, batch_size, MEASURED[device.type])
            case = Case(name, batch_size, sides, order)
            both = [compared(case, bench, use) for use in USES]
            for row in both:
                lines.add(*_cells(row))
            numbers["steps"] += both
            trained = both[0][CHARBERT]
            numbers["orders"].append(saved_by_order(case, bench, trained))
            numbers["preparation"].append(prepared(case, bench, trained))
            if "ratio" in both[0]:
                numbers["largest_ratio"] = max(both[0]["ratio"], numbers.get("largest_ratio", 0.0))
            write_json(given.json, numbers)
    if "largest_ratio" in numbers:
        print(f"\na step takes at most {numbers['largest_ratio']:.2f} times as long as BERT's")
    print(f"\n{table([ORDERS, *map(_order_cells, numbers['orders'])])}")
    print(f"\n{table([PREPARATION, *map(_preparation_cells, numbers['preparation'])])}")


def compared(case: Case, bench: Bench, use: str) -> Row:
    """The speed of both models, None where the memory does not suffice, and the ratio of their times."""
    training = use == "training"
    row = case.row(use=use)
    for model, side in case.sides.items():
        speed = bench.epoch(side.build, side.rows.batches(case.order, labelled=training), training)
        if speed:
            speed["examples_per_second"] = 1e3 * case.batch_size / speed["milliseconds"]
        row[model] = speed
    if row[CHARBERT] and row[BERT]:
        row["ratio"] = row[CHARBERT]["milliseconds"] / row[BERT]["milliseconds"]
    return row


def saved_by_order(case: Case, bench: Bench, by_length: dict[str, Any] | None) -> Row:
    """Padding and time of CharBERT in random batches, and in those by length, of which the speed is given."""
    side = case.sides[CHARBERT]
    random = shuffled(case.order)
    speeds = {"random": bench.epoch(side.build, side.rows.batches(random)), "by_length": by_length}
    row = case.row()
    for (name, speed), order in zip(speeds.items(), (random, case.order), strict=True):
        taken = speed and speed["milliseconds"] / case.batch_size
        row[name] = {"padded_percent": side.rows.padded_percent(order), "milliseconds_per_example": taken}
    before, after = (row[name]["milliseconds_per_example"] for name in speeds)
    row["saved_percent"] = 100 * (1 - after / before) if before and after else None
    return row


def prepared(case: Case, bench: Bench, trained: dict[str, Any] | None) -> Row:
    """How fast examples are encoded and batches made, and their shares of training, whose speed is given."""
    row = case.row()
    for model, side in case.sides.items():
        batches = side.rows.batches(case.order)
        taken = _milliseconds_on_host(partial(list, batches), bench)
        row[model] = {
            "encoded_per_second": side.encoded_per_second,
            "batches_per_second": 1e3 * len(batches) / taken,
        }
    if trained:
        ours = row[CHARBERT]
        row["encoding_percent"] = 100 * trained["examples_per_second"] / ours["encoded_per_second"]
        row["batches_percent"] = 1e5 / trained["milliseconds"] / ours["batches_per_second"]
    return row


def _side(model: str, task: Task[Any, Any], examples: list[Any], tokenizer: Any, bench: Bench) -> Side:
    def build(config: CharBertConfig) -> Any:
        own = deepcopy(config if model == CHARBERT else config.backbone_config)
        own.update(task.model_settings)
        return task.auto_class.from_config(own)

    inputs = task.encode(examples, tokenizer).inputs
    some = examples[:ENCODED]
    taken = _milliseconds_on_host(partial(task.encode, some, tokenizer), bench)
    encoded = len(task.encode(some, tokenizer).inputs)
    rows = LabelledRows(inputs, tokenizer, bucketed=bench.compiled, pinned=bench.device.type == "cuda")
    return Side(build, rows, 1e3 * encoded / taken)


def _milliseconds_on_host(work: Callable[[], object], bench: Bench) -> float:
    return milliseconds(lambda _: work(), torch.device("cpu"), bench.steps, bench.warmup)


def _cells(row: Row) -> list[str]:
    """A row of the first table."""
    cells = [f"{row['batch_size']:>4} {row['task']}, {row['use']}"]
    for speed in (row[CHARBERT], row[BERT]):
        if speed is None:
            cells += ["no memory", "", ""]
            continue
        memory = "" if speed["peak_gib"] is None else f"{speed['peak_gib']:.1f}"
        cells += [f"{speed['milliseconds']:.1f}", f"{speed['examples_per_second']:,.0f}", memory]
    return [*cells, f"{row['ratio']:.2f}" if "ratio" in row else ""]


def _order_cells(row: Row) -> list[str]:
    both = row["random"], row["by_length"]
    tokens, characters = (
        " -> ".join(f"{order['padded_percent'][kind]:.1f}" for order in both)
        for kind in ("tokens", "characters")
    )
    times = (order["milliseconds_per_example"] for order in both)
    shown = " -> ".join("no memory" if taken is None else f"{taken:.2f}" for taken in times)
    saved = "" if row["saved_percent"] is None else f"{row['saved_percent']:.1f}"
    return [f"{row['batch_size']:>4} {row['task']}", tokens, characters, shown, saved]


def _preparation_cells(row: Row) -> list[str]:
    cells = [f"{row['batch_size']:>4} {row['task']}"]
    for measure in ("encoded", "batches"):
        cells += [f"{row[model][f'{measure}_per_second']:,.0f}" for model in (CHARBERT, BERT)]
        share = row.get("encoding_percent" if measure == "encoded" else "batches_percent")
        cells.append("" if share is None else f"{share:.1f}")
    return cells


if __name__ == "__main__":
    sys.exit(run_command(main))
