"""Tags of entities: their schemes (IOB, IOE, IOBES, BMES, BILOU), IOB2, and tags of words split or joined."""

import re
from collections.abc import Iterable, Sequence
from functools import cache

OUTSIDE = "O"
SCHEMES = {"IOB": "BI", "IOE": "IE", "IOBES": "BIES", "BMES": "BMES", "BILOU": "BILU"}
"""Of each scheme the positions of words in entities; IOB1 and IOB2, and IOE1 and IOE2, have the same."""
_TAG = re.compile(r"(?P<position>[BIESLUM])-(?P<type>.+)")  # a tag with the position of its word in an entity
_BEGINS, _GOES_ON = "BSU", "BIM"  # positions that begin an entity, and those after which one may go on
_HALVES = {"B": "BI", "E": "IE", "L": "IL", "S": "BE", "U": "BL"}
"""The positions of both halves of a word, by that of the word; a half has that of its word elsewhere."""


def find_scheme(tags: Iterable[str]) -> str | None:
    """The scheme in which tags mark entities: the first of `SCHEMES` that has all of their positions.

    Returns:
        None if there is none, or no tag but O.
    """
    matches = [_TAG.fullmatch(tag) for tag in set(tags) - {OUTSIDE}]
    positions = {match["position"] if match else "" for match in matches}
    return next((name for name, known in SCHEMES.items() if positions and positions <= {*known}), None)


def to_iob2(tags: Sequence[str]) -> tuple[str, ...]:
    """The tags of the same entities in IOB2, where each starts with `B-`; as they are if one marks no entity.

    As in conlleval and seqeval, an entity also starts at a tag that continues nothing: after O, the end of
    another entity, or another type.
    """
    if not all(map(is_entity_tag, tags)):
        return tuple(tags)
    found = []
    for before, tag in zip((OUTSIDE, *tags), tags, strict=False):
        goes_on = tag[0] not in _BEGINS and before[0] in _GOES_ON and before[2:] == tag[2:]
        found.append(tag if tag == OUTSIDE else f"{'I' if goes_on else 'B'}-{tag[2:]}")
    return tuple(found)


def is_entity_tag(tag: str, positions: str = "BIESLUM") -> bool:
    """Whether a tag is one of entities: O, or one of these positions and a type, as in B-PER."""
    match = _TAG.fullmatch(tag)
    return tag == OUTSIDE or (match is not None and match["position"] in positions)


@cache
def can_join(first: str, second: str) -> bool:
    """Whether two words with these tags can become one: both within an entity, or both with the same tag."""
    parts = [_TAG.fullmatch(tag) for tag in (first, second)]
    if parts[0] and parts[1]:
        continues = parts[1]["position"] in "IM" and parts[0]["position"] in _GOES_ON
        return continues and parts[0]["type"] == parts[1]["type"]
    return first == second


def carry_tags(tags: Sequence[str], sources: Sequence[int], inside: str = "I") -> list[str]:
    """The tags of words after some were split or joined.

    Args:
        tags: of the words before.
        sources: for each word after, the number of the one it comes from; two of one word are its halves.
        inside: the position within an entity in their scheme.
    """
    around = zip((-1, *sources), sources, (*sources[1:], -1), strict=False)
    return [
        _tag_of_half(tags[source], int(source == before), inside)
        if source in (before, after)
        else tags[source]
        for before, source, after in around
    ]


def merge_tags(tags: Sequence[str]) -> list[str]:
    """The tags that stay the same where words are split or joined: one of each entity and each other run."""
    found: list[str] = []
    for tag in to_iob2(tags):
        if not tag.startswith("I-") and (tag.startswith("B-") or found[-1:] != [tag]):
            found.append(tag)
    return found


@cache
def _tag_of_half(tag: str, half: int, inside: str) -> str:
    parts = _TAG.fullmatch(tag)
    if not parts or parts["position"] not in _HALVES:
        return tag
    return f"{_HALVES[parts['position']][half].replace('I', inside)}-{parts['type']}"
