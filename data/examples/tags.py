"""IOB tags of entities: normalized to IOB2, and carried along when words are split or joined."""

import re
from collections.abc import Sequence
from functools import cache

_TAG = re.compile(r"(?P<position>[BIESLUM])-(?P<type>.+)")  # a tag with the position of its word in an entity
_HALVES = {"B": "BI", "E": "IE", "L": "IL", "S": "BE", "U": "BL"}
"""The positions of both halves of a word, by that of the word; a half has that of its word elsewhere."""


def to_iob2(tags: Sequence[str]) -> tuple[str, ...]:
    """Tags in which every entity starts with `B-`, from IOB1, IOB2 or a mix of both.

    An `I-X` at the start, or after anything but `B-X` or `I-X`, becomes `B-X`; all else stays. If any tag is
    none of `O`, `B-...` and `I-...`, all stay.
    """
    if not all(tag == "O" or tag[:2] in ("B-", "I-") for tag in tags):
        return tuple(tags)
    return tuple(
        f"B-{tag[2:]}" if tag[:2] == "I-" and before[2:] != tag[2:] else tag
        for before, tag in zip(("O", *tags), tags, strict=False)
    )


def is_entity_tag(tag: str) -> bool:
    """Whether a tag is one of entities, in any scheme: O, or a position and a type as in B-PER."""
    return tag == "O" or _TAG.fullmatch(tag) is not None


@cache
def can_join(first: str, second: str) -> bool:
    """Whether two words with these tags can become one: both within an entity, or both with the same tag."""
    parts = [_TAG.fullmatch(tag) for tag in (first, second)]
    if parts[0] and parts[1]:
        continues = parts[1]["position"] == "I" and parts[0]["position"] in "BI"
        return continues and parts[0]["type"] == parts[1]["type"]
    return first == second


def carry_tags(tags: Sequence[str], sources: Sequence[int]) -> list[str]:
    """The tags of words after some were split or joined.

    Args:
        tags: of the words before.
        sources: for each word after, the number of the one it comes from; two of one word are its halves.
    """
    around = zip((-1, *sources), sources, (*sources[1:], -1), strict=False)
    return [
        _tag_of_half(tags[source], int(source == before)) if source in (before, after) else tags[source]
        for before, source, after in around
    ]


def merge_tags(tags: Sequence[str]) -> list[str]:
    """The tags that stay the same where words are split or joined: one of each entity and each other run."""
    found: list[str] = []
    for tag in tags:
        if not tag.startswith("I-") and (tag.startswith("B-") or found[-1:] != [tag]):
            found.append(tag)
    return found


@cache
def _tag_of_half(tag: str, half: int) -> str:
    parts = _TAG.fullmatch(tag)
    if not parts or parts["position"] not in _HALVES:
        return tag
    return f"{_HALVES[parts['position']][half]}-{parts['type']}"
