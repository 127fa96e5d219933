"""The edits of characters that hurt a model most: greedy and beam search.

The attack is that of Pruthi et al. (ACL 2019): every edit of every word is tried, and the one with the
greatest loss is kept and edited further, each word at most once, until the model is wrong or the budget is
spent. A beam keeps several of them, as in Jones et al. (ACL 2020).
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from heapq import nsmallest
from itertools import chain, islice
from random import Random
from typing import Any, NamedTuple

from charbert.commands.progress import progress_bar
from finetune.adversary.transformations import Spot, State, edited, texts_of

AT_ONCE = 32  # examples that are searched side by side, so that batches are full
PORTION = 64  # candidates of an example that are tried before it is asked whether one of them was enough


class Verdict(NamedTuple):
    """What a model makes of an example; a greater loss is nearer to being wrong."""

    prediction: Any
    right: bool
    loss: float


class WorstCase(NamedTuple):
    """The worst that is known of an example."""

    example: Any
    edits: tuple[tuple[str, str], ...]
    """The words before and after, in their order."""
    verdict: Verdict
    queries: int
    """How often the model was asked to find it."""

    @property
    def flipped(self) -> bool:
        """Whether the edits made the model wrong."""
        return bool(self.edits) and not self.verdict.right


def search(
    judge: Callable[[list[Any]], Sequence[Verdict]],
    examples: Sequence[Any],
    spots_of: Callable[[Any], Sequence[Spot]],
    *,
    budget: int,
    beam_size: int = 1,
    seed: int = 0,
    done: Callable[[int, list[WorstCase]], Any] = lambda number, cases: None,
) -> list[list[WorstCase]]:
    """The worst that is found of each example with at most 0, 1, ... `budget` edits, each of another word.

    An example that is wrong is not edited further. Where the model stays right, the worst is what has the
    greatest loss. With one edit the search is exhaustive; with more it is so only if the beam is as wide as
    there are candidates, and elsewhere a model may be wrong where it was not found out.

    Args:
        judge: the model, asked about many examples at once.
        examples: N, with labels.
        spots_of: the words of an example that may be edited.
        budget: how many of them may be.
        beam_size: how many candidates are edited further; 1 is the greedy search.
        seed: of the order in which candidates are tried. An example is searched in the same way whatever
            others stand beside it.
        done: told the number of each example and what was found of it, as soon as it is.

    Returns:
        N lists of `budget + 1`.
    """
    searches = (
        _search(example, spots_of(example), budget, beam_size, Random(f"{seed} {texts_of(example)}"))
        for example in examples
    )
    found: list[list[WorstCase]] = [[] for _ in examples]
    with progress_bar(total=len(examples), desc="attacking", unit=" examples") as bar:
        for number, cases in _side_by_side(searches, judge):
            found[number] = cases
            done(number, cases)
            bar.update()
    return found


_Asking = Generator[list[Any], list[Verdict], list[WorstCase]]
"""A search on one example, which yields examples to judge and is sent the verdicts."""


def _search(example: Any, spots: Sequence[Spot], budget: int, beam_size: int, random: Random) -> _Asking:
    (clean,) = yield [example]
    found = [WorstCase(example, (), clean, queries=1)]
    beam: list[State] = [()]
    while len(found) <= budget and found[-1].verdict.right:
        candidates = _edited_once_more(beam, spots)
        random.shuffle(candidates)
        queries = found[-1].queries
        best: list[tuple[State, Verdict]] = []
        for start in range(0, len(candidates), PORTION):
            portion = candidates[start : start + PORTION]
            verdicts = yield [edited(example, spots, state) for state in portion]
            queries += len(portion)
            best = nsmallest(beam_size, chain(best, zip(portion, verdicts, strict=True)), key=_rank)
            if not best[0][1].right:
                break
        worst = found[-1]
        if best and _rank(best[0]) < _rank(((), worst.verdict)):
            state, verdict = best[0]
            edits = tuple((spots[number].word, word) for number, word in state)
            worst = WorstCase(edited(example, spots, state), edits, verdict, queries)
        found.append(worst._replace(queries=queries))
        beam = [state for state, _ in best]
    return found + found[-1:] * (budget + 1 - len(found))


def _rank(candidate: tuple[State, Verdict]) -> tuple[bool, float]:
    """Least for the worst: one that is wrong, then one with a great loss."""
    return candidate[1].right, -candidate[1].loss


def _edited_once_more(beam: Sequence[State], spots: Sequence[Spot]) -> list[State]:
    """Each state of the beam with an edit of one more word; the same edits in another order are one state."""
    return list(
        dict.fromkeys(
            tuple(sorted((*state, (number, word))))
            for state in beam
            for number in sorted(set(range(len(spots))) - {number for number, _ in state})
            for word in spots[number].variants
        )
    )


def _side_by_side(
    searches: Iterator[_Asking], judge: Callable[[list[Any]], Sequence[Verdict]]
) -> Iterator[tuple[int, list[WorstCase]]]:
    """The number and the result of each search as it ends; what they ask together is judged together."""
    waiting = enumerate(searches)
    running: dict[int, tuple[_Asking, list[Any]]] = {}
    while True:
        for number, each in islice(waiting, AT_ONCE - len(running)):
            running[number] = each, next(each)
        if not running:
            return
        verdicts = iter(judge([example for _, asked in running.values() for example in asked]))
        for number, (each, asked) in list(running.items()):
            try:
                running[number] = each, each.send(list(islice(verdicts, len(asked))))
            except StopIteration as end:
                del running[number]
                yield number, end.value
