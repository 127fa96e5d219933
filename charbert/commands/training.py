"""Training with `transformers.Trainer`: output folder, checkpoints, resuming, arguments, the compiler."""

import logging
import shutil
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from torch._inductor import config as inductor
from transformers import PreTrainedModel, Trainer, TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from charbert.commands.results import RESULTS, check_output_folder, is_main_process, write_results
from charbert.commands.tables import format_table
from charbert.errors import CharBertError

logger = logging.getLogger(__name__)
STATE = "trainer_state.json"
FILES_OF_A_RUN = (RESULTS, STATE, "model.safetensors", "training_args.bin", "runs/*/events.out.tfevents.*")
_SECONDS_TO_FREE_TENSORS = 0.2
# Of DDP's exchanges: compiled in one piece, a backward pass hands over all its gradients at once.
_BUCKET_MIB = 100
# At 64 or more, kernels of a norm's backward pass at 768 units are 6 times slower (pytorch issue 185814).
_ROWS_OF_A_BLOCK = 32


def training_arguments(module: str, *, torch_compile: bool, **given: Any) -> TrainingArguments:
    """Arguments of a Trainer with what holds for every training here.

    Args:
        module: what `python -m` starts, for messages.
        torch_compile: compile the model, with the compiler prepared.
        given: the others.

    Raises:
        CharBertError: the Trainer refuses them, or one process sees several GPUs.
    """
    if torch_compile:
        prepare_compiler()
    try:
        arguments = TrainingArguments(
            remove_unused_columns=False,
            report_to="tensorboard",
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


def copied(batch: Mapping[str, torch.Tensor], device: torch.device) -> dict[str, torch.Tensor]:
    """A batch on a device; the host goes on meanwhile, unlike with the Trainer's own copies."""
    return {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}


def prepare_compiler() -> None:
    """Two settings of this process under which compiled training is faster (`docs/performance.md`).

    One graph under DDP: cut into one per exchange, as torch does by itself, the pieces lose more than the
    exchanges gain from running meanwhile. And as many rows for a block of a norm's backward pass as are fast
    for every batch size, where torch chooses by the batch size.
    """
    torch._dynamo.config.optimize_ddp = False
    inductor.triton.mix_order_reduction_split_size = _ROWS_OF_A_BLOCK


def checkpoint_gradients(model: PreTrainedModel) -> None:
    """Let the layers keep their inputs alone and compute the rest again in the backward pass."""
    # transformers renamed this after 5.17, with a warning at the old name.
    name = "activation_checkpointing_enable"
    enable = getattr(model, name, None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})


class TrainingRun:
    """One training that writes into a folder: what it resumes from, and what it saves.

    Args:
        output: the folder.
        resume: go on from its last checkpoint, if it has one.
        overwrite: `clear` removes what an earlier run left.
        files: patterns of the files that this kind of run writes beside `FILES_OF_A_RUN`.

    Raises:
        CharBertError: the folder holds something, and neither was asked for; or there is no complete
            checkpoint to resume from, though a model or results are there.
    """

    def __init__(
        self, output: str | Path, *, resume: bool, overwrite: bool, files: Collection[str] = ()
    ) -> None:
        self.output = Path(output)
        self._overwrite = overwrite
        self._files = (*FILES_OF_A_RUN, *files)
        self._state: TrainerState | None = None
        self.checkpoint: Path | None = None
        """The one that training goes on from; None where it begins at step 0."""
        if is_main_process():
            check_output_folder(self.output, overwrite, resume)
        if not resume:
            return
        self.checkpoint = complete_checkpoint(self.output)
        if self.checkpoint is not None:
            self._state = TrainerState.load_from_json(str(self.checkpoint / STATE))
        elif any((self.output / name).is_file() for name in self._files):
            raise CharBertError(
                f"{output}: no complete checkpoint to resume from; give --overwrite to start anew"
            )

    @property
    def first_step(self) -> int:
        """The step after which training goes on."""
        return 0 if self._state is None else self._state.global_step

    def has_all_steps(self, max_steps: int) -> bool:
        """Whether an earlier run trained to its end, and was stopped before it was evaluated.

        Raises:
            CharBertError: it was evaluated too, so there is nothing left to do.
        """
        finished = self._state is not None and self.first_step >= max_steps
        if finished and (self.output / RESULTS).exists():
            raise CharBertError(f"{self.output}: has all of max_steps={max_steps}; give more to go on")
        return finished

    def clear(self) -> None:
        """Remove what an earlier run left, if that was asked for: once nothing can be refused any more."""
        if self._overwrite and is_main_process():
            remove_run(self.output, self._files)

    def train(self, trainer: Trainer, has_all_steps: bool = False) -> None:
        """Train from the checkpoint on, unless it has all steps."""
        logger.info("starting from %s", self.checkpoint or "step 0")
        if has_all_steps:
            trainer.state = self._state
        else:
            trainer.train(resume_from_checkpoint=self.checkpoint and str(self.checkpoint))

    def save_results(
        self, trainer: Trainer, numbers: Mapping[str, Any], settings: Mapping[str, Any], seed: int
    ) -> None:
        """Write the state of the Trainer and `results.json`."""
        trainer.save_state()
        if is_main_process():
            write_results(self.output, numbers, settings, seed)


def print_results(numbers: Mapping[str, Any], output: str | Path) -> None:
    """Print the numbers of a run, and where it is."""
    if is_main_process():
        print(f"{format_table(('', ''), list(numbers.items()))}\nresults and model in {output}")


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
    remove_checkpoints(output)
    for pattern in files:
        for path in output.glob(pattern):
            path.unlink()


def remove_checkpoints(output: Path) -> None:
    """Remove all checkpoints of a Trainer's folder."""
    for folder in output.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def complete_checkpoint(output: Path) -> Path | None:
    """The newest checkpoint of a Trainer's folder that was written whole; None where there is none."""
    # The Trainer writes its state last: a checkpoint without it was interrupted.
    complete = [path.parent for path in output.glob(f"{PREFIX_CHECKPOINT_DIR}-*/{STATE}")]
    return max(complete, key=lambda path: int(path.name.rpartition("-")[2]), default=None)
