"""Search method of an adversarial attack: beam search over edits of words, greedy with a beam of one.

The greedy attack is that of Pruthi et al. (ACL 2019): every edit of every word is tried, and the one with the
greatest loss is kept and edited further, each word at most once, until the model is wrong or the budget is
spent. A beam keeps several of them, as in Jones et al. (ACL 2020).
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from heapq import nsmallest
from itertools import chain, islice
from random import Random
from typing import Any, NamedTuple

from finetune.adversary.goal_function import GoalResult
from finetune.adversary.transformation import EditableWord, Edits, apply_edits, list_texts

AT_ONCE = 32  # examples that are searched side by side, so that batches are full
PORTION = 64  # candidates of an example that are tried before checking whether one of them succeeded


class AttackResult(NamedTuple):
    """The worst case that was found of an example."""

    example: Any
    edits: tuple[tuple[str, str], ...]
    """The edited words before and after, in their order."""
    goal: GoalResult
    queries: int
    """Calls of the model to find it."""


def search(
    goal_function: Callable[[list[Any]], Sequence[GoalResult]],
    transformation: Callable[[Any], Sequence[EditableWord]],
    examples: Sequence[Any],
    *,
    budget: int,
    beam_size: int = 1,
    seed: int = 0,
) -> Iterator[tuple[int, list[AttackResult]]]:
    """The worst case that is found of each example with at most 0, 1, ... `budget` edits.

    An example that is wrong is not edited further. Where the model stays right, the worst case is the one
    with the greatest loss. With one edit the result is exact for the variants that the transformation gives;
    with more it is so only if the beam is as wide as there are candidates. Else a model may be wrong where
    the search does not find it.

    Args:
        goal_function: the model, called on many examples at once.
        transformation: gives the editable words of an example.
        examples: with labels.
        budget: words of an example that may be edited.
        beam_size: candidates that are edited further.
        seed: of the order in which candidates are tried. The search of an example does not depend on the
            others.

    Returns:
        the index of each example with its results, as soon as they are known: at most `budget + 1`, for more
        edits change nothing once an example is wrong or all its words are edited; see `find_worst`.
    """
    searches = (
        _search(example, transformation(example), budget, beam_size, Random(f"{seed} {list_texts(example)}"))
        for example in examples
    )
    return _run_together(searches, goal_function)


def find_worst(results: Sequence[AttackResult], budget: int) -> AttackResult:
    """The worst case with at most so many edits, among the results of an example."""
    return results[min(budget, len(results) - 1)]


_Search = Generator[list[Any], list[GoalResult], list[AttackResult]]
"""The search of one example: yields examples to score, is sent their results, returns its own."""


def _search(
    example: Any, words: Sequence[EditableWord], budget: int, beam_size: int, random: Random
) -> _Search:
    (clean,) = yield [example]
    found = [AttackResult(example, (), clean, queries=1)]
    beam: list[Edits] = [()]
    while len(found) <= budget and found[-1].goal.is_correct:
        candidates = _expand(beam, words)
        if not candidates:  # every word is edited
            break
        random.shuffle(candidates)
        worst, queries = found[-1], found[-1].queries
        best: list[tuple[Edits, GoalResult]] = []
        for start in range(0, len(candidates), PORTION):
            portion = candidates[start : start + PORTION]
            results = yield [apply_edits(example, words, edits) for edits in portion]
            queries += len(portion)
            best = nsmallest(beam_size, chain(best, zip(portion, results, strict=True)), key=_rank)
            if not best[0][1].is_correct:
                break
        if best and _rank(best[0]) < _rank(((), worst.goal)):
            edits, goal = best[0]
            replaced = tuple((words[index].word, new) for index, new in edits)
            worst = AttackResult(apply_edits(example, words, edits), replaced, goal, queries)
        found.append(worst._replace(queries=queries))
        beam = [edits for edits, _ in best]
    return found


def _rank(candidate: tuple[Edits, GoalResult]) -> tuple[bool, float]:
    """Smallest for the worst case: a wrong prediction, then a great loss."""
    return candidate[1].is_correct, -candidate[1].loss


def _expand(beam: Sequence[Edits], words: Sequence[EditableWord]) -> list[Edits]:
    """The edits of the beam, each with one more word edited; the order of edits makes no difference."""
    return list(
        dict.fromkeys(
            tuple(sorted((*edits, (index, new))))
            for edits in beam
            for index in sorted(set(range(len(words))) - {index for index, _ in edits})
            for new in words[index].variants
        )
    )


def _run_together(
    searches: Iterator[_Search], goal_function: Callable[[list[Any]], Sequence[GoalResult]]
) -> Iterator[tuple[int, list[AttackResult]]]:
    """The index and the results of each search as it ends; candidates of several are scored in one call."""
    waiting = enumerate(searches)
    running: dict[int, tuple[_Search, list[Any]]] = {}
    while True:
        for index, each in islice(waiting, AT_ONCE - len(running)):
            running[index] = each, next(each)
        if not running:
            return
        results = iter(
            goal_function([example for _, candidates in running.values() for example in candidates])
        )
        for index, (each, candidates) in list(running.items()):
            try:
                running[index] = each, each.send(list(islice(results, len(candidates))))
            except StopIteration as end:
                del running[index]
                yield index, end.value
