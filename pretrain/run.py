"""One pre-training run: settings -> model, data, training, evaluation, results."""

import logging
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, TrainingArguments, set_seed
from transformers.trainer_utils import get_last_checkpoint

from charbert.configuration import CharBertConfig
from charbert.errors import CharBertError
from charbert.lm_heads import CharBertForPreTraining
from charbert.results import RESULTS, check_output_folder, write_results
from charbert.tokenization import CharBertTokenizer
from data.corruption import Corruption, CorruptionSettings
from data.dataset import load_blocks
from data.examples import PretrainingCollator, PretrainingExamples
from pretrain.curves import draw_curves
from pretrain.settings import PretrainSettings
from pretrain.trainer import PretrainingTrainer

logger = logging.getLogger(__name__)
FIGURE = "curves.png"


def pretrain(settings: PretrainSettings) -> dict[str, Any]:
    """Train and evaluate; the model, `results.json`, `curves.png` and the logs go to the output folder.

    Returns:
        the numbers of `results.json`.

    Raises:
        CharBertError: settings, data and model do not fit together. Nothing has been written then.
    """
    output = Path(settings.output)
    is_main = int(os.environ.get("RANK", "0")) == 0
    if is_main:
        check_output_folder(output, settings.overwrite, settings.resume)
    set_seed(settings.seed)
    tokenizer = CharBertTokenizer.from_pretrained(settings.tokenizer)
    blocks = load_blocks(settings.data)
    if settings.eval_examples >= len(blocks):
        raise CharBertError(
            f"{settings.data}: {len(blocks)} blocks, of which eval_examples={settings.eval_examples} leaves "
            "none to train on"
        )
    model = build_model(settings, tokenizer)
    if is_main and settings.overwrite and output.is_dir():
        _remove_run(output)

    corruption = Corruption(
        tokenizer,
        tokenizer.words,
        CorruptionSettings(
            noise_probability=settings.noise_probability,
            noise_edits=tuple(settings.noise_edits),
            mlm_probability=settings.mlm_probability,
            max_length=settings.max_length,
        ),
    )
    held_out = len(blocks) - settings.eval_examples
    trainer = PretrainingTrainer(
        model=model,
        args=_training_arguments(settings),
        train_dataset=PretrainingExamples(blocks.select(range(held_out)), corruption, settings.seed),
        eval_dataset=PretrainingExamples(
            blocks.select(range(held_out, len(blocks))), corruption, settings.seed + 1
        ),
        data_collator=PretrainingCollator(tokenizer, model.spelling_table),
        processing_class=tokenizer,
    )
    checkpoint = get_last_checkpoint(str(output)) if settings.resume and output.is_dir() else None
    logger.info("starting from %s", checkpoint or "step 0")
    summary = trainer.train(resume_from_checkpoint=checkpoint)
    seconds = summary.metrics["train_runtime"] - trainer.evaluation_seconds
    trainer.save_model()
    trainer.save_state()

    step = trainer.state.global_step
    examples = settings.batch_size * settings.gradient_accumulation_steps * trainer.args.world_size
    numbers = {
        **trainer.evaluate(),
        "steps": step,
        "samples_seen": step * examples,
        "tokens_per_second": trainer.tokens_trained / seconds,
        "parameters": model.num_parameters(),
    }
    if trainer.is_world_process_zero():
        write_results(output, numbers, asdict(settings), settings.seed)
        draw_curves(trainer.state.log_history, output / FIGURE)
    return numbers


def build_model(settings: PretrainSettings, tokenizer: CharBertTokenizer) -> CharBertForPreTraining:
    """The model that the settings ask for, able to spell the tokenizer's tokens.

    Raises:
        CharBertError: it does not fit the tokenizer, or has too few positions for the examples.
    """
    words = len(tokenizer.words)
    character_channel: dict[str, Any] = {
        "char_embedding_size": settings.char_embedding_size,
        "char_encoder": settings.char_encoder,
        "interaction": settings.interaction,
        "interaction_per_layer": settings.interaction_per_layer,
        "word_vocabulary_size": words,
    }
    if settings.model:
        model = CharBertForPreTraining.from_pretrained(settings.model)
        if model.config.word_vocabulary_size != words:
            raise CharBertError(
                f"{settings.model}: predicts {model.config.word_vocabulary_size} words, but the tokenizer "
                f"folder {settings.tokenizer} has {words}"
            )
        model.set_spelling(tokenizer)
    elif settings.backbone:
        model = CharBertForPreTraining.from_backbone(
            settings.backbone, tokenizer=tokenizer, **character_channel
        )
    else:
        config = CharBertConfig(
            backbone_config=_scratch(settings, tokenizer),
            character_vocabulary_size=len(tokenizer.characters),
            **character_channel,
        )
        model = CharBertForPreTraining(config)
        model.set_spelling(tokenizer)
    if settings.max_length > model.charbert.max_tokens:
        raise CharBertError(
            f"max_length={settings.max_length}, but the backbone has {model.charbert.max_tokens} positions"
        )
    if settings.gradient_checkpointing:
        # transformers renamed this after 5.17, with a warning at the old name.
        name = "activation_checkpointing_enable"
        enable = getattr(model, name, None) or model.gradient_checkpointing_enable
        enable({"use_reentrant": False})
    return model


def _scratch(settings: PretrainSettings, tokenizer: CharBertTokenizer) -> AutoConfig:
    """The configuration of a backbone that starts with random weights."""
    roberta = settings.architecture == "roberta"
    return AutoConfig.for_model(
        settings.architecture,
        vocab_size=len(tokenizer),
        hidden_size=settings.hidden_size,
        num_hidden_layers=settings.num_hidden_layers,
        num_attention_heads=settings.num_attention_heads,
        intermediate_size=settings.intermediate_size,
        hidden_dropout_prob=settings.dropout,
        attention_probs_dropout_prob=settings.dropout,
        # RoBERTa keeps the positions up to that of its padding token free.
        max_position_embeddings=settings.max_length + (tokenizer.pad_token_id + 1 if roberta else 0),
        type_vocab_size=1 if roberta else 2,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )


def _training_arguments(settings: PretrainSettings) -> TrainingArguments:
    return TrainingArguments(
        output_dir=settings.output,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.gradient_accumulation_steps,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.lr_scheduler_type,
        warmup_steps=settings.warmup_steps,
        weight_decay=settings.weight_decay,
        adam_beta2=settings.adam_beta2,
        max_grad_norm=settings.max_grad_norm,
        max_steps=settings.max_steps,
        eval_strategy="steps",
        eval_steps=settings.eval_steps,
        save_strategy="steps",
        save_steps=settings.save_steps,
        save_total_limit=settings.save_total_limit,
        logging_steps=settings.logging_steps,
        logging_first_step=True,
        dataloader_num_workers=settings.num_workers,
        dataloader_pin_memory=torch.cuda.is_available(),
        remove_unused_columns=False,
        label_names=["labels", "nlm_labels"],
        report_to="tensorboard",
        bf16=settings.bf16,
        torch_compile=settings.torch_compile,
        seed=settings.seed,
        ddp_find_unused_parameters=False,
    )


def _remove_run(output: Path) -> None:
    """Remove what an earlier run left: its checkpoints, logs and results, and nothing else."""
    for folder in (*output.glob("checkpoint-*"), output / "runs"):
        shutil.rmtree(folder, ignore_errors=True)
    for name in (RESULTS, FIGURE):
        (output / name).unlink(missing_ok=True)
