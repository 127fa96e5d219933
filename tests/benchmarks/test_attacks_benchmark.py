import json
from pathlib import Path

import pytest

from benchmarks import attacks
from charbert.noise import KINDS


def test_every_kind_is_timed_on_random_examples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    json_file = tmp_path / "numbers.json"
    attacks.main(["--examples", "30", "--rounds", "1", "--json", str(json_file)])
    lines = json.loads(json_file.read_text())["attacks"]
    assert [line["kind"] for line in lines] == [*KINDS] * 3
    shown = capsys.readouterr().out
    for line in lines:
        assert 0 < line["changed"] <= line["eligible"] <= line["words"]
        assert f"{line['labelled_words_per_second']:,.0f}" in shown
