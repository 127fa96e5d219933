import json
from pathlib import Path

import pytest
import tiny

from benchmarks.corruption import main
from charbert.errors import CharBertError
from charbert.vocabulary import Vocabulary


def test_the_shares_are_those_of_the_settings(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.tokenizer(kind, words=Vocabulary(["the", "<unk>"])).save_pretrained(tmp_path / "tokenizer")
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join([" ".join(tiny.SENTENCES) * 20] * 500), encoding="utf-8")
    places = ["--tokenizer", str(tmp_path / "tokenizer"), "--json", str(tmp_path / "numbers.json")]
    main([str(text), *places, "--edits", "drop", "add", "swap", "keyboard"])
    numbers = json.loads((tmp_path / "numbers.json").read_text())
    assert numbers["tokens"] > 500_000
    assert numbers["noised, % of the words with a letter"] == pytest.approx(15, abs=0.5)
    assert numbers["masked, % of the tokens"] == pytest.approx(10, abs=0.5)
    assert numbers["  shown as the mask, % of the masked"] == pytest.approx(80, abs=0.5)
    for edit in ("drop", "add", "swap", "keyboard"):
        assert numbers[f"  {edit}, % of the longer noised"] == pytest.approx(25, abs=1)
    assert f"{numbers['tokens']:,}" in capsys.readouterr().out


def test_a_tokenizer_without_words_is_refused(kind: str, tmp_path: Path) -> None:
    tiny.tokenizer(kind).save_pretrained(tmp_path)
    with pytest.raises(CharBertError, match=r"no words\.txt"):
        main(["text.txt", "--tokenizer", str(tmp_path)])
