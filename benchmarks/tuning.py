"""`python -m benchmarks tuning`: steps of each method of delta tuning beside those of full fine-tuning.

A step is that of `python -m benchmarks finetuning`: the same texts, the same batches. What is trained is
counted in parameters, and what a run saves in bytes. Frozen weights have no gradients and no state of the
optimiser, and need less of the backward pass; what a method adds costs its own work.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.finetuning import BATCHES, MEASURED, TASKS, make_batches, order_by_length
from benchmarks.frame import Report
from benchmarks.labelled import RandomExamples
from benchmarks.steps import Bench, StepSettings, make_config
from charbert.checkpoints import DELTA_WEIGHTS
from charbert.commands.devices import find_device
from charbert.commands.settings import option
from charbert.tokenization import CharBertTokenizer
from charbert.tuning.model import add_delta, trainable_table
from charbert.tuning.saving import save_delta
from charbert.tuning.settings import TuningSettings
from finetune.tasks.registry import make_task

FULL = "full"
VARIANTS: dict[str, dict[str, Any]] = {
    FULL: {},
    "lora": {"tuning": "lora"},
    "lora-layers": {"tuning": "lora", "lora_targets": ["layers", "interaction"]},
    "lora-gru": {"tuning": "lora", "lora_targets": ["query", "value", "interaction", "gru"]},
    "dora": {"tuning": "lora", "dora": True},
    "rslora": {"tuning": "lora", "rank_stabilized": True},
    "ia3": {"tuning": "ia3"},
    "houlsby": {"tuning": "adapter"},
    "pfeiffer": {"tuning": "adapter", "adapter": "pfeiffer"},
    "bitfit": {"tuning": "bitfit"},
    "prompt": {"tuning": "prompt"},
    "p-tuning": {"tuning": "p-tuning"},
    "prefix": {"tuning": "prefix"},
    "p-tuning-v2": {"tuning": "p-tuning-v2"},
    "freeze-head": {"tuning": "freeze"},
    "freeze-half": {"tuning": "freeze", "freeze": "layers:{half}"},
    "all-but-characters": {"tuning": "freeze", "freeze": "all-but-characters"},
}


@dataclass(kw_only=True)
class TuningSpeedSettings(StepSettings):
    methods: list[str] = option(
        list(VARIANTS), "methods to measure, after full fine-tuning", choices=VARIANTS
    )
    task: str = option("tags", "task of the texts and the head", choices=TASKS)
    batch_size: int | None = option(None, "examples of a step; if none, 32, on a CPU 4", minimum=1)
    compile: bool = option(False, "torch.compile, with lengths rounded up, as --torch-compile of a run")
    gradient_checkpointing: bool = option(False, "compute layers again for their gradients")


def run(given: TuningSpeedSettings) -> None:
    """Measure full fine-tuning and each method."""
    device = find_device(given.device)
    on_gpu = device.type == "cuda"
    size = given.size or ("base" if on_gpu else "tiny")
    batch_size = given.batch_size or (32 if on_gpu else 4)
    kind, labels, longest = TASKS[given.task]
    config = make_config(size, longest)
    bench = Bench(
        device,
        given.rounds,
        given.warmup,
        given.compile,
        dynamic=True,
        checkpointed=given.gradient_checkpointing,
    )
    report = Report(given, f"{size}, {given.task}, {batch_size} examples a step, {bench}")
    torch.manual_seed(0)
    random = RandomExamples(config.vocab_size)
    tokenizer = CharBertTokenizer.from_stock(random.tokenizer)
    task = make_task(kind, labels, {"max_length": longest})
    rows = task.encode(random(given.task, BATCHES * batch_size), tokenizer).inputs[: BATCHES * batch_size]
    order = order_by_length([len(row["input_ids"]) for row in rows], batch_size, MEASURED[device.type])
    batches = make_batches(list(rows), order, tokenizer, given.compile, on_gpu)
    config.update(task.model_settings)
    full = None
    for name in dict.fromkeys([FULL, *given.methods]):
        options = {
            key: value.format(half=config.num_hidden_layers // 2) if isinstance(value, str) else value
            for key, value in VARIANTS[name].items()
        }
        build = _builder(task.auto_class, config, options)
        speed = bench.measure(build, batches)
        full = speed if name == FULL else full
        taken = speed and speed.milliseconds
        counted = build()
        all_of_it = trainable_table(counted)[-1]
        report.add(
            "methods",
            {
                "method": f"{name}{'' if speed else ': no memory'}",
                "trained": all_of_it.trainable,
                "percent": all_of_it.percent,
                "MB saved": _megabytes(counted),
                "ms a step": taken,
                "times full": full and taken and taken / full.milliseconds,
                "GiB": speed and speed.gib,
            },
        )


def _builder(auto_class: Any, config: Any, options: dict[str, Any]) -> Callable[[], Any]:
    def build() -> Any:
        model = auto_class.from_config(config)
        if options:
            add_delta(model, TuningSettings(**options))
        return model

    return build


def _megabytes(model: Any) -> float:
    """Of the file of weights that a run leaves."""
    if all(weight.requires_grad for weight in model.parameters()):
        return sum(weight.nbytes for weight in model.parameters()) / 1e6
    with TemporaryDirectory() as folder:
        save_delta(model, folder)
        return (Path(folder) / DELTA_WEIGHTS).stat().st_size / 1e6
