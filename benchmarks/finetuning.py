"""`python -m benchmarks finetuning`: steps of CharBERT beside those of a plain BERT of the same size.

A step is what the Trainer does: `Padding` makes a batch of rows, it goes to the device, forward (on a GPU
under bf16 autocast), backward, gradients clipped, fused AdamW. The plain model is that of `transformers` for
the task, and gets the same texts in the same batches. They are random, but as long as real ones: sentences of
some 25 tokens, and questions about contexts, of which a long one makes several rows; a row is an example
here. Of the batches that the Trainer makes by length a few are measured, spread evenly from the shortest to
the longest; memory is the most that one of them takes.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers.trainer_pt_utils import LengthGroupedSampler

from benchmarks.frame import Report
from benchmarks.labelled import CLASSES, TAGS, RandomExamples
from benchmarks.steps import Bench, StepSettings, make_config
from charbert.commands.devices import find_device
from charbert.commands.settings import option
from charbert.tokenization import CharBertTokenizer
from finetune.batches import Padding, Rows
from finetune.inference import TARGETS
from finetune.tasks.registry import make_task

BATCHES = 100  # of which the Trainer sorts quarters, each in itself
MEASURED = {"cuda": 15, "cpu": 3}  # batches
# The name of the task among those of `finetune`, its labels, tokens of its longest row.
TASKS = {"text": ("text", CLASSES, 128), "tags": ("tagging", TAGS, 128), "answers": ("qa", (), 384)}


@dataclass(kw_only=True)
class FinetuningSpeedSettings(StepSettings):
    tasks: list[str] = option(list(TASKS), "tasks to measure", choices=TASKS)
    batch_sizes: list[int] = option([], "examples of a step; if none, 16 32, on a CPU 4", minimum=1)
    compile: bool = option(
        False, "torch.compile for training, with lengths rounded up, as --torch-compile of a run"
    )


def run(given: FinetuningSpeedSettings) -> None:
    """Measure each task and batch size."""
    device = find_device(given.device)
    on_gpu = device.type == "cuda"
    size = given.size or ("base" if on_gpu else "tiny")
    batch_sizes = given.batch_sizes or ([16, 32] if on_gpu else [4])
    config = make_config(size, max(longest for _, _, longest in TASKS.values()))
    bench = Bench(device, given.rounds, given.warmup, given.compile, dynamic=True)
    report = Report(given, f"{size}, {bench}")
    torch.manual_seed(0)
    random = RandomExamples(config.vocab_size)
    tokenizers = {"BERT": random.tokenizer, "CharBERT": CharBertTokenizer.from_stock(random.tokenizer)}
    for name in given.tasks:
        kind, labels, longest = TASKS[name]
        task = make_task(kind, labels, {"max_length": longest})
        examples = random(name, BATCHES * max(batch_sizes))
        inputs = {model: task.encode(examples, each).inputs for model, each in tokenizers.items()}
        lengths = [len(row["input_ids"]) for row in inputs["BERT"]]
        for batch_size, training in product(batch_sizes, (True, False)):
            order = order_by_length(lengths[: BATCHES * batch_size], batch_size, MEASURED[device.type])
            bert = None
            for model, tokenizer in tokenizers.items():
                left_out = () if training else TARGETS
                rows = [{key: row[key] for key in row.keys() - left_out} for row in inputs[model]]
                batches = make_batches(rows, order, tokenizer, given.compile, on_gpu)
                own = deepcopy(config.backbone_config if model == "BERT" else config)
                own.update(task.model_settings)
                speed = bench.measure(partial(task.auto_class.from_config, own), batches, training)
                bert = bert if model == "CharBERT" else speed
                taken = speed and speed.milliseconds
                use = f"{name}, {'training' if training else 'inference'}, {model}"
                report.add(
                    "steps",
                    {
                        "examples": f"{batch_size:>4} {use}{'' if speed else ': no memory'}",
                        "ms a step": taken,
                        "examples/s": taken and 1e3 * batch_size / taken,
                        "GiB": speed and speed.gib,
                        "times BERT's": bert and taken and taken / bert.milliseconds,
                    },
                )


def make_batches(
    rows: list[Any], order: list[list[int]], tokenizer: Any, bucketed: bool, on_gpu: bool
) -> DataLoader[Any]:
    """Batches of the rows of these numbers, as the Trainer makes them."""
    return DataLoader(
        Rows(rows), batch_sampler=order, collate_fn=Padding(tokenizer, bucketed=bucketed), pin_memory=on_gpu
    )


def order_by_length(lengths: Sequence[int], batch_size: int, count: int) -> list[list[int]]:
    """A few of the batches that a Trainer forms from rows, evenly from the shortest to the longest.

    Args:
        lengths: of rows, a multiple of `batch_size`.
        count: how many batches to take.
    """
    generator = torch.Generator().manual_seed(0)
    numbers = list(LengthGroupedSampler(batch_size, lengths=list(lengths), generator=generator))
    batches = [numbers[first : first + batch_size] for first in range(0, len(numbers), batch_size)]
    batches.sort(key=lambda batch: max(lengths[number] for number in batch))
    return [batches[(2 * index + 1) * len(batches) // (2 * count)] for index in range(count)]
