"""Fine-tuning: settings -> examples, model, training, scores and predictions; a run for each seed."""

import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import ceil
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from transformers import EarlyStoppingCallback, TrainingArguments, set_seed

from charbert.backbones import check_length
from charbert.commands import results, training
from charbert.commands.output import is_main_process, output_folder
from charbert.commands.resuming import remove_checkpoints
from charbert.commands.tables import format_scores, format_table
from charbert.distillation.loss import Distillation
from charbert.distillation.student import make_student
from charbert.errors import CharBertError
from charbert.losses import IGNORED
from charbert.ragged import round_up
from charbert.tuning.model import Part, check_mergeable, merge_delta, trainable_table
from finetune.analysis import check_word_split, word_split, write_report
from finetune.augmentation import make_attack, make_copies
from finetune.batches import COMPILED_TOKENS, Padding, Rows
from finetune.datasets import Sets, read_sets
from finetune.metrics.seeds import summarize_runs
from finetune.models import TASK_FILE, load, load_teacher, save_task
from finetune.settings import DistillSettings, FinetuneSettings
from finetune.tasks.base import Task
from finetune.tasks.registry import TASKS, find_task
from finetune.trainer import EvaluationSet, FinetuneTrainer, balance_weights

logger = logging.getLogger(__name__)
PREDICTIONS, DEV_GOLD = "predictions", "dev-gold"
_LOW_RATE, _FEW = 5e-5, 10
"""A rate below that of any method of delta tuning, and what percent of a model are few weights."""
Numbers = dict[str, Any]


def run(settings: FinetuneSettings) -> None:
    """The command: fine-tune, and print the scores."""
    numbers = finetune(settings)
    if is_main_process():
        print(f"\n{format_scores(numbers)}\n\nresults and model in {settings.output}")


def finetune(settings: FinetuneSettings) -> Numbers:
    """Train and score; a model, its `results.json` and its predictions go to the output folder.

    With several seeds each has a folder in it, and `results.json` holds means and intervals over them.

    Returns:
        the numbers of `results.json`.

    Raises:
        CharBertError: settings, data and model do not fit together. Nothing has been written then.
    """
    with output_folder(settings) as output:
        return _finetune(settings, output)


def _finetune(settings: FinetuneSettings, output: Path) -> Numbers:
    make_attack(settings)  # what it lacks is reported before data is read
    if settings.merge:
        check_mergeable(settings)
    task, sets = read_sets(settings)
    if settings.word_split:
        check_word_split(task)
    alone = len(settings.seeds) == 1
    runs: list[Numbers] = []
    for seed in settings.seeds:
        folder = output if alone else output / f"seed-{seed}"
        runs.append(run_seed(settings, task, sets, seed, folder, first=not runs))
    numbers = runs[0] if alone else summarize_runs(runs)
    if not alone and is_main_process():
        results.write_results(output, numbers, asdict(settings))
    training.end_processes()
    return numbers


def run_seed(
    settings: FinetuneSettings, task: Task[Any, Any], sets: Sets, seed: int, output: Path, first: bool
) -> Numbers:
    """One run, its model and predictions in `output`; one that is finished already is not repeated.

    Args:
        first: of the seeds; an earlier run is removed as soon as this one is known to be possible.
    """
    started = monotonic()
    this_run = training.TrainingRun(settings, seed, output)
    if this_run.results is not None:
        return this_run.results
    set_seed(seed)
    model, tokenizer, distillation = _load_models(settings, task)
    if settings.gradient_checkpointing:
        training.checkpoint_gradients(model)
    check_length(model, round_up(task.max_length, COMPILED_TOKENS if settings.torch_compile else 1))
    copies, copied_words = make_copies(settings, task, sets.train, seed)
    rows, class_weights = _training_rows(settings, task, sets.train, copies, tokenizer)
    dev = _encode_sets(task, sets.dev, tokenizer)
    trainer = FinetuneTrainer(
        model=model,
        args=_training_arguments(settings, task, len(rows), seed, output),
        data_collator=Padding(tokenizer, bucketed=settings.torch_compile),
        train_dataset=rows,
        processing_class=tokenizer,
        task=task,
        dev=dev,
        layer_decay=settings.layer_decay,
        class_weights=class_weights,
        distillation=distillation,
        callbacks=[EarlyStoppingCallback(settings.early_stopping)] if settings.early_stopping else None,
    )
    if settings.overwrite and first and is_main_process():
        _remove_earlier(Path(settings.output))
    if settings.tuning and is_main_process():
        _show_parts(trainable_table(model), settings.learning_rate)
    this_run.begin(model)
    this_run.train(trainer)
    trained = monotonic() - started
    trainable = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    if settings.merge:
        merge_delta(model)
    trainer.save_model()
    dev_predictions = {name: trainer.predict_set(given) for name, given in dev.items()}
    task = task.tune(sets.dev[""], dev_predictions[""])
    test = _encode_sets(task, sets.test, tokenizer)
    test_predictions = {name: trainer.predict_set(given) for name, given in test.items()}
    numbers: Numbers = {
        **_score_sets(settings, task, tokenizer, output, "dev", sets.dev, dev_predictions),
        **_score_sets(settings, task, tokenizer, output, "test", sets.test, test_predictions),
        "train_examples": len(sets.train),
        **copied_words,
        "steps": trainer.state.global_step,
        "best_step": trainer.state.best_global_step or trainer.state.global_step,
        "train_seconds": trained,
        "seconds": monotonic() - started,
        "parameters": model.num_parameters(),
        "trainable_parameters": trainable,
        **(distillation.numbers if distillation else {}),
    }
    if is_main_process():
        save_task(settings, task, output)
        if sets.is_divided:
            task.write_gold(sets.dev[""], settings, output / PREDICTIONS / DEV_GOLD)
    this_run.save_results(trainer, numbers, {"loss": "loss"}, f"eval_{task.metric}")
    if is_main_process():
        remove_checkpoints(output)
    trainer.accelerator.wait_for_everyone()
    return numbers


def _load_models(settings: FinetuneSettings, task: Task[Any, Any]) -> tuple[Any, Any, Distillation | None]:
    """The model and its tokenizer, and of a student what its teacher says."""
    if not isinstance(settings, DistillSettings):
        return *load(settings, task), None
    teacher, tokenizer = load_teacher(settings.teacher, task)
    student = make_student(teacher, settings.student_layers)
    return student, tokenizer, Distillation(student, teacher, **settings.loss)


def _show_parts(parts: Sequence[Part], learning_rate: float) -> None:
    rows = [(part.module, part.trainable, part.total, part.percent) for part in parts]
    print(format_table(("module", "trainable", "parameters", "percent"), rows, decimals=2), file=sys.stderr)
    if learning_rate < _LOW_RATE and parts[-1].percent < _FEW:
        logger.warning(
            "--learning-rate %g suits all weights; so few want a higher one (docs/delta-tuning.md has some)",
            learning_rate,
        )


def _remove_earlier(output: Path) -> None:
    """Remove what an earlier run left in its folder and in those of its seeds, and nothing else."""
    endings = {entry.task.ending for entry in TASKS.values()}
    files = [
        *training.FILES_OF_A_RUN,
        TASK_FILE,
        "report-*.txt",
        "confusion-*.png",
        f"{PREDICTIONS}/{DEV_GOLD}.*",
    ]
    for folder in (output, *output.glob("seed-*")):
        training.remove_run(folder, [*files, *(f"{PREDICTIONS}/*{ending}" for ending in endings)])


def _score_sets(
    settings: FinetuneSettings,
    task: Task[Any, Any],
    tokenizer: Any,
    output: Path,
    split: str,
    sets: Mapping[str, list[Any]],
    predictions: Mapping[str, list[Any]],
) -> dict[str, float]:
    """The scores of a split's sets, as `dev_f1` or, of a further set, `dev_mismatched_accuracy`.

    Their predictions, under the task's threshold, and where they are asked for, reports go to the folder of
    the run. A set without labels is predicted only.
    """
    numbers: dict[str, float] = {}
    submissions = find_task(settings.task).submissions if split == "test" else {}
    for name, examples in sets.items():
        decided = task.apply_threshold(predictions[name])
        full_name = f"{split}_{name}" if name else split
        if all(example.is_labelled for example in examples):
            scores = task.score(examples, decided)
            if settings.word_split:
                scores |= word_split(examples, decided, tokenizer)
            numbers |= {f"{full_name}_{measure}": value for measure, value in scores.items()}
            if settings.report and is_main_process():
                write_report(task, examples, decided, output, full_name)
        if is_main_process():
            path = output / PREDICTIONS / f"{submissions.get(name, full_name)}{task.ending}"
            path.parent.mkdir(exist_ok=True)
            task.write(examples, decided, path)
    return numbers


def _encode_sets(
    task: Task[Any, Any], sets: Mapping[str, list[Any]], tokenizer: Any
) -> dict[str, EvaluationSet]:
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
        raise CharBertError("--class-weights: this task has no classes, one of which is right; leave it out")
    targets = [row["labels"] if isinstance(row["labels"], list) else [row["labels"]] for row in inputs]
    flat = [target for row in targets for target in row if target != IGNORED]
    return rows, balance_weights(flat, len(task.labels))


def _training_arguments(
    settings: FinetuneSettings, task: Task[Any, Any], rows: int, seed: int, output: Path
) -> TrainingArguments:
    arguments = training.training_arguments(
        "finetune",
        settings,
        output_dir=str(output),
        per_device_eval_batch_size=settings.eval_batch_size,
        gradient_accumulation_steps=settings.gradient_accumulation_steps,
        dataloader_num_workers=settings.num_workers,
        dataloader_persistent_workers=settings.num_workers > 0,
        num_train_epochs=settings.epochs,
        warmup_steps=settings.warmup_ratio,
        eval_steps=1,  # until it is known how many there are of an epoch
        save_steps=1,
        save_total_limit=1,
        restore_callback_states_from_checkpoint=True,
        load_best_model_at_end=True,
        metric_for_best_model=f"eval_{task.metric}",
        greater_is_better=True,
        train_sampling_strategy="group_by_length",
        bf16=settings.bf16,
        torch_compile=settings.torch_compile,
        seed=seed,
    )
    examples = arguments.world_size * settings.batch_size * settings.gradient_accumulation_steps
    per_epoch = ceil(rows / examples)
    arguments.eval_steps = max(1, per_epoch // settings.evaluations)
    arguments.save_steps = settings.save_steps or arguments.eval_steps
    return arguments
