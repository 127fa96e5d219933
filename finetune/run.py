"""Fine-tuning: settings -> examples, model, training, scores and predictions; a run for each seed."""

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import ceil
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from accelerate import PartialState
from transformers import EarlyStoppingCallback, TrainingArguments, set_seed
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from charbert.backbones import check_length
from charbert.commands.results import (
    RESULTS,
    check_output_folder,
    is_main_process,
    read_results,
    whole_file,
    write_results,
)
from charbert.commands.training import STATE, checkpoint_gradients, complete_checkpoint, training_arguments
from charbert.errors import CharBertError
from charbert.losses import IGNORED
from charbert.ragged import round_up
from finetune.analysis import check_word_split
from finetune.augmentation import augmenting_attack, noised_copies
from finetune.batches import COMPILED_TOKENS, Padding, Rows
from finetune.datasets import Sets, read_sets
from finetune.evaluation import PREDICTIONS, evaluated
from finetune.metrics.intervals import summary
from finetune.models import load
from finetune.settings import FinetuneSettings
from finetune.tasks.base import Task
from finetune.trainer import EvaluationSet, FinetuneTrainer, balanced_weights

logger = logging.getLogger(__name__)
TASK_FILE = "task.json"
TENSORBOARD = "events.out.tfevents.*"
FILES_OF_A_RUN = (
    *(RESULTS, TASK_FILE, "model.safetensors", "training_args.bin", STATE),
    *("report-*.txt", "confusion-*.png", f"runs/*/{TENSORBOARD}"),
    *(f"{PREDICTIONS}/*{ending}" for ending in (".tsv", ".conll", ".json")),
)
# Of a run that goes on.
MAY_DIFFER = ("output", "seeds", "resume", "overwrite", "num_workers", "eval_batch_size")
Numbers = dict[str, Any]


def finetune(settings: FinetuneSettings) -> Numbers:
    """Train and score; a model, its `results.json` and its predictions go to the output folder.

    With several seeds each has a folder in it, and `results.json` holds means and intervals over them.

    Returns:
        the numbers of `results.json`.

    Raises:
        CharBertError: settings, data and model do not fit together. Nothing has been written then.
    """
    output = Path(settings.output)
    if is_main_process():
        check_output_folder(output, settings.overwrite, settings.resume)
    augmenting_attack(settings)  # what it lacks is told before data is read
    task, sets = read_sets(settings)
    if settings.word_split:
        check_word_split(task)
    alone = len(settings.seeds) == 1
    runs: list[Numbers] = []
    for seed in settings.seeds:
        folder = output if alone else output / f"seed-{seed}"
        runs.append(run_seed(settings, task, sets, seed, folder, first=not runs))
    numbers = runs[0] if alone else over_seeds(runs)
    if not alone and is_main_process():
        write_results(output, numbers, asdict(settings))
    PartialState().destroy_process_group()
    return numbers


def over_seeds(runs: Sequence[Mapping[str, Any]]) -> Numbers:
    """The mean of each number under its name, and `_std`, `_low` and `_high` of the scores beside it."""
    numbers: Numbers = {}
    for name in runs[0]:
        found = summary([run[name] for run in runs])
        numbers[name] = found.pop("mean")
        if name.startswith(("dev_", "test_")):
            numbers |= {f"{name}_{measure}": value for measure, value in found.items()}
    return numbers


def numbers_of(results: Mapping[str, Any]) -> Numbers:
    """What a `results.json` says beside how it came about."""
    return {name: results[name] for name in results if name not in ("settings", "versions", "seed")}


def run_seed(
    settings: FinetuneSettings, task: Task[Any, Any], sets: Sets, seed: int, output: Path, first: bool
) -> Numbers:
    """One run, its model and predictions in `output`; one that is finished already is not repeated.

    Args:
        first: of the seeds; what is to be written over goes as soon as this run is known to be possible.
    """
    if settings.resume and (output / RESULTS).exists():
        return _finished(settings, output)
    set_seed(seed)
    started = monotonic()
    model, tokenizer = load(settings, task)
    if settings.gradient_checkpointing:
        checkpoint_gradients(model)
    check_length(model, round_up(task.max_length, COMPILED_TOKENS if settings.torch_compile else 1))
    noised = noised_copies(settings, task, sets.train, seed)
    rows, class_weights = _training_rows(settings, task, sets.train, noised.examples, tokenizer)
    dev = _encoded(task, sets.dev, tokenizer)
    arguments = _training_arguments(settings, task, len(rows), seed, output)
    trainer = FinetuneTrainer(
        model=model,
        args=arguments,
        data_collator=Padding(tokenizer, bucketed=settings.torch_compile),
        train_dataset=rows,
        processing_class=tokenizer,
        task=task,
        dev=dev,
        layer_decay=settings.layer_decay,
        class_weights=class_weights,
        callbacks=[EarlyStoppingCallback(settings.early_stopping)] if settings.early_stopping else None,
    )
    if settings.overwrite and first and is_main_process():
        for folder in (Path(settings.output), *Path(settings.output).glob("seed-*")):
            _remove_run(folder)
    checkpoint = complete_checkpoint(output) if settings.resume else None
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    trained = monotonic() - started
    trainer.save_model()
    dev_predictions = {name: trainer.predictions(given) for name, given in dev.items()}
    task = task.tuned(sets.dev[""], dev_predictions[""])
    test = _encoded(task, sets.test, tokenizer)
    test_predictions = {name: trainer.predictions(given) for name, given in test.items()}
    numbers: Numbers = evaluated(settings, task, tokenizer, output, "dev", sets.dev, dev_predictions)
    numbers |= evaluated(settings, task, tokenizer, output, "test", sets.test, test_predictions)
    numbers |= {
        "train_examples": len(sets.train),
        **(noised.numbers() if settings.augmentation else {}),
        "steps": trainer.state.global_step,
        "best_step": trainer.state.best_global_step or trainer.state.global_step,
        "train_seconds": trained,
        "seconds": monotonic() - started,
        "parameters": model.num_parameters(),
    }
    trainer.save_state()
    if is_main_process():
        save_task(settings, task, output)
        write_results(output, numbers, asdict(settings), seed)
        for folder in output.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
            shutil.rmtree(folder)
    trainer.accelerator.wait_for_everyone()
    return numbers


def _finished(settings: FinetuneSettings, output: Path) -> Numbers:
    """The numbers of a run that needs nothing more.

    Raises:
        CharBertError: it was another one.
    """
    results = read_results(output)
    for name, value in asdict(settings).items():
        before = results["settings"].get(name)
        if name not in MAY_DIFFER and before != value:
            raise CharBertError(
                f"{output}: was made with {name}={before}, not {value}; give another folder or --overwrite"
            )
    return numbers_of(results)


def save_task(settings: FinetuneSettings, task: Task[Any, Any], folder: Path) -> None:
    """Write what a model was trained for beside it, to predict with it."""
    content = {"settings": asdict(settings), "labels": task.labels, "threshold": task.threshold}
    with whole_file(folder / TASK_FILE) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _encoded(task: Task[Any, Any], sets: Mapping[str, list[Any]], tokenizer: Any) -> dict[str, EvaluationSet]:
    return {
        name: EvaluationSet(examples, task.encode(examples, tokenizer)) for name, examples in sets.items()
    }


def _training_rows(
    settings: FinetuneSettings,
    task: Task[Any, Any],
    examples: Sequence[Any],
    noised: Sequence[Any],
    tokenizer: Any,
) -> tuple[Rows, torch.Tensor | None]:
    """What to train on, and what each class of it counts, by the examples without noise."""
    inputs = task.encode(examples, tokenizer).inputs
    rows = Rows([*inputs, *task.encode(noised, tokenizer).inputs])
    if not settings.class_weights:
        return rows, None
    if not task.has_classes:
        raise CharBertError("class_weights: this task has no classes, one of which is right; leave it out")
    targets = [row["labels"] if isinstance(row["labels"], list) else [row["labels"]] for row in inputs]
    flat = [target for row in targets for target in row if target != IGNORED]
    return rows, balanced_weights(flat, len(task.labels))


def _training_arguments(
    settings: FinetuneSettings, task: Task[Any, Any], rows: int, seed: int, output: Path
) -> TrainingArguments:
    arguments = training_arguments(
        "finetune",
        output_dir=str(output),
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.eval_batch_size,
        gradient_accumulation_steps=settings.gradient_accumulation_steps,
        dataloader_num_workers=settings.num_workers,
        dataloader_persistent_workers=settings.num_workers > 0,
        num_train_epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.lr_scheduler_type,
        warmup_steps=settings.warmup_ratio,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        eval_strategy="steps",
        save_strategy="steps",
        save_total_limit=1,
        restore_callback_states_from_checkpoint=True,
        load_best_model_at_end=True,
        metric_for_best_model=f"eval_{task.metric}",
        greater_is_better=True,
        logging_steps=settings.logging_steps,
        train_sampling_strategy="group_by_length",
        bf16=settings.bf16,
        torch_compile=settings.torch_compile,
        seed=seed,
    )
    examples = arguments.world_size * settings.batch_size * settings.gradient_accumulation_steps
    per_epoch = ceil(rows / examples)
    arguments.eval_steps = arguments.save_steps = max(1, per_epoch // settings.evaluations)
    return arguments


def _remove_run(output: Path) -> None:
    """Remove what an earlier run left, and nothing else."""
    for folder in output.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
        shutil.rmtree(folder, ignore_errors=True)
    for pattern in FILES_OF_A_RUN:
        for path in output.glob(pattern):
            path.unlink()
