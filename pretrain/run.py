"""One pre-training run: settings -> model, data, training, evaluation, results."""

import logging
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from transformers import TrainerState, TrainingArguments, set_seed

from charbert.checkpoints import read_config
from charbert.commands.results import RESULTS, check_output_folder, is_main_process, write_results
from charbert.commands.training import STATE, complete_checkpoint
from charbert.errors import CharBertError
from charbert.lm_heads import CharBertForPreTraining
from charbert.tokenization import CharBertTokenizer
from pretrain.arguments import step_arguments
from pretrain.batches import batches_of_run
from pretrain.curves import draw_curves
from pretrain.model import build_model
from pretrain.settings import PretrainSettings
from pretrain.sharding import check_checkpoint
from pretrain.trainer import PretrainingTrainer, Speed

logger = logging.getLogger(__name__)
FIGURE = "curves.png"
FILES_OF_A_RUN = (RESULTS, FIGURE, STATE, "model.safetensors", "training_args.bin")


def pretrain(settings: PretrainSettings) -> dict[str, Any]:
    """Train and evaluate; the model, `results.json`, `curves.png` and the logs go to the output folder.

    Returns:
        the numbers of `results.json`.

    Raises:
        CharBertError: settings, data and model do not fit together. Nothing has been written or removed then.
    """
    output = Path(settings.output)
    if is_main_process():
        check_output_folder(output, settings.overwrite, settings.resume)
    checkpoint = last_checkpoint(output) if settings.resume else None
    arguments = _training_arguments(settings)
    set_seed(settings.seed)
    tokenizer = CharBertTokenizer.from_pretrained(settings.tokenizer)
    model = build_model(settings, tokenizer)
    if checkpoint is not None:
        _check_model(checkpoint, model.config.model_type)
    state = None if checkpoint is None else TrainerState.load_from_json(str(checkpoint / STATE))
    finished = state is not None and state.global_step >= settings.max_steps
    if finished:
        if (output / RESULTS).exists():
            raise CharBertError(f"{output}: has all of max_steps={settings.max_steps}; give more to go on")
        model = type(model).from_pretrained(checkpoint).to(arguments.device)
    elif checkpoint is not None:
        check_checkpoint(checkpoint, settings.fsdp)
    first_step = 0 if state is None else state.global_step
    spelling = model.spelling_table if isinstance(model, CharBertForPreTraining) else None
    training, evaluation = batches_of_run(settings, arguments, tokenizer, spelling, first_step, checkpoint)
    if is_main_process() and settings.overwrite:
        remove_run(output)
    trainer = PretrainingTrainer(
        model=model, args=arguments, training=training, evaluation=evaluation, processing_class=tokenizer
    )
    logger.info("starting from %s", checkpoint or "step 0")
    if finished:
        trainer.state = state
    else:
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    speed = dict.fromkeys(Speed._fields) if finished else trainer.speed()._asdict()
    trainer.save_model()

    step = trainer.state.global_step
    examples = settings.batch_size * settings.gradient_accumulation_steps * arguments.world_size
    numbers = {
        **trainer.final_metrics(),
        "steps": step,
        "samples_seen": step * examples,
        **speed,
        "parameters": model.num_parameters(),
    }
    trainer.save_state()
    if is_main_process():
        write_results(output, numbers, asdict(settings), settings.seed)
        draw_curves(trainer.state.log_history, output / FIGURE)
    # A process that ends while gloo's threads still hold a tensor aborts: all end their group together.
    trainer.accelerator.wait_for_everyone()
    trainer.accelerator.end_training()
    return numbers


def last_checkpoint(output: Path) -> Path | None:
    """The newest complete checkpoint of a folder; None where a run has not come to its first.

    Raises:
        CharBertError: the folder holds a model, but no checkpoint to go on from.
    """
    checkpoint = complete_checkpoint(output)
    if checkpoint is None and any((output / name).exists() for name in FILES_OF_A_RUN):
        raise CharBertError(
            f"{output}: no complete checkpoint to resume from; give --overwrite to start anew"
        )
    return checkpoint


def _check_model(checkpoint: Path, kind: str) -> None:
    """Refuse to go on with another kind of model, of whose tensors a checkpoint may hold a part.

    Raises:
        CharBertError: the checkpoint is of such.
    """
    before = read_config(checkpoint).get("model_type")
    if before != kind:
        raise CharBertError(f"{checkpoint}: holds a {before}, not a {kind}; go on with the same model")


def _training_arguments(settings: PretrainSettings) -> TrainingArguments:
    arguments = step_arguments(
        "pretrain",
        settings,
        gradient_accumulation_steps=settings.gradient_accumulation_steps,
        adam_beta2=settings.adam_beta2,
        label_names=["labels", "nlm_labels"],
        bf16=settings.bf16,
        torch_compile=settings.torch_compile,
        fsdp=settings.fsdp,
    )
    if settings.fsdp and arguments.world_size == 1:
        raise CharBertError(
            "fsdp shards over several processes: start them with `torchrun --nproc-per-node N ...` "
            "or leave it out"
        )
    return arguments


def remove_run(output: Path) -> None:
    """Remove what an earlier run left: its checkpoints, logs, model and results, and nothing else."""
    for folder in (*output.glob("checkpoint-*"), output / "runs"):
        shutil.rmtree(folder, ignore_errors=True)
    for name in FILES_OF_A_RUN:
        (output / name).unlink(missing_ok=True)
