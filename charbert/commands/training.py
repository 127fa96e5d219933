"""Training with `transformers.Trainer`: its arguments, checked losses, output folder, the compiler."""

import logging
import math
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from transformers import PreTrainedModel, Trainer, TrainerState, TrainingArguments
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from charbert.commands import resuming
from charbert.commands.devices import attention_kernels, prepare_compiler
from charbert.commands.output import is_main_process, say_finished
from charbert.commands.results import RESULTS, read_results, select_numbers, write_results
from charbert.commands.resuming import RECORD, STATE, WEIGHTS
from charbert.commands.settings import TRACKERS, check_trackers
from charbert.commands.training_log import FIGURE, Beginning, Progress, RunningLosses, draw_curves
from charbert.distillation.loss import Distillation
from charbert.errors import CharBertError, first_line, name_failures
from charbert.hub.runs import write_run_card
from charbert.tuning.delta import FILES as FILES_OF_A_DELTA

logger = logging.getLogger(__name__)
LOGS = "runs"
"""TensorBoard's, in the output folder, as the Trainer calls them."""
FILES_OF_A_RUN = (
    *(RESULTS, RECORD, STATE, FIGURE, "model.safetensors", *FILES_OF_A_DELTA),
    *("training_args.bin", f"{LOGS}/*/events.out.tfevents.*"),
)
_SECONDS_TO_FREE_TENSORS = 0.2
# Of DDP's exchanges: compiled in one piece, a backward pass hands over all its gradients at once.
_BUCKET_MIB = 100


def training_arguments(module: str, settings: Any, *, torch_compile: bool, **given: Any) -> TrainingArguments:
    """Arguments of a Trainer with what holds for every training here.

    Args:
        module: what `python -m` starts, for messages.
        settings: of the run, of which those are read that all trainings have.
        torch_compile: compile the model, with the compiler prepared.
        given: the others.

    Raises:
        CharBertError: the Trainer refuses them, or one process sees several GPUs; or as `check_trackers`.
    """
    if torch_compile:
        prepare_compiler()
    try:
        arguments = TrainingArguments(
            remove_unused_columns=False,
            report_to=check_trackers(settings.report_to),
            per_device_train_batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            lr_scheduler_type=settings.lr_scheduler_type,
            weight_decay=settings.weight_decay,
            max_grad_norm=settings.max_grad_norm,
            eval_strategy="steps",
            save_strategy="steps",
            logging_steps=settings.logging_steps,
            # Said outright, since else processes without a GPU do not know of each other.
            use_cpu=not torch.accelerator.is_available(),
            torch_compile=torch_compile,
            optim="adamw_torch_fused",
            logging_nan_inf_filter=False,  # it would wait for the loss of every batch
            ddp_find_unused_parameters=False,
            ddp_broadcast_buffers=False,  # they never change
            ddp_bucket_cap_mb=_BUCKET_MIB if torch_compile else None,
            **given,
        )
    except ValueError as error:
        raise CharBertError(f"settings that the Trainer refuses: {error}") from error
    if arguments.device.type == "cpu":
        # Of several processes each has a "cpu:0", onto which transformers 5.17 cannot load an optimiser.
        arguments.__dict__["_setup_devices"] = torch.device("cpu")
    if arguments.n_gpu > 1:
        raise CharBertError(
            f"{arguments.n_gpu} GPUs: start one process for each, `torchrun --nproc-per-node "
            f"{arguments.n_gpu} -m {module} ...`, or choose one with CUDA_VISIBLE_DEVICES"
        )
    return arguments


def checkpoint_gradients(model: PreTrainedModel) -> None:
    """Let the layers keep their inputs alone and compute the rest again in the backward pass."""
    # transformers renamed this after 5.17, with a warning at the old name.
    name = "activation_checkpointing_enable"
    enable = getattr(model, name, None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})


def set_learning_rates(
    optimizer: torch.optim.Optimizer, model: torch.nn.Module, rate_of: Callable[[str, float], float]
) -> None:
    """Divide the parameter groups of an optimizer by peak rates, each from a name and the rate so far."""
    names = {weight: name for name, weight in model.named_parameters()}
    groups = list(optimizer.param_groups)
    optimizer.param_groups.clear()
    for group in groups:
        by_rate: dict[float, list[torch.nn.Parameter]] = {}
        for weight in group["params"]:
            by_rate.setdefault(rate_of(names[weight], group["lr"]), []).append(weight)
        for rate, weights in by_rate.items():
            optimizer.add_param_group({**group, "params": weights, "lr": rate, "initial_lr": rate})


class CheckedTrainer(Trainer):
    """A Trainer that ends at the first loss that is not finite, and whose last checkpoint stays a good one.

    What it evaluates on is up to the `evaluate` of each subclass, which reports what it found.

    On a CPU each loss is looked at; elsewhere that would make every step wait for the device, so that the
    losses are looked at where they are logged, and the weights before they are saved.

    Args:
        cudnn_attention: whether cuDNN may do attention, where no batch has a length that it cannot do.
        distillation: of the model by a teacher; None: an ordinary training.
        args, kwargs: as of `transformers.Trainer`.

    Raises:
        CharBertError: a loss, a measure or a weight is not finite; or a file cannot be written.
    """

    def __init__(
        self,
        *args: Any,
        cudnn_attention: bool = False,
        distillation: Distillation | None = None,
        **kwargs: Any,
    ) -> None:
        # The Trainer asks whether there is something to evaluate on, and no more.
        super().__init__(*args, eval_dataset=(), **kwargs)
        if self.pop_callback(ProgressCallback) or self.pop_callback(PrinterCallback):  # else in a notebook
            self.add_callback(Progress)
        self._cudnn_attention = cudnn_attention
        self._running = RunningLosses()
        self._distillation = distillation
        if distillation is not None:
            distillation.prepare(self.args.device, compile=self.args.torch_compile)

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        with attention_kernels(self._cudnn_attention):
            loss = super().training_step(*args, **kwargs)
        if loss.device.type == "cpu":
            self._check_finite({"the loss": loss.item()}, self.state.global_step + 1)
        return loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        self._check_finite(logs, self.state.global_step)
        super().log(logs, *args, **kwargs)

    def report_metrics(self, metrics: dict[str, float]) -> None:
        """Log what an evaluation found, and let the Trainer's callbacks see it; `epoch` is added to it."""
        self.log(metrics)
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)

    @contextmanager
    def evaluated_model(self) -> Iterator[Any]:
        """The model as written, evaluating in the precision of training while this lasts."""
        model = self.accelerator.unwrap_model(self.model, keep_torch_compile=False)
        was_training = model.training
        model.eval()
        with self.accelerator.autocast():
            yield model
        model.train(was_training)

    def save_model(self, *args: Any, **kwargs: Any) -> None:
        weights = (getattr(weight, "_local_tensor", weight) for weight in self.model.parameters())
        if not torch.stack([weight.detach().isfinite().all() for weight in weights]).all():
            self._check_finite({"a weight": math.nan}, self.state.global_step)
        super().save_model(*args, **kwargs)

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        # Tied weights are saved once.
        tied = self.model.all_tied_weights_keys
        missing = [name for name in load_result.missing_keys if name not in tied]
        super()._issue_warnings_after_load(load_result._replace(missing_keys=missing))

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        with name_failures(Path(output_dir or self.args.output_dir)):
            super()._save(output_dir, state_dict)

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        checkpoint = Path(self.args.output_dir) / f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"
        try:
            with name_failures(checkpoint):
                super()._save_checkpoint(*args, **kwargs)
        except CharBertError:
            shutil.rmtree(checkpoint, ignore_errors=True)  # of a part nothing can go on
            raise

    def _check_finite(self, numbers: Mapping[str, Any], step: int) -> None:
        for name, number in numbers.items():
            if isinstance(number, float) and not math.isfinite(number):
                output = Path(self.args.output_dir)
                kept = "its last checkpoint is kept; " if resuming.find_checkpoints(output) else ""
                raise CharBertError(
                    f"{output}: step {step}: {name} is {number}, so training ends here; {kept}try a lower "
                    "--learning-rate"
                )


class TrainingRun:
    """One training that writes into a folder: what it goes on from, and what it saves.

    Args:
        settings: of the command, with `output`, `resume`, `overwrite`, `batch_size` and fields that say what
            may differ where a run goes on.
        seed: of this run.
        output: its folder, if it is not `settings.output` itself.

    Raises:
        CharBertError: the run to resume is another one; or there is no whole checkpoint of it, though a
            model or damaged ones are there.
    """

    def __init__(self, settings: Any, seed: int, output: Path | None = None) -> None:
        self.output = Path(settings.output) if output is None else output
        self.results: dict[str, Any] | None = None
        """The numbers of an earlier run that was finished and is to be no longer."""
        self.checkpoint: Path | None = None
        """The one that training goes on from; None where it begins at step 0."""
        self._settings = settings
        self._seed = seed
        self._damaged: list[Path] = []
        if settings.resume and not self._is_finished():
            self.checkpoint = self._find_checkpoint()

    @cached_property
    def _record(self) -> dict[str, Any]:
        """What this run depends on: read from its data, so only by the processes that use it."""
        return resuming.describe_run(self._settings, self._seed)

    def _is_finished(self) -> bool:
        """Whether the run of the folder has its results, and is to be no longer."""
        found = read_results(self.output) if (self.output / RESULTS).exists() else None
        before = resuming.read_record(self.output, found)
        if before is None:
            return False
        is_saved = any((self.output / name).is_file() for name in WEIGHTS)
        finished = found is not None and is_saved and not resuming.has_grown(before, self._record)
        differences = resuming.find_differences(before, self._record, self._settings, finished=finished)
        resuming.refuse_differences(self.output, differences)
        if finished and found is not None:
            self.results = select_numbers(found)
            say_finished(self.output)
        return finished

    def _find_checkpoint(self) -> Path | None:
        """The newest checkpoint that is whole; None where the run had none yet."""
        faults = []
        for checkpoint in resuming.find_checkpoints(self.output):
            fault = resuming.find_fault(checkpoint)
            if fault is None:
                return checkpoint
            logger.warning("%s: %s; it is left out", checkpoint, fault)
            self._damaged.append(checkpoint)
            if (checkpoint / STATE).exists():  # which is written last: its writing was not interrupted
                faults.append(f" ({checkpoint.name}: {fault})")
        if faults or any((self.output / name).is_file() for name in FILES_OF_A_RUN if name != RECORD):
            raise CharBertError(
                f"{self.output}: no complete checkpoint to resume from{''.join(faults)}; give --overwrite to "
                "start anew"
            )
        return None

    @property
    def first_step(self) -> int:
        """The step after which training goes on."""
        return 0 if self.checkpoint is None else resuming.checkpoint_step(self.checkpoint)

    @property
    def has_all_steps(self) -> bool:
        """Whether an earlier run trained to its end, and was stopped before it was evaluated."""
        return self.first_step >= getattr(self._settings, "max_steps", math.inf)

    def begin(self, model: PreTrainedModel) -> None:
        """Remove what an earlier run left, if that was asked for, and note what this one depends on.

        To be called once nothing else can be refused any more.

        Args:
            model: whose weights are to come from the checkpoint.

        Raises:
            CharBertError: the checkpoint holds those of another model.
        """
        if self.checkpoint is not None:
            resuming.check_weights(self.checkpoint, model)
        PartialState().wait_for_everyone()  # else another process may read what is changed here
        if not is_main_process():
            return
        if self._settings.overwrite:
            remove_run(self.output)
        for checkpoint in self._damaged:
            shutil.rmtree(checkpoint, ignore_errors=True)
        self.output.mkdir(parents=True, exist_ok=True)
        resuming.write_record(self.output, self._record)

    def train(self, trainer: CheckedTrainer) -> None:
        """Train from the checkpoint on, unless it has all steps."""
        if self.has_all_steps and self.checkpoint is not None:
            logger.info("starting from %s, which has all steps", self.checkpoint)
            trainer.state = TrainerState.load_from_json(str(self.checkpoint / STATE))
        else:
            trainer.add_callback(Beginning(self._settings, str(self.checkpoint or "step 0")))
            with name_failures(self.output / LOGS), _quiet_threads(), _name_trackers():
                trainer.train(resume_from_checkpoint=self.checkpoint and str(self.checkpoint))

    def save_results(
        self, trainer: Trainer, numbers: Mapping[str, Any], losses: Mapping[str, str], score: str
    ) -> None:
        """Write the state of the Trainer, `curves.png`, `results.json` and the model card.

        Args:
            trainer: at its end.
            numbers: of `results.json`.
            losses: the curves' titles, by the names in the log.
            score: the name in the log of the score that is drawn beside them.
        """
        with name_failures(self.output / STATE):
            trainer.save_state()
        if is_main_process():
            with name_failures(self.output / FIGURE):
                draw_curves(trainer.state.log_history, self.output / FIGURE, losses, score)
            write_results(self.output, numbers, asdict(self._settings), self._seed)
            write_run_card(self.output)


@contextmanager
def _name_trackers() -> Iterator[None]:
    """Errors of a package that a training reports to, such as that nobody is logged in, as one line."""
    try:
        yield
    except Exception as error:
        name = type(error).__module__.partition(".")[0]
        if name not in TRACKERS:
            raise
        raise CharBertError(f"--report-to: {name} fails ({first_line(error)}); or give another") from error


@contextmanager
def _quiet_threads() -> Iterator[None]:
    """Say nothing of a full disk in TensorBoard's thread, which hands the error over to the main one."""
    before = threading.excepthook

    def report(failed: Any) -> None:
        if not isinstance(failed.exc_value, OSError):
            before(failed)

    threading.excepthook = report
    try:
        yield
    finally:
        threading.excepthook = before


def end_processes() -> None:
    """End the processes of `torchrun` together: one that ends while gloo holds a tensor would abort.

    The last owner of a process group, DDP's reducer, is freed with the GIL held and joins gloo's threads; one
    that is still freeing the tensor of a collective needs the GIL, and both would wait forever. While this
    process sleeps it leaves the GIL to them.
    """
    state = PartialState()
    state.wait_for_everyone()
    if state.num_processes > 1:
        time.sleep(_SECONDS_TO_FREE_TENSORS)
    state.destroy_process_group()


def remove_run(output: Path, files: Collection[str] = FILES_OF_A_RUN) -> None:
    """Remove the checkpoints and the files of an earlier run, by their patterns, and nothing else."""
    resuming.remove_checkpoints(output)
    for pattern in files:
        for path in output.glob(pattern):
            path.unlink()
