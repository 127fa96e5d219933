"""Training of a word recogniser (semi-character RNN) on the text of pre-training."""

from typing import Any

from torch.utils.data import DataLoader
from transformers import TrainingArguments, set_seed

from charbert.commands.output import output_folder
from charbert.commands.results import print_results
from charbert.commands.training import TrainingRun, end_processes
from charbert.errors import CharBertError
from charbert.recognizer.modeling import WordRecognizer, WordRecognizerConfig
from charbert.tokenization import CharBertTokenizer
from data.pretraining.blocks import open_blocks
from data.pretraining.packing import LARGEST_BLOCK
from pretrain.collator import Batch
from pretrain.loaders import TrainingBatches, count_training_blocks, make_loader
from pretrain.recognizer.batches import RecognizerBatches, known_words
from pretrain.recognizer.trainer import RecognizerTrainer
from pretrain.sampler import EvaluationSampler, TrainingPosition, TrainingSampler
from pretrain.settings import RecognizerSettings
from pretrain.trainer import step_arguments

EVALUATED_RATES = {"clean": 0.0, "noised": 1.0}
"""The share of the words of held-out text, of those that may get a typo, that have one."""


def run(settings: RecognizerSettings) -> None:
    """Train and evaluate; the recogniser, `results.json`, `curves.png` and the logs go to the output folder.

    Raises:
        CharBertError: settings and data do not fit together. Nothing has been written or removed then.
    """
    with output_folder(settings):
        numbers = _train(settings)
    print_results(numbers, settings.output)


def _train(settings: RecognizerSettings) -> dict[str, Any]:
    """The numbers of `results.json`."""
    run = TrainingRun(settings, settings.seed)
    if run.results is not None:
        return run.results
    arguments = step_arguments("pretrain recognizer", settings)
    tokenizer = CharBertTokenizer.from_pretrained(settings.tokenizer)
    config = _config(settings, tokenizer)
    set_seed(settings.seed)
    model = WordRecognizer(config)
    if run.has_all_steps and run.checkpoint is not None:
        # Otherwise the Trainer copies the weights into the new model, so that they lie in memory as those
        # of a run that was never stopped: kernels, and the last bits, depend on the alignment.
        model = WordRecognizer.from_pretrained(run.checkpoint)
    training, evaluation = _batches(settings, arguments, tokenizer, config, run.first_step)
    run.begin(model)
    trainer = RecognizerTrainer(model=model, args=arguments, training=training, evaluation=evaluation)
    run.train(trainer)
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
    run.save_results(trainer, numbers, {"loss": "words"}, "eval_noised_error_rate")
    end_processes()
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


def _batches(
    settings: RecognizerSettings,
    arguments: TrainingArguments,
    tokenizer: CharBertTokenizer,
    config: WordRecognizerConfig,
    first_step: int,
) -> tuple[TrainingBatches, dict[str, DataLoader[Batch]]]:
    """What this process trains on, after `first_step` steps, and its share of evaluation."""
    blocks = open_blocks(settings.data, tokenizer, LARGEST_BLOCK)
    first_held_out = count_training_blocks(blocks, settings)
    position = TrainingPosition(arguments.process_index, arguments.world_size, first_step=first_step)
    order = TrainingSampler(first_held_out, settings.batch_size, seed=settings.seed, position=position)
    share = EvaluationSampler(
        settings.eval_examples, settings.batch_size, rank=position.rank, world_size=position.world_size
    )
    train, held_out = blocks.part(0, first_held_out), blocks.part(first_held_out, len(blocks))
    batches = RecognizerBatches(train, tokenizer, config, settings.noise(), settings.seed)
    training = TrainingBatches(make_loader(batches, order, settings.num_workers), order.steps_per_epoch)
    evaluation = {
        name: make_loader(
            RecognizerBatches(held_out, tokenizer, config, settings.noise(rate), settings.seed + 1), share
        )
        for name, rate in EVALUATED_RATES.items()
    }
    return training, evaluation
