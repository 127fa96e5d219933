"""A vocabulary kept as a text file: an entry a line, its id the line's number."""

from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Self

from charbert.errors import CharBertError

UNKNOWN = "<unk>"
DEFAULT_CHARACTERS = 1000
"""Characters of a vocabulary that is made of text, if not said otherwise."""


class Vocabulary:
    """An ordered list of entries whose last one, `<unk>`, stands for all others.

    Character vocabularies (blank first) and word vocabularies (the noisy LM's) have this form, those released
    with the paper too. Nothing is stripped or made unique on the way in: some entries are exotic spaces, and
    some lines of the released files are empty. An entry that stands twice keeps its first id.

    Raises:
        CharBertError: the last entry is not `<unk>`, or an entry holds a line feed, which ends a line.
    """

    def __init__(self, entries: Iterable[str], name: str = "vocabulary") -> None:
        self.entries = list(entries)
        if not self.entries or self.entries[-1] != UNKNOWN:
            raise CharBertError(f"{name}: the last entry must be {UNKNOWN}")
        if any("\n" in entry for entry in self.entries):
            raise CharBertError(f"{name}: an entry cannot hold a line feed")
        self._ids: dict[str, int] = {}
        for index, entry in enumerate(self.entries):
            self._ids.setdefault(entry, index)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __contains__(self, entry: str) -> bool:
        return entry in self._ids

    def __getitem__(self, index: int) -> str:
        return self.entries[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.entries == other.entries

    __hash__ = None  # type: ignore[assignment]  # equal by value, so not to be used as a key

    @property
    def unknown_id(self) -> int:
        return len(self.entries) - 1

    def id(self, entry: str) -> int:
        """The id of `entry`, or that of `<unk>`."""
        return self._ids.get(entry, self.unknown_id)

    def ids(self, entries: Iterable[str]) -> list[int]:
        """The id of each entry, or that of `<unk>`."""
        find, unknown_id = self._ids.get, self.unknown_id
        return [find(entry, unknown_id) for entry in entries]

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read a vocabulary file (UTF-8, lines end with a line feed only).

        Raises:
            CharBertError: no such file, not UTF-8, or its last line is not `<unk>`.
        """
        try:
            text = Path(path).read_bytes().decode("utf-8")
        except OSError as error:
            raise CharBertError(f"{path}: cannot be read ({error.strerror})") from error
        except UnicodeDecodeError as error:
            raise CharBertError(f"{path}: not UTF-8 at byte {error.start}") from error
        return cls(text.removesuffix("\n").split("\n"), name=str(path))

    def save(self, path: str | PathLike[str]) -> None:
        """Write the file that `load` reads."""
        save_entries(path, self.entries)


def save_entries(path: str | PathLike[str], entries: Iterable[str]) -> None:
    """Write a text file with an entry a line."""
    Path(path).write_bytes("".join(f"{entry}\n" for entry in entries).encode("utf-8"))


def read_words(path: str | PathLike[str], must_end: bool = False) -> list[str]:
    """The words of a text file, between white space.

    Args:
        must_end: the last line has an end too, as `save_entries` writes it.

    Raises:
        CharBertError: it is not UTF-8, or cut off.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CharBertError(f"{path}: is not UTF-8 (byte {error.start}); convert the file") from error
    if must_end and not text.endswith("\n"):
        raise CharBertError(
            f"{path}: its last line has no end, so the file may be cut off; get it anew, or end that line"
        )
    return text.split()
