"""The loss of distillation: the teacher's scores as soft targets, and the directions of its hidden states."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F

from charbert.distillation.student import find_layers
from charbert.losses import IGNORED

Tensors = Mapping[str, torch.Tensor]
States = tuple[torch.Tensor, ...]
HEADS = {"mlm_": "labels", "nlm_": "nlm_labels"}
"""What the names of a head of pre-training and of its inputs begin with -> the labels of what it scores."""
_NOWHERE = -1e9  # a score for padding, far below any other at any temperature


class DistillationLosses(NamedTuple):
    """Of one batch."""

    soft: dict[str, torch.Tensor]
    """By name in the log; their sum counts."""
    cosine: torch.Tensor


class _WithTeacher:
    """What has a frozen model beside the one in training."""

    teacher: Any

    def prepare(self, device: torch.device, *, compile: bool = False) -> None:
        """Put the teacher where the student is trained, and compile it if that is compiled."""
        self.teacher.to(device)
        if compile:
            self.teacher.compile()


class Distillation(_WithTeacher):
    """A teacher beside a student in training, and DistilBERT's loss (arXiv:1910.01108, Sections 2 and 3).

    The loss is a weighted sum of three: the divergence of the student's scores from the teacher's, the loss
    on the labels, and one minus the cosine of both models' last states, of a CharBERT in both channels.

    Args:
        student: in training; what it computes with gradients is recorded from now on.
        teacher: a model of the same class and task; set to evaluation, without gradients.
        temperature: divides the scores of both before the softmax.
        soft_weight, hard_weight, cosine_weight: of the three losses.
    """

    def __init__(
        self,
        student: Any,
        teacher: Any,
        *,
        temperature: float = 2.0,
        soft_weight: float = 5.0,
        hard_weight: float = 2.0,
        cosine_weight: float = 1.0,
    ) -> None:
        self.teacher = teacher.eval().requires_grad_(False)
        self._temperature = temperature
        self._weights = soft_weight, hard_weight, cosine_weight
        self._ours, self._theirs = _record(student, with_gradients=True), _record(teacher)

    @property
    def numbers(self) -> dict[str, int]:
        """Of `results.json`: how large the teacher is."""
        layers = len(find_layers(self.teacher))
        return {"teacher_layers": layers, "teacher_parameters": self.teacher.num_parameters()}

    def losses(self, outputs: Any, inputs: Tensors) -> DistillationLosses:
        """The two losses against the teacher on the batch that the student has just read.

        Padding counts for nothing, nor do positions without a label. Numbers are compared by their squared
        difference, each of several labels at once as a choice of two.

        Args:
            outputs: of the student.
            inputs: of both.
        """
        with torch.no_grad():
            taught = self.teacher(**inputs)
        ours, theirs = _take(self._ours), _take(self._theirs)
        mask = inputs.get("attention_mask")
        cosine = cosine_loss(ours.pop("states"), theirs.pop("states"), mask)
        if not ours:  # a task model, whose scores are among its outputs
            ours, theirs = ({"": _scores(each, mask)} for each in (outputs, taught))
        soft = {
            f"{name}soft_loss": self._soft_loss(scores, theirs[name], _counted(scores, name, inputs))
            for name, scores in ours.items()
        }
        return DistillationLosses(soft, cosine)

    def combine(self, soft: torch.Tensor, hard: torch.Tensor, cosine: torch.Tensor) -> torch.Tensor:
        """The weighted sum of the three losses."""
        terms = zip(self._weights, (soft, hard, cosine), strict=True)
        return torch.stack([weight * term for weight, term in terms]).sum()

    def _soft_loss(
        self, ours: torch.Tensor, theirs: torch.Tensor, counted: torch.Tensor | None
    ) -> torch.Tensor:
        """The mean over all rows of scores (..., C), or over those that are counted (...)."""
        problem = self.teacher.config.problem_type
        if problem == "regression":
            losses = (ours.float() - theirs.float()).square().mean(dim=-1)
        elif problem == "multi_label_classification":
            # Yes against no, whose score is 0: the softmax of the two is the sigmoid of the first.
            ours, theirs = (torch.stack([each, torch.zeros_like(each)], dim=-1) for each in (ours, theirs))
            losses = divergence(ours, theirs, self._temperature).mean(dim=-1)
        else:
            losses = divergence(ours, theirs, self._temperature)
        return _mean(losses, counted)


class Alignment(_WithTeacher):
    """A frozen encoder beside a model in training, whose states of words are pulled towards its own.

    It reads the clean text, the model that with noise and masks, so that a word has the same states, however
    it is written.

    Args:
        teacher: an encoder of the same width and layers; set to evaluation, without gradients. A plain one
            teaches both channels, a CharBERT each channel by its own.
        channels: names of the outputs with the states that are pulled, `hidden_states` for those of tokens.
        layers: whose states, counted from 1, or from the end if negative.
    """

    def __init__(self, teacher: Any, channels: Sequence[str], layers: Sequence[int]) -> None:
        self.teacher = teacher.eval().requires_grad_(False)
        self.layers, self._channels = layers, channels

    def loss(
        self, outputs: Any, clean_input_ids: torch.Tensor, clean_positions: torch.Tensor
    ) -> torch.Tensor:
        """One minus the cosine of both models' states, less the mean of the teacher's.

        Without that, all states have so much in common that those of any two words are alike.

        Args:
            outputs: of the model in training, with the states of its layers.
            clean_input_ids: (B, L) the text without noise and masks.
            clean_positions: (B, L) where in it each token stands; -1 where there is none.
        """
        is_found, places = clean_positions >= 0, clean_positions.clamp(min=0).unsqueeze(-1)
        with torch.no_grad():
            mask = (clean_input_ids != self.teacher.config.pad_token_id).long()
            taught = self.teacher(clean_input_ids, attention_mask=mask, output_hidden_states=True)
        losses = []
        for channel in self._channels:
            states = taught.get(channel, taught.hidden_states)
            for layer in self.layers:
                ours, theirs = outputs[channel][layer].float(), states[layer].float()
                theirs = theirs.gather(1, places.expand_as(theirs))
                mean = (theirs * is_found.unsqueeze(-1)).sum(dim=(0, 1)) / is_found.sum().clamp(min=1)
                losses.append(cosine_loss((ours - mean,), (theirs - mean,), is_found))
        return torch.stack(losses).mean()


def divergence(ours: torch.Tensor, theirs: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
    """Kullback-Leibler divergence of the student's distributions from the teacher's, times T squared.

    The factor keeps gradients as large as those on labels, whatever T is (Hinton et al. 2015, Section 2).

    Shape: scores (..., C), (..., C) -> (...).
    """
    student, teacher = (F.log_softmax(scores.float() / temperature, dim=-1) for scores in (ours, theirs))
    return F.kl_div(student, teacher, log_target=True, reduction="none").sum(dim=-1) * temperature**2


def cosine_loss(ours: States, theirs: States, mask: torch.Tensor | None = None) -> torch.Tensor:
    """One minus the cosine of two models' states: the mean over channels and unpadded positions.

    Shape: of each channel (B, L, H), `mask` (B, L) -> a number.
    """
    pairs = zip(ours, theirs, strict=True)
    cosines = [F.cosine_similarity(one.float(), other.float(), dim=-1) for one, other in pairs]
    losses = 1 - torch.stack(cosines).mean(dim=0)
    return _mean(losses, mask)


def _mean(losses: torch.Tensor, counted: torch.Tensor | None) -> torch.Tensor:
    """The mean of those that are counted, if not of all; 0 where there is none."""
    if counted is None:
        counted = torch.ones_like(losses)
    return (losses * counted).sum() / counted.sum().clamp(min=1)


def _scores(outputs: Any, mask: torch.Tensor | None) -> torch.Tensor:
    """The scores of a task model, (..., C); of answers' starts, then of their ends, (2 * B, L)."""
    if "start_logits" not in outputs:
        return outputs.logits
    scores = [outputs.start_logits.float(), outputs.end_logits.float()]
    return torch.cat([each if mask is None else each.masked_fill(mask == 0, _NOWHERE) for each in scores])


def _counted(scores: torch.Tensor, name: str, inputs: Tensors) -> torch.Tensor | None:
    """Which rows of scores (..., C) count; None: all, as of one row for each text."""
    if (positions := inputs.get(f"{name}positions")) is not None:
        return positions >= 0
    if scores.ndim == 2:
        return None
    labels = inputs.get(HEADS.get(name, "labels"))
    return inputs.get("attention_mask") if labels is None else labels != IGNORED


def _record(model: Any, with_gradients: bool = False) -> dict[str, Any]:
    """The last states of a model's channels and the scores of its heads of pre-training, whenever it runs.

    None of its outputs has all of these: task models leave the characters' states out, those of pre-training
    their scores at labelled positions.

    Args:
        model: that is recorded.
        with_gradients: record only what gradients are computed for, and so no evaluation.
    """
    kept: dict[str, Any] = {}

    def keep(name: str, value: Any) -> None:
        if torch.is_grad_enabled() or not with_gradients:
            kept[name] = value

    def keep_states(_module: Any, _inputs: Any, encoded: Any) -> None:
        channels = ("last_hidden_state", "char_last_hidden_state")
        keep("states", tuple(encoded[name] for name in channels if name in encoded))

    model.base_model.register_forward_hook(keep_states)
    for name in HEADS:
        if (head := getattr(model, f"{name}head", None)) is not None:
            head.register_forward_hook(lambda _module, _inputs, scores, name=name: keep(name, scores))
    return kept


def _take(kept: dict[str, Any]) -> dict[str, Any]:
    """What was recorded, which is let go, and with it the memory that its gradients hold."""
    taken = dict(kept)
    kept.clear()
    return taken
