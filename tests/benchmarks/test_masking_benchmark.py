from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny

from charbert.errors import CharBertError
from charbert.vocabulary import Vocabulary


def test_the_shares_are_those_of_the_settings(kind: str, tmp_path: Path, run: Callable[..., Any]) -> None:
    tiny.tokenizer(kind, words=Vocabulary(["the", "<unk>"])).save_pretrained(tmp_path / "tokenizer")
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join([" ".join(tiny.SENTENCES) * 20] * 500), encoding="utf-8")
    edits = ("drop", "add", "swap", "keyboard")
    found, shown = run("masking", str(text), "--tokenizer", str(tmp_path / "tokenizer"), "--edits", *edits)
    numbers = {row[""]: row["number"] for row in found["shares"]}
    assert numbers["tokens"] > 500_000
    assert numbers["noised, % of the words with a letter"] == pytest.approx(15, abs=0.5)
    assert numbers["masked, % of the tokens"] == pytest.approx(10, abs=0.5)
    assert numbers["  shown as the mask, % of the masked"] == pytest.approx(80, abs=0.5)
    for edit in edits:
        assert numbers[f"  {edit}, % of the longer noised"] == pytest.approx(25, abs=1)
    assert f"{numbers['tokens']:,}" in shown


def test_a_tokenizer_without_words_is_refused(kind: str, tmp_path: Path, run: Callable[..., Any]) -> None:
    tiny.tokenizer(kind).save_pretrained(tmp_path)
    with pytest.raises(CharBertError, match=r"no words\.txt"):
        run("masking", __file__, "--tokenizer", str(tmp_path))
