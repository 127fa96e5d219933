"""`python -m pretrain recognizer CONFIG.yaml`: train a word recogniser on the text of pre-training."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader
from transformers import TrainerState, TrainingArguments, set_seed

from charbert.commands.results import RESULTS, check_output_folder, is_main_process, write_results
from charbert.commands.training import STATE
from charbert.errors import CharBertError
from charbert.recognizer.modeling import WordRecognizer, WordRecognizerConfig
from charbert.tokenization import CharBertTokenizer
from data.pretraining.batches import Batch
from data.pretraining.blocks import checked_blocks
from data.pretraining.packing import LARGEST_BLOCK
from data.pretraining.sampler import EvaluationOrder, Place, TrainingOrder
from pretrain.arguments import step_arguments
from pretrain.batches import TrainingBatches, loader_of
from pretrain.recognizer.batches import RecognizerBatches, known_words
from pretrain.recognizer.settings import RecognizerSettings
from pretrain.recognizer.trainer import RecognizerTrainer
from pretrain.run import last_checkpoint, remove_run

logger = logging.getLogger(__name__)
EVALUATED_RATES = {"clean": 0.0, "noised": 1.0}
"""The share of the words of held-out text, of those that may get a typo, that have one."""


def train_recognizer(settings: RecognizerSettings) -> dict[str, Any]:
    """Train and evaluate; the recogniser, `results.json` and the logs go to the output folder.

    Returns:
        the numbers of `results.json`.

    Raises:
        CharBertError: settings and data do not fit together. Nothing has been written or removed then.
    """
    output = Path(settings.output)
    if is_main_process():
        check_output_folder(output, settings.overwrite, settings.resume)
    checkpoint = last_checkpoint(output) if settings.resume else None
    arguments = step_arguments("pretrain recognizer", settings, torch_compile=False)
    tokenizer = CharBertTokenizer.from_pretrained(settings.tokenizer)
    config = _config(settings, tokenizer)
    set_seed(settings.seed)
    model = WordRecognizer(config)
    state = None if checkpoint is None else TrainerState.load_from_json(str(checkpoint / STATE))
    finished = state is not None and state.global_step >= settings.max_steps
    if checkpoint is not None:
        if finished and (output / RESULTS).exists():
            raise CharBertError(f"{output}: has all of max_steps={settings.max_steps}; give more to go on")
        model = WordRecognizer.from_pretrained(checkpoint)
        _check_same(model.config, config, checkpoint)
    first_step = 0 if state is None else state.global_step
    training, evaluation = _batches(settings, arguments, tokenizer, config, first_step)
    if is_main_process() and settings.overwrite:
        remove_run(output)
    trainer = RecognizerTrainer(model=model, args=arguments, training=training, evaluation=evaluation)
    logger.info("starting from %s", checkpoint or "step 0")
    if finished:
        trainer.state = state
    else:
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    trainer.save_model()
    step = trainer.state.global_step
    numbers = {
        **trainer.evaluate(),
        "steps": step,
        "blocks_seen": step * settings.batch_size * arguments.world_size,
        "words": len(model.words),
        "characters": len(config.characters),
        "parameters": model.num_parameters(),
    }
    trainer.save_state()
    if is_main_process():
        write_results(output, numbers, asdict(settings), settings.seed)
    # A process that ends while gloo's threads still hold a tensor aborts: all end their group together.
    trainer.accelerator.wait_for_everyone()
    trainer.accelerator.end_training()
    return numbers


def _config(settings: RecognizerSettings, tokenizer: CharBertTokenizer) -> WordRecognizerConfig:
    known = known_words(tokenizer.words)
    if len(known["words"]) == 1:
        raise CharBertError(f"{settings.tokenizer}: has no words of letters only, so nothing to recognise")
    return WordRecognizerConfig(
        **known,
        embedding_size=settings.embedding_size,
        hidden_size=settings.hidden_size,
        num_hidden_layers=settings.num_hidden_layers,
    )


def _check_same(before: WordRecognizerConfig, now: WordRecognizerConfig, checkpoint: Path) -> None:
    for name in ("words", "characters", "embedding_size", "hidden_size", "num_hidden_layers"):
        if getattr(before, name) != getattr(now, name):
            raise CharBertError(f"{checkpoint}: holds a recogniser with other {name}; go on with the same")


def _batches(
    settings: RecognizerSettings,
    arguments: TrainingArguments,
    tokenizer: CharBertTokenizer,
    config: WordRecognizerConfig,
    first_step: int,
) -> tuple[TrainingBatches, dict[str, DataLoader[Batch]]]:
    """What this process trains on, behind `first_step` steps, and its share of what is measured."""
    blocks = checked_blocks(settings.data, tokenizer, LARGEST_BLOCK)
    first_held_out = len(blocks) - settings.eval_examples
    if first_held_out < 1:
        raise CharBertError(
            f"{settings.data}: {len(blocks)} blocks, of which eval_examples={settings.eval_examples} leaves "
            "none to train on"
        )
    place = Place(arguments.process_index, arguments.world_size, first_step=first_step)
    order = TrainingOrder(first_held_out, settings.batch_size, seed=settings.seed, place=place)
    share = EvaluationOrder(
        settings.eval_examples, settings.batch_size, rank=place.rank, world_size=place.world_size
    )
    train, held_out = blocks.part(0, first_held_out), blocks.part(first_held_out, len(blocks))
    batches = RecognizerBatches(train, tokenizer, config, settings.noise(), settings.seed)
    training = TrainingBatches(loader_of(batches, order, settings.num_workers), order.steps_per_epoch)
    evaluation = {
        name: loader_of(
            RecognizerBatches(held_out, tokenizer, config, settings.noise(rate), settings.seed + 1), share
        )
        for name, rate in EVALUATED_RATES.items()
    }
    return training, evaluation
