"""Texts in, texts out: text files and JSON lines, read and written piece by piece."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from charbert.commands.output import output_file
from charbert.commands.paths import FILE, STANDARD, standard_input, standard_output
from charbert.commands.progress import progress_bar
from charbert.commands.settings import Settings, option, positional
from charbert.compression import open_to_read, open_to_write, text_ending
from charbert.errors import CharBertError, name_failures

TEXT, JSON_LINES = "text", "jsonl"
_PIECE = 65536  # bytes read at a time, at most; of a pipe what is there


class Changed(NamedTuple):
    """A text after a command."""

    text: str
    words: int
    """How many of its words were changed."""
    details: Mapping[str, Any]
    """What JSON lines say of it beside the text."""


@dataclass(kw_only=True)
class TextSettings(Settings):
    """Settings of a command that changes texts."""

    file: str = positional("texts, one a line, or JSON lines with one each; - for standard input")
    format: str | None = option(
        None,
        "what FILE holds; by default JSON lines if its name ends in .jsonl, else texts",
        choices=(TEXT, JSON_LINES),
        section="input and output",
    )
    text_key: str = option("text", "key of the text in JSON lines")
    output: str = option(STANDARD, "file to write, perhaps compressed; - for standard output", writes=FILE)
    json: bool = option(False, "write texts as JSON lines too, with what was changed in each")
    overwrite: bool = option(False, "write over a file that is there")


def change_texts(
    settings: TextSettings, change: Callable[[Sequence[str]], Sequence[Changed]], doing: str
) -> None:
    """Read texts, write them changed, and say on standard error how many words were.

    What is not the text stays: the ends of lines, the other keys of JSON lines. Texts of a pipe are written
    as soon as they are known.

    Args:
        settings: what is read and written.
        change: what is done to texts, in their order.
        doing: what that is, for the progress bar.

    Raises:
        CharBertError: a file cannot be read or written, a line is not UTF-8, or no JSON with a text.
    """
    shown = "standard input" if settings.file == STANDARD else settings.file
    is_json = settings.format == JSON_LINES
    if settings.format is None:
        is_json = text_ending(Path(settings.file)) == f".{JSON_LINES}"
    texts = words = 0
    with _open_input(settings) as source, _open_output(settings) as output:
        bar = progress_bar(desc=doing, unit=" texts")
        for lines in _read_lines(source):
            rows = [
                _read_row(line, f"{shown}: line {texts + number}", settings.text_key if is_json else None)
                for number, line in enumerate(lines, 1)
            ]
            for row, changed in zip(rows, change([row.text for row in rows]), strict=True):
                output.write(_write_row(row, changed, settings.text_key, settings.json and not is_json))
                words += changed.words
            output.flush()
            texts += len(rows)
            bar.update(len(rows))
        bar.close()
    print(f"{words:,} words changed in {texts:,} texts", file=sys.stderr)


class _Row(NamedTuple):
    text: str
    end: str
    """The end of its line."""
    others: dict[str, Any] | None
    """All of its JSON, or None where there is none."""


def _read_row(line: bytes, place: str, key: str | None) -> _Row:
    try:
        text = line.decode("utf-8" if key is None else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise CharBertError(f"{place}: is not UTF-8 (byte {error.start}); convert the file") from error
    body = text.rstrip("\r\n")
    end = text[len(body) :]
    if key is None or not body.strip():
        return _Row(body, end, None)
    try:
        row = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise CharBertError(f"{place}: is no JSON ({error})") from error
    if not isinstance(row, dict) or not isinstance(row.get(key), str):
        raise CharBertError(f"{place}: has no text under {key!r}; name its key with --text-key")
    return _Row(row[key], end, row)


def _write_row(row: _Row, changed: Changed, key: str, as_json: bool) -> bytes:
    """A line as it was read, or, of a text, `as_json`; a blank one among JSON lines stays blank."""
    if row.others is None and not as_json:
        return f"{changed.text}{row.end}".encode()
    content = {**(row.others or {}), key: changed.text, **changed.details}
    line = json.dumps(content, ensure_ascii=False) + (row.end or "\n")
    return line.encode("utf-8", "backslashreplace")  # what is no Unicode stays escaped


def _read_lines(file: IO[bytes]) -> Iterator[list[bytes]]:
    """The lines of a file, as many at a time as one reading brings to their end."""
    begun: list[bytes] = []
    while piece := file.read1(_PIECE):  # type: ignore[attr-defined]  # all that are opened here have it
        begun.append(piece)
        if b"\n" in piece:
            *lines, rest = b"".join(begun).split(b"\n")
            yield [line + b"\n" for line in lines]
            begun = [rest]
    if rest := b"".join(begun):
        yield [rest]


@contextmanager
def _open_input(settings: TextSettings) -> Iterator[IO[bytes]]:
    if settings.file == STANDARD:
        yield standard_input()
        return
    with open_to_read(Path(settings.file)) as file:
        yield file


@contextmanager
def _open_output(settings: TextSettings) -> Iterator[IO[bytes]]:
    if settings.output == STANDARD:
        output = standard_output()
        output.flush()
        with name_failures(Path("standard output")):
            yield output.buffer
        return
    with output_file(settings) as partial, open_to_write(partial, Path(settings.output).suffix) as file:
        yield file
