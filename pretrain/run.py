"""One pre-training run: settings -> model, data, training, evaluation, results."""

from typing import Any

from transformers import TrainingArguments, set_seed

from charbert.commands.output import output_folder
from charbert.commands.results import print_results
from charbert.commands.training import TrainingRun, end_processes
from charbert.distillation.loss import Distillation
from charbert.distillation.student import make_student
from charbert.errors import CharBertError
from charbert.lm_heads import CharBertForPreTraining
from charbert.loading import fit_tokenizer
from charbert.tokenization import CharBertTokenizer
from pretrain.loaders import has_safe_lengths, make_batches
from pretrain.model import build_model, make_alignment
from pretrain.settings import PretrainSettings
from pretrain.sharding import check_checkpoint
from pretrain.trainer import PretrainingTrainer, Speed, step_arguments

CURVES = {"mlm_loss": "masked LM", "nlm_loss": "noisy LM"}


def run(settings: PretrainSettings) -> None:
    """Pre-train and evaluate; the model, `results.json`, `curves.png` and the logs go to the output folder.

    Raises:
        CharBertError: settings, data and model do not fit together. Nothing has been written or removed then.
    """
    with output_folder(settings):
        numbers = _train(settings)
    print_results(numbers, settings.output)


def _train(settings: PretrainSettings) -> dict[str, Any]:
    """The numbers of `results.json`."""
    run = TrainingRun(settings, settings.seed)
    if run.results is not None:
        return run.results
    arguments = _training_arguments(settings)
    set_seed(settings.seed)
    tokenizer = CharBertTokenizer.from_pretrained(settings.tokenizer)
    model, teacher = build_model(settings, tokenizer), None
    if settings.student_layers is not None:
        model, teacher = make_student(model, settings.student_layers), model
    tokenizer = fit_tokenizer(tokenizer, model)
    alignment = make_alignment(settings, model, tokenizer)
    if run.has_all_steps:
        model = type(model).from_pretrained(run.checkpoint).to(arguments.device)
    elif run.checkpoint is not None:
        check_checkpoint(run.checkpoint, settings.fsdp)
    spelling = model.spelling_table if isinstance(model, CharBertForPreTraining) else None
    training, evaluation = make_batches(
        settings, arguments, tokenizer, spelling, run.first_step, run.checkpoint
    )
    run.begin(model)
    distillation = None if teacher is None else Distillation(model, teacher, **settings.loss)
    trainer = PretrainingTrainer(
        model=model,
        args=arguments,
        training=training,
        evaluation=evaluation,
        processing_class=tokenizer,
        cudnn_attention=has_safe_lengths(settings.max_length),
        distillation=distillation,
        alignment=alignment,
        alignment_weight=settings.alignment_weight,
        fresh_learning_rate=settings.fresh_learning_rate,
    )
    run.train(trainer)
    speed = dict.fromkeys(Speed._fields) if run.has_all_steps else trainer.speed()._asdict()
    trainer.save_model()
    step = trainer.state.global_step
    numbers = {
        **trainer.final_metrics(),
        "steps": step,
        "samples_seen": step
        * settings.batch_size
        * settings.gradient_accumulation_steps
        * arguments.world_size,
        **speed,
        "parameters": model.num_parameters(),
        **(distillation.numbers if distillation else {}),
    }
    run.save_results(trainer, numbers, CURVES, "eval_mlm_accuracy")
    end_processes()
    return numbers


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
            "--fsdp shards over several processes: start them with `torchrun --nproc-per-node N ...` "
            "or leave it out"
        )
    return arguments
