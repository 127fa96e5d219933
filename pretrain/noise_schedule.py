"""Noise schedule: how much noise in training, and of which kinds, at each step (a noise curriculum).

`pretrain/masking.py` puts it into the batches.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from charbert.errors import CharBertError
from charbert.noise import KINDS, PRETRAINING_EDITS

_RANGE = re.compile("(?<=[^eE])-")  # not the sign of a number or of its exponent, as in 5e-2


class Noise(NamedTuple):
    """How much noise, and of which kinds."""

    probability: float = 0.15
    """Share of the words with a letter that get one edit."""
    edits: tuple[str, ...] = PRETRAINING_EDITS
    """Edits, and other kinds of noise by their names; one that stands twice is drawn twice as often."""
    labelled: float = 0.0
    """Share of the words without noise and mask that the noisy LM is to name too."""


class NoisePoint(NamedTuple):
    """From this step on, noise of these kinds; the probability moves linearly to that of the next point."""

    step: int
    noise: Noise
    highest: float | None = None
    """The probability of each batch is drawn evenly from the noise's to this; None: it is the noise's."""

    @classmethod
    def parse(cls, text: str, otherwise: Noise) -> Self:
        """Read `STEP:PROBABILITY` or `STEP:PROBABILITY:EDIT+EDIT`, such as `10000:0.15:drop+swap`.

        Args:
            text: the point; its probability may be a range, such as `0-0.6`.
            otherwise: where the edits come from if it names none, and all else.

        Raises:
            CharBertError: the text is none of them.
        """
        step, _, rest = text.partition(":")
        probability, _, kinds = rest.partition(":")
        edits = tuple(kinds.split("+")) if kinds else otherwise.edits
        lowest, *highest = _RANGE.split(probability, maxsplit=1)
        try:
            noise = otherwise._replace(probability=float(lowest), edits=edits)
            point = cls(int(step), noise, float(highest[0]) if highest else None)
        except ValueError:
            raise CharBertError(
                f"{text!r}: must look like 10000:0.15, 10000:0.15:drop+swap or 10000:0-0.6"
            ) from None
        if not (point.step >= 0 and 0 <= noise.probability <= point._highest <= 1) or set(edits) - set(KINDS):
            raise CharBertError(
                f"{text!r}: the step must not be negative, the probability lie between 0 and 1, a range "
                f"rise, and the edits be some of {', '.join(KINDS)}"
            )
        return point

    @property
    def _highest(self) -> float:
        return self.noise.probability if self.highest is None else self.highest


class NoiseSchedule:
    """The noise of each step of training.

    Args:
        points: at least one, in the order of their steps. Before the first, its noise holds; after the last,
            that one's.
    """

    def __init__(self, points: Sequence[NoisePoint]) -> None:
        self._points = list(points)
        self._steps = [point.step for point in points]
        if not self._steps or self._steps != sorted(set(self._steps)):
            raise CharBertError("a noise curriculum needs points with rising steps")

    @classmethod
    def constant(cls, noise: Noise) -> Self:
        """The same noise at every step."""
        return cls([NoisePoint(0, noise)])

    @property
    def edits(self) -> set[str]:
        """All kinds of noise that it has at some step."""
        return {edit for point in self._points for edit in point.noise.edits}

    def noise_at(self, step: int, draw: float = 0.0) -> Noise:
        """The noise of a batch of a step.

        Args:
            step: of training.
            draw: a number from 0 to below 1 that places the probability in its range, where it has one.
        """
        lowest, highest = (
            float(np.interp(step, self._steps, probabilities))
            for probabilities in (
                [point.noise.probability for point in self._points],
                [point._highest for point in self._points],
            )
        )
        passed = max(int(np.searchsorted(self._steps, step, side="right")) - 1, 0)
        return self._points[passed].noise._replace(probability=lowest + draw * (highest - lowest))
