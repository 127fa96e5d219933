import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import attacks
from charbert.errors import CharBertError
from charbert.noise import KINDS
from data.examples.types import AttackCounts

NER = "Thousands O\nin O\nParis I-LOC\nwonder O\n" * 20


def numbers_of(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    json_file = folder / "numbers.json"
    attacks.main([*arguments, "--rounds", "1", "--json", str(json_file)])
    return json.loads(json_file.read_text())["attacks"]


def test_every_kind_is_timed_and_checked_on_random_examples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = numbers_of(tmp_path, "--examples", "30")
    assert [line["kind"] for line in lines] == [*KINDS] * 3
    shown = capsys.readouterr().out
    for line in lines:
        assert 0 < line["changed"] <= line["eligible"] <= line["words"]
        assert line["faults"] == 0
        assert f"{line['labelled_words_per_second']:,.0f}" in shown
    assert [lines[number]["answers"] for number in (0, 10, 20)] == [0, 0, 30]
    assert [lines[number]["tags"] > 0 for number in (0, 10, 20)] == [False, True, False]


def test_files_are_written_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "eng.testb"
    path.write_text(NER)
    lines = numbers_of(tmp_path, "--files", f"ner={path}", "--kinds", "paper", "space")
    assert [(line["set"], line["kind"], line["words"]) for line in lines] == [
        ("ner eng.testb", "paper", 80),
        ("ner eng.testb", "space", 80),
    ]
    assert [line["faults"] for line in lines] == [0, 0]


def test_faults_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "eng.testb"
    path.write_text(NER)

    def nothing_done(examples: Sequence[Any], *_: Any) -> tuple[list[Any], AttackCounts]:
        return list(examples), AttackCounts(80, 60, 60, 0)

    monkeypatch.setattr(attacks, "attack_examples", nothing_done)
    with pytest.raises(
        CharBertError, match="2 faults, the first: 0 words differ, and 60 are said to be changed"
    ):
        attacks.main(["--files", f"ner={path}", "--kinds", "paper", "--rounds", "1"])


@pytest.mark.parametrize("file", ("eng.testb", "typos=eng.testb", "ner="))
def test_a_file_without_its_task_is_told(file: str) -> None:
    with pytest.raises(CharBertError, match="give TASK=FILE, where TASK is one of cola"):
        attacks.main(["--files", file])
