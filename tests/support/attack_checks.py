"""Whether attacked examples still mean what they meant: told by their words, not by how they were made."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from data.examples.types import Answer, QuestionExample, TaggedExample, TextExample

ATTACKED = ("text", "pair", "words", "tags", "question", "context", "answers")
"""Fields of examples."""
_WORD = re.compile(r"\S+")
_PLACES = {"B-": ("B-", "I-"), "E-": ("I-", "E-"), "L-": ("I-", "L-"), "S-": ("B-", "E-"), "U-": ("B-", "L-")}
"""In an entity: of a word -> of its first letter and of its last one."""
Pairs = Sequence[tuple[Any, Any]]


class Checked(NamedTuple):
    """What was looked at, and what was wrong."""

    tags: int
    answers: int
    faults: list[str]


def checked(old: Sequence[Any], new: Sequence[Any], changed: int, spaced: bool) -> Checked:
    """Compare examples with what became of them.

    Args:
        old: N examples of one type.
        new: N examples.
        changed: how many words the attack says that it changed.
        spaced: whether it moved spaces and no letters, or letters and no spaces.
    """
    pairs = list(zip(old, new, strict=True))
    texts = _texts(pairs)
    faults = [
        f"{before.location}: has another id or label" for before, after in pairs if not _keeps(before, after)
    ]
    faults += [f"{before!r} became {after!r}" for before, after in texts if not _fits(before, after, spaced)]
    faults += [*_faults_of_tags(pairs, spaced), *_faults_of_answers(pairs, spaced)]
    if not spaced:
        different = sum(
            before != after for pair in texts for before, after in zip(*map(str.split, pair), strict=False)
        )
        if different != changed:
            faults.append(f"{different} words differ, and {changed} are said to be changed")
    return Checked(
        tags=sum(len(example.tags or ()) for example in new if isinstance(example, TaggedExample)),
        answers=sum(len(example.answers) for example in new if isinstance(example, QuestionExample)),
        faults=faults,
    )


def _texts(pairs: Pairs) -> list[tuple[str, str]]:
    """All that may have been attacked, before and after; a context once."""
    found: list[tuple[str, str]] = []
    contexts: dict[tuple[str, str], None] = {}
    for old, new in pairs:
        if isinstance(old, TextExample):
            found.append((old.text, new.text))
            found += [] if old.pair is None else [(old.pair, new.pair)]
        elif isinstance(old, TaggedExample):
            found.append((" ".join(old.words), " ".join(new.words)))
        else:
            found.append((old.question, new.question))
            contexts[old.context, new.context] = None
    return [*found, *contexts]


def _keeps(old: Any, new: Any) -> bool:
    """Whether all that no attack may change is the same."""
    return old._replace(**{name: getattr(new, name) for name in ATTACKED if name in old._fields}) == new


def _fits(old: str, new: str, spaced: bool) -> bool:
    """Whether only spaces differ, or only what stands between them."""
    if spaced:
        return _letters(old) == _letters(new)
    return _WORD.split(old) == _WORD.split(new)


def _letters(text: str) -> str:
    return "".join(text.split())


def _faults_of_tags(pairs: Pairs, spaced: bool) -> Iterator[str]:
    for old, new in pairs:
        if not isinstance(old, TaggedExample) or old.tags is None:
            continue
        right = len(new.tags) == len(new.words)
        right &= _tags_of_letters(old) == _tags_of_letters(new) if spaced else old.tags == new.tags
        if not right:
            yield f"{old.location}: {' '.join(new.words)!r} has the tags {' '.join(new.tags)}"


def _tags_of_letters(example: TaggedExample) -> list[str]:
    """As if each letter were a word: an entity begins with the first one only, and ends with the last."""
    found = []
    for word, tag in zip(example.words, example.tags or (), strict=False):
        if len(word) > 1 and tag[:2] in _PLACES:
            first, last = _PLACES[tag[:2]]
            places = [first, *["I-"] * (len(word) - 2), last]
            found += [place + tag[2:] for place in places]
        else:
            found += [tag] * len(word)
    return found


def _faults_of_answers(pairs: Pairs, spaced: bool) -> Iterator[str]:
    for old, new in pairs:
        if not isinstance(old, QuestionExample):
            continue
        for before, after in zip(old.answers, new.answers, strict=True):
            ends = zip(_ends(before), _ends(after), strict=True)
            right = new.context.startswith(*after) and all(
                _is_as_far(old.context[:end], new.context[:new_end], spaced) for end, new_end in ends
            )
            if not right:
                yield f"{old.location}: the answer {before} became {after}"


def _ends(answer: Answer) -> tuple[int, int]:
    return answer.start, answer.start + len(answer.text)


def _is_as_far(old: str, new: str, spaced: bool) -> bool:
    """Whether a position with this text before it stands as many letters, or words, from the beginning."""
    return _letters(old) == _letters(new) if spaced else len(old.split()) == len(new.split())
