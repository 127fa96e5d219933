"""What `python -m benchmarks correction` counts, and what it puts into the texts."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_correction import saved_model

from benchmarks import correction
from benchmarks.misspelt import MisspeltText, misspell, read_half, read_lines
from benchmarks.spell_checkers import CHECKERS, Checker
from charbert.correction.corrector import CorrectedWord, Suggestion
from charbert.errors import CharBertError

LINE = "The quick brown fox , it jumps over the lazy dog and over the brown form in Brown ."
# Of each half of the words (`read_half`) some.
MEASURED_WORDS = {"brown": ("brwon",), "lazy": ("lzay",), "jumps": ("jmups",)}
FITTED_WORDS = {"quick": ("qiuck",), "over": ("ovre",), "dog": ("dgo",)}
WORDS = {**MEASURED_WORDS, **FITTED_WORDS}
MISSPELLINGS = "".join(f"${right}\n{wrong}\n" for right, (wrong,) in WORDS.items()) + "$don't\ndont\n"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """A text, a list of misspellings, a model that has their right words."""
    text, words = tmp_path / "text.txt", tmp_path / "words.dat"
    text.write_text("\n".join(["Title", *[LINE] * 60]), encoding="utf-8")
    words.write_text(MISSPELLINGS, encoding="utf-8")
    return {
        "text": str(text),
        "words": str(words),
        "model": saved_model(tmp_path / "model", "bert", dict.fromkeys(WORDS, 0.15)),
    }


def flagged(start: int, end: int, word: str, *suggested: str) -> CorrectedWord:
    correction = suggested[0] if suggested else word
    return CorrectedWord(start, end, word, correction, [Suggestion(each, 0.1) for each in suggested])


def test_headings_are_no_lines(files: dict[str, str]) -> None:
    assert read_lines(files["text"], 100) == [LINE] * 30
    assert read_lines(files["text"], 3) == [LINE] * 3


def test_what_is_measured_was_never_fitted(files: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "numbered.txt"
    lines = [f"{LINE} {number}" for number in range(10)]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert read_lines(path, 3) == lines[0:6:2]
    assert read_half(files["words"]) == MEASURED_WORDS


def test_a_text_without_lines_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text("A title")
    with pytest.raises(CharBertError, match=r"short\.txt: has no line of 60 characters"):
        read_lines(path, 5)


def test_a_list_whose_words_are_all_in_the_other_half_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "short.dat"
    path.write_text("$quick\nqiuck\n")
    with pytest.raises(CharBertError, match=r"short\.dat: too few misspellings of letters only"):
        read_half(path)


@pytest.mark.parametrize(
    ("change", "message"),
    (
        (["--rate", "0"], "no word of it was misspelt; give more --lines or a higher --rate"),
        (["--misspellings", "words.dat", "more/words.dat"], "more/words.dat: a second list of this name"),
    ),
)
def test_lists_that_cannot_be_used_are_refused(
    files: dict[str, str],
    change: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[..., Any],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("more").mkdir()
    Path("more/words.dat").write_text(MISSPELLINGS)
    given = [files["text"], "--model", files["model"], "--misspellings", files["words"], *change]
    with pytest.raises(CharBertError, match=message):
        run("correction", *given)


def test_what_was_meant_is_known_for_every_misspelling(files: dict[str, str]) -> None:
    words = read_half(files["words"])
    for made in misspell([LINE] * 5, words, rate=0.5, uses=100, seed=3):
        restored, shift = made.text, 0
        for (start, end), right in made.meant.items():
            assert made.text[start:end].lower() in words[right.lower()]
            restored = restored[: start + shift] + right + restored[end + shift :]
            shift += len(right) - (end - start)
        assert restored == LINE


def test_no_word_is_misspelt_more_often_than_wanted(files: dict[str, str]) -> None:
    made = misspell([LINE] * 5, MEASURED_WORDS, rate=1.0, uses=4, seed=3)
    meant = [right.lower() for each in made for right in each.meant.values()]
    assert {word: meant.count(word) for word in set(meant)} == dict.fromkeys(MEASURED_WORDS, 4)


def test_the_same_seed_makes_the_same_texts(files: dict[str, str]) -> None:
    words, lines = MEASURED_WORDS, [f"{LINE} {number}" for number in range(20)]
    made = [misspell(lines, words, 0.3, 100, seed) for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


def test_words_are_counted_by_what_became_of_them() -> None:
    texts = [MisspeltText("teh brwon dgo are heer now", {(0, 3): "the", (4, 9): "brown", (10, 13): "dog"})]
    found = [
        [
            flagged(0, 3, "teh", "the"),  # right at once
            flagged(4, 9, "brwon", "grown", "brown"),  # right among the suggestions
            flagged(14, 17, "are", "area"),  # was right before
            flagged(18, 22, "heer"),  # was not misspelt, and stays
        ]
    ]
    scores = correction.score(texts, found)
    assert scores["precision"] == pytest.approx(100 * 2 / 4)
    assert scores["recall"] == pytest.approx(100 * 2 / 3)
    assert scores["F1"] == pytest.approx(100 * 4 / 7)
    assert (scores["top 1"], scores["top 5"]) == pytest.approx((100 / 3, 200 / 3))
    assert scores["right"] == pytest.approx(100 / 3)
    assert scores["wrong before"] == pytest.approx(1000 * 3 / 6)
    # "dgo" and "grown" are wrong still, and "area" is now.
    assert scores["wrong after"] == pytest.approx(1000 * 3 / 6)


def test_alarms_are_counted_among_all_words_and_among_names() -> None:
    lines = ["The Foxx saw heer and Teh", "it is"]
    found = [[flagged(4, 8, "Foxx", "Fox"), flagged(13, 17, "heer", "here")], []]
    alarms = correction.count_alarms(lines, found)
    assert alarms == pytest.approx({"false alarms": 1000 * 2 / 8, "of names": 1000 / 2})


def test_a_suggestion_in_another_letter_case_is_wrong() -> None:
    texts = [MisspeltText("Teh", {(0, 3): "The"})]
    assert correction.score(texts, [[flagged(0, 3, "Teh", "the")]])["top 1"] == 0


def test_all_stand_in_one_table(
    files: dict[str, str], run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = re.findall("[a-z]+", LINE.lower())
    monkeypatch.setitem(CHECKERS, "plain", lambda: Checker(known, lambda word: ["lazy"]))
    places = [files["text"], "--model", files["model"], "--misspellings", files["words"]]
    options = ["--rate", "0.5", "--uses", "100", "--threshold", "0", "--checkers", "plain", "--real-words"]
    numbers, printed = run("correction", *places, *options)
    [table] = (name for name in numbers if name.startswith("words.dat: "))
    rows = {row[""]: row for row in numbers[table]}
    names = ["CharBERT", "CharBERT, real words too", "CharBERT + plain", "plain", "plain, no names"]
    assert list(rows) == names
    assert all(name in printed for name in names)
    # The dictionary has all words of the line, so its only mistakes are its corrections.
    assert rows["plain"]["precision"] == rows["plain"]["recall"] == 100
    assert rows["plain"]["false alarms"] == 0
    assert 0 < rows["plain"]["top 1"] < 100
    assert rows["plain, no names"]["recall"] < 100
    assert rows["CharBERT + plain"]["precision"] == rows["CharBERT + plain"]["top 1"] == 100
    assert rows["CharBERT, real words too"]["false alarms"] > rows["CharBERT"]["false alarms"]


def test_tokens_are_counted_by_what_became_of_them() -> None:
    lines = ["teh brwon (dgo) are heer", "it is"]
    right = [["the", "brown", "(dog)", "are", "here"], ["it", "is"]]
    found = [
        [
            flagged(0, 3, "teh", "the"),
            flagged(4, 9, "brwon", "grown"),
            flagged(11, 14, "dgo", "dog"),
            flagged(16, 19, "are", "area"),
        ],
        [],
    ]
    scores = correction.score_tokens(lines, right, found)
    assert scores == pytest.approx({"mended": 100 * 2 / 4, "right": 100 * 4 / 7, "broken": 1000 / 7})


def test_a_text_with_errors_of_its_own_is_scored_beside_its_correction(
    files: dict[str, str], tmp_path: Path, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = re.findall("[a-z]+", LINE.lower())
    monkeypatch.setitem(CHECKERS, "plain", lambda: Checker(known, lambda word: ["lazy"]))
    wrong, right = tmp_path / "wrong.txt", tmp_path / "right.txt"
    right.write_text(f"{LINE}\nThe fox\n")
    wrong.write_text(f"{LINE.replace('lazy', 'lzay')}\nThe fxo\n")
    places = [str(wrong), "--corrected", str(right), "--model", files["model"], "--checkers", "plain"]
    numbers, _ = run("correction", *places)
    rows = {row[""]: row for row in numbers["wrong.txt: 21 tokens"]}
    scores = {name: (row["mended"], row["right"]) for name, row in rows.items()}
    assert scores["none"] == pytest.approx((0, 100 * 19 / 21))
    assert scores["plain"] == pytest.approx((50, 100 * 20 / 21))
    assert rows["CharBERT"]["broken"] == 0
    right.write_text(f"{LINE}\nThe quick fox\n")
    with pytest.raises(CharBertError, match=r"right\.txt: is not aligned with"):
        run("correction", *places)


@pytest.mark.parametrize("name", CHECKERS)
def test_a_checker_flags_what_its_dictionary_lacks(name: str) -> None:
    pytest.importorskip({"pyspellchecker": "spellchecker"}.get(name, name))
    checker = CHECKERS[name]()
    text = "Teh house of Qwrtx is beautifull."
    found = checker.find_wrong(text)
    assert [text[word.start : word.end] for word in found] == ["Teh", "Qwrtx", "beautifull"]
    assert [found[0].correction, found[2].correction] == ["The", "beautiful"]
    assert [word.word for word in checker.find_wrong(text, leave_names=True)] == ["Teh", "beautifull"]


@pytest.mark.parametrize(
    ("name", "module"), (("pyspellchecker", "spellchecker"), ("symspellpy", "symspellpy"))
)
def test_a_checker_that_is_not_installed_is_named(
    name: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(CharBertError, match=f"pip install {name}"):
        CHECKERS[name]()
