"""Noise schedule: how much noise in training, and of which kinds, at each step (a noise curriculum).

`pretrain/masking.py` puts it into the batches.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from charbert.errors import CharBertError
from charbert.noise import EDITS, PRETRAINING_EDITS


class Noise(NamedTuple):
    """How much noise, and of which kinds."""

    probability: float = 0.15
    """Share of the words with a letter that get one edit."""
    edits: tuple[str, ...] = PRETRAINING_EDITS


class NoisePoint(NamedTuple):
    """From this step on, noise of these kinds; the probability moves linearly to that of the next point."""

    step: int
    noise: Noise

    @classmethod
    def parse(cls, text: str, otherwise: Noise) -> Self:
        """Read `STEP:PROBABILITY` or `STEP:PROBABILITY:EDIT+EDIT`, such as `10000:0.15:drop+swap`.

        Args:
            text: the point.
            otherwise: where the edits come from if it names none.

        Raises:
            CharBertError: the text is none of them.
        """
        step, _, rest = text.partition(":")
        probability, _, kinds = rest.partition(":")
        edits = tuple(kinds.split("+")) if kinds else otherwise.edits
        try:
            point = cls(int(step), Noise(float(probability), edits))
        except ValueError:
            raise CharBertError(f"{text!r}: must look like 10000:0.15 or 10000:0.15:drop+swap") from None
        if point.step < 0 or not 0 <= point.noise.probability <= 1 or set(edits) - set(EDITS):
            raise CharBertError(
                f"{text!r}: the step must not be negative, the probability lie between 0 and 1, and the "
                f"edits be some of {', '.join(EDITS)}"
            )
        return point


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

    def noise_at(self, step: int) -> Noise:
        """The noise of a step."""
        probabilities = [point.noise.probability for point in self._points]
        passed = max(int(np.searchsorted(self._steps, step, side="right")) - 1, 0)
        return Noise(float(np.interp(step, self._steps, probabilities)), self._points[passed].noise.edits)
