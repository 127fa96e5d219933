"""`charbert correct` and `charbert attack`: texts in, texts out."""

import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_correction import saved_model

from charbert.__main__ import main
from charbert.compression import open_to_write
from charbert.correction.corrector import correct
from charbert.errors import CharBertError
from charbert.noise import Attack

TEXTS = ["The brwon fox", "", "  a lzay  dog", "nothing to mend here"]
Run = Callable[..., bytes]


class _Standard:
    """Standard input or output of bytes."""

    def __init__(self, content: bytes = b"") -> None:
        self.buffer = io.BytesIO(content)

    def write(self, _: str) -> None:
        raise AssertionError("text was written among the bytes")

    def flush(self) -> None:
        pass


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command, and gives what it writes to standard output."""

    def run_command(*arguments: str | Path, given: bytes = b"") -> bytes:
        output = _Standard()
        monkeypatch.setattr(sys, "stdin", _Standard(given))
        monkeypatch.setattr(sys, "stdout", output)
        main([str(each) for each in arguments])
        return output.buffer.getvalue()

    return run_command


@pytest.fixture
def model(tmp_path: Path) -> str:
    return saved_model(tmp_path, "bert", {"brown": 0.9, "lazy": 0.05, "dog": 0.03})


@pytest.mark.parametrize("end", ("\n", "\r\n"))
def test_only_misspelled_words_change(run: Run, model: str, end: str) -> None:
    given = end.join(TEXTS).encode()
    wanted = end.join(each.text for each in correct(TEXTS, model, threshold=0.0)).encode()
    found = run("correct", "-", "--model", model, "--threshold", "0", given=given)
    assert found == wanted != given
    assert run("correct", "-", "--model", model, "--threshold", "1", given=given) == given


def test_json_lines_keep_what_they_have(run: Run, model: str, tmp_path: Path) -> None:
    rows = [{"id": 7, "body": TEXTS[0], "tags": ["ä", None]}, {"body": "\ud800 dog"}]
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ["--model", model, "--threshold", "0", "--top-k", "1", "--text-key", "body"]
    found = [json.loads(line) for line in run("correct", path, *options).splitlines()]
    (word,) = found[0].pop("corrections")
    assert found == [{**rows[0], "body": "The brown fox"}, {**rows[1], "corrections": []}]
    assert (word["start"], word["end"], word["word"], word["correction"]) == (4, 9, "brwon", "brown")
    assert [each["word"] for each in word["suggestions"]] == ["brown"]


def test_a_byte_order_mark_is_no_part_of_json(run: Run) -> None:
    found = run("attack", "-", "--format", "jsonl", given=b'\xef\xbb\xbf{"text": "a"}\n')
    assert found == b'{"text": "a", "edits": []}\n'


def test_blank_lines_are_texts_but_no_json(run: Run) -> None:
    rows = b'\n{"text": "a", "edits": []}\n'
    assert run("attack", "-", "--format", "jsonl", "--json", given=b'\n{"text": "a"}\n') == rows
    assert run("attack", "-", "--json", given=b"\na\n") == b'{"text": "", "edits": []}' + rows


def test_known_words_stay(run: Run, model: str, tmp_path: Path) -> None:
    (tmp_path / "known.txt").write_text("lzay\n")
    options = ["--model", model, "--threshold", "0", "--known", tmp_path / "known.txt"]
    assert run("correct", "-", *options, given=b"a lzay brwon dog\n") == b"a lzay brown dog\n"


def test_an_attack_is_that_of_the_library(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    texts = ["the quick brown fox jumps", "over lazy dogs"]
    wanted = Attack("swap", 1.0, seed=3).texts(texts)
    options = ["attack", "-", "--kind", "swap", "--seed", "3"]
    given = "\n".join(texts).encode()
    assert run(*options, given=given).decode().split("\n") == [each.text for each in wanted]
    words = sum(each.changed for each in wanted)
    assert f"{words} words changed in 2 texts" in capsys.readouterr().err
    rows = [json.loads(line) for line in run(*options, "--json", given=given).splitlines()]
    assert [row["edits"] for row in rows] == [[edit._asdict() for edit in each.edits] for each in wanted]


def test_a_file_of_any_length_is_read_in_pieces(run: Run, tmp_path: Path) -> None:
    lines = [f"line {number} is about sentences\n" for number in range(5000)]
    lines.insert(2500, "one very long line " * 20000 + "\n")
    path, output = tmp_path / "texts.txt.gz", tmp_path / "attacked.txt.gz"
    path.write_bytes(gzip.compress("".join(lines).encode()))
    assert run("attack", path, "--rate", "0", "--output", output) == b""
    assert gzip.decompress(output.read_bytes()) == "".join(lines).encode()


def test_texts_of_a_pipe_are_written_as_they_come(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    class Pipe(io.BytesIO):
        def read1(self, _: int | None = -1) -> bytes:
            written.append(len(sys.stdout.buffer.getvalue()))  # type: ignore[attr-defined]
            return self.readline()

    monkeypatch.setattr(
        _Standard, "__init__", lambda self, content=b"": setattr(self, "buffer", Pipe(content))
    )
    run("attack", "-", "--rate", "0", given=b"one\ntwo\n")
    assert written == [0, 4, 8]


@pytest.mark.parametrize(("stream", "name"), [("stdin", "input"), ("stdout", "output")])
def test_a_closed_standard_stream_is_refused(monkeypatch: pytest.MonkeyPatch, stream: str, name: str) -> None:
    monkeypatch.setattr(sys, stream, None)
    with pytest.raises(CharBertError, match=f"standard {name} is closed"):
        main(["attack", "-"])


def test_a_file_of_the_name_of_standard_output_is_none(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-").touch()
    assert run("attack", "-", "--rate", "0", given=b"a text\n") == b"a text\n"


@pytest.mark.parametrize("ending", ("", ".gz", ".bz2", ".xz"))
def test_a_broken_output_is_not_taken_for_the_input(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ending: str
) -> None:
    class Unread(io.BytesIO):
        def write(self, _: Any) -> int:
            raise BrokenPipeError("nobody reads")

    path = tmp_path / f"texts.txt{ending}"
    with open_to_write(path, ending) as file:
        file.write(b"a text\n")
    monkeypatch.setattr(_Standard, "__init__", lambda self, _=b"": setattr(self, "buffer", Unread()))
    with pytest.raises(BrokenPipeError, match="nobody reads"):
        run("attack", path)


def test_a_folder_is_no_file_of_texts(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="is a folder, and a file is needed"):
        main(["attack", str(tmp_path)])
