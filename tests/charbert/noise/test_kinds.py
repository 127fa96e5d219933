import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from charbert.errors import CharBertError
from charbert.noise import EDITS, KINDS, Attack, AttackedWords, list_variants, load_attack
from charbert.noise import misspellings as lists

DRAWS = 400
SEEDS = range(100)


def forms_of(word: str, kind: str, misspellings: dict[str, list[str]] | None = None) -> set[str]:
    """What a kind of attack makes of a word in many sentences."""
    return forms_in_sentences(word, Attack(kind, misspellings=misspellings))


def forms_in_sentences(word: str, attack: Attack) -> set[str]:
    return {attacked.words[0] for attacked in attack.sentences([[word, "." * n] for n in range(DRAWS)])}


def spaced(text: str, fixed: Sequence[int] = ()) -> set[str]:
    """What an attack on the spaces makes of a text under many seeds."""
    return {Attack("space", seed=seed).texts([text], [fixed])[0].text for seed in SEEDS}


def eligible(words: Sequence[str], kind: str, misspellings: dict[str, list[str]] | None = None) -> list[str]:
    """Those of the words that a kind of attack may change."""
    attacked = Attack(kind, misspellings=misspellings).texts(words)
    return [word for word, each in zip(words, attacked, strict=True) if each.eligible]


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_alone_is_a_kind(edit: str) -> None:
    assert forms_of("Words", edit) <= set(list_variants("Words", [edit]))


def test_the_paper_draws_its_edits_evenly() -> None:
    words = [
        [f"w{letter}rd{other}" for letter in "aeiou" for other in "tjkpq"] + [str(n)] for n in range(400)
    ]
    counts: Counter[str] = Counter()
    for before, after in zip(words, Attack().sentences(words), strict=True):
        for old, new in zip(before[:-1], after.words, strict=False):
            is_swap = len(new) == len(old) and sorted(new) == sorted(old)
            counts["swap" if is_swap else str(len(new) - len(old))] += 1
    assert [counts[each] / 10_000 for each in ("-1", "0", "1", "swap")] == pytest.approx([0.25] * 4, abs=0.02)


def test_an_edit_that_would_change_nothing_falls_to_another() -> None:
    assert forms_of("maam", "paper") >= {"mam"}
    assert "maam" not in forms_of("maam", "paper")
    assert forms_of("maam", "swap") == {"maam"}


def test_a_word_that_the_kind_cannot_change_is_not_eligible() -> None:
    assert eligible(["week", "feed", "weak", "aaaa"], "swap") == ["weak"]
    assert eligible(["слово", "naïve", "éüéü"], "keyboard") == ["naïve"]
    assert eligible(["week", "слово", "éüéü"], "paper") == ["week", "слово", "éüéü"]


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize("kind", ["paper", *EDITS, "space"])
def test_a_letter_with_combining_marks_is_one_letter(kind: str) -> None:
    words = ["été", "hôtel", "crème", "Đặng", "naïveté", "ñandú", "йод"]
    assert eligible(list(map(decomposed, words)), kind) == list(map(decomposed, eligible(words, kind)))


@pytest.mark.parametrize("kind", ["space", "unicode"])
def test_nothing_comes_between_a_letter_and_its_mark(kind: str) -> None:
    forms = {
        "".join(each.words) if kind == "unicode" else "|".join(each.words)
        for each in Attack(kind).sentences([[decomposed("côté"), "." * n] for n in range(DRAWS)])
    }
    inserted = {form for form in forms if any(mark in form for mark in "|\u200b\u200c\u200d\u2060\ufeff")}
    assert inserted
    for form in inserted:
        assert decomposed("ô") in form and form.find(decomposed("é")) > 0


def test_one_letter_with_a_mark_has_no_place_for_an_invisible_character() -> None:
    assert eligible(["語\u0301", "語語"], "unicode") == ["語語"]


def test_words_of_other_scripts_are_words() -> None:
    assert "слово" not in forms_of("слово", "paper")
    # With its vowel signs, which are marks on letters; without them the second one has three.
    assert eligible(["विद्यालय", "हिन्दी"], "paper") == ["विद्यालय"]


def test_keys_beside_each_other_depend_on_the_language() -> None:
    german = forms_in_sentences("aaza", Attack("keyboard", language="de"))
    # On a German keyboard Z stands between T and U.
    assert {form[2] for form in german if form[1] == "a"} == set("tughz") - {"z"}


MISSPELLINGS = {"their": ["thier", "there"], "a lot": ["alot"], "o'clock": ["oclock"], "i": ["ii"]}


def test_natural_misspellings_keep_the_case_of_the_word() -> None:
    assert forms_of("their", "natural", MISSPELLINGS) == {"thier", "there"}
    assert forms_of("Their", "natural", MISSPELLINGS) == {"Thier", "There"}
    assert forms_of("(THEIR)", "natural", MISSPELLINGS) == {"(THIER)", "(THERE)"}
    assert forms_of("O'clock,", "natural", MISSPELLINGS) == {"Oclock,"}
    assert forms_of("I", "natural", MISSPELLINGS) == {"Ii"}


def test_natural_misspellings_are_for_the_words_of_the_list() -> None:
    words = ["their", "there", "Their!", "tHEIR", "a", "lot", "o'clock"]
    assert eligible(words, "natural", MISSPELLINGS) == ["their", "Their!", "o'clock"]


def test_wrong_forms_that_are_right_or_two_words_are_left_out() -> None:
    misspellings = {"cannot": ["can not", "Cannot", "CANOT", ""], "other": ["other"]}
    assert forms_of("cannot", "natural", misspellings) == {"canot"}
    assert eligible(["other"], "natural", misspellings) == []


def test_one_wrong_form_is_given_in_a_list_too() -> None:
    with pytest.raises(CharBertError, match="'their' has the text 'thier'; give a list of wrong words"):
        Attack("natural", misspellings={"their": "thier"})


@pytest.fixture
def codespell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A dictionary of codespell's form, where its package would have it."""
    package = tmp_path / "codespell_lib"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").touch()
    lines = ["teh->the", "hte->the", "wich->which, witch,", "clas->class, disabled due to a name in code"]
    (package / "data" / "dictionary.txt").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    lists.load_codespell.cache_clear()
    yield
    lists.load_codespell.cache_clear()


@pytest.mark.usefixtures("codespell")
def test_without_a_list_natural_misspellings_are_those_of_codespell() -> None:
    assert lists.load_codespell() == {
        "the": ("teh", "hte"),
        "which": ("wich",),
        "witch": ("wich",),
        "class": ("clas",),
    }
    assert forms_of("The", "natural") == {"Teh", "Hte"}


def test_without_codespell_and_a_list_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "find_spec", lambda name: None)
    lists.load_codespell.cache_clear()
    assert not KINDS["natural"].is_available()
    assert KINDS["natural"].is_available(MISSPELLINGS)
    with pytest.raises(
        CharBertError, match=r'give a list of them, or `pip install "charbert\[misspellings\]"`'
    ):
        Attack("natural")


def test_an_attack_is_loaded_with_the_misspellings_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("there their\n", encoding="utf-8")
    assert forms_in_sentences("There", load_attack("natural", misspellings=path)) == {"Their"}
    with pytest.raises(CharBertError, match="ocr takes no misspellings; give the kind natural"):
        load_attack("ocr", misspellings=path)


def test_print_takes_one_shape_for_another() -> None:
    assert forms_of("barn", "ocr") == {"harn", "6arn", "born", "baru", "barri", "bam"}
    assert forms_of("Mold", "ocr") == {"Mald", "M0ld", "Moid", "Mo1d", "MoId", "Molcl"}


def test_shapes_of_two_characters_end_with_the_word() -> None:
    # With the next word each of these would be "rn".
    attacked = Attack("ocr").sentences([["Mr", "nMM", "." * n] for n in range(DRAWS)])
    assert {each.words[:2] for each in attacked} == {("Mr", "uMM"), ("Mr", "riMM")}
    assert eligible(["kr", "n-"], "ocr") == []


def test_print_errors_leave_single_characters_and_digits_for_digits_alone() -> None:
    assert eligible(["I", "l.", "37", "in", "s0", "xyz!"], "ocr") == ["in", "s0", "xyz!"]
    assert not any(form.isdigit() for form in forms_of("1058", "ocr"))


def test_case_changes_the_case() -> None:
    assert forms_of("word", "case") == {"WORD", "Word", "wOrd", "woRd", "worD"}
    assert forms_of("Word", "case") == {"word", "WORD", "WOrd", "WoRd", "WorD"}
    assert eligible(["I", "Word", "B-2", "1804", "日本語学", "..."], "case") == ["I", "Word", "B-2"]


def test_space_splits_words_and_joins_them_with_the_next() -> None:
    assert spaced("word in") == {"w ord in", "wo rd in", "wor d in", "wordin"}


def test_words_are_not_joined_over_lines_or_wide_gaps() -> None:
    for text in ("word\nin", "word  in", "word\u2028in", "word\u0085in"):
        assert all(form.startswith(("w ", "wo ", "wor ")) for form in spaced(text))
    assert "wordin" in spaced("word\u00a0in")


def test_words_are_not_joined_over_a_fixed_position() -> None:
    for fixed, joins in (([4], False), ([5], False), ([0, 7], True), ([], True)):
        assert ("wordin" in spaced("word in", fixed)) == joins


def respaced(sentence: list[str], joinable: list[bool] | None = None) -> set[AttackedWords]:
    allowed = None if joinable is None else [joinable]
    return {Attack("space", seed=seed).sentences([sentence], allowed)[0] for seed in SEEDS}


def test_parts_of_words_say_which_word_they_begin_with() -> None:
    assert respaced(["to", "word", "in"]) == {
        (("to", "w", "ord", "in"), (0, 1, 1, 2), 1, 1),
        (("to", "wo", "rd", "in"), (0, 1, 1, 2), 1, 1),
        (("to", "wor", "d", "in"), (0, 1, 1, 2), 1, 1),
        (("to", "wordin"), (0, 1), 1, 1),
    }


def test_joined_words_may_be_split_or_joined_again() -> None:
    made = {(each.words, each.sources) for each in respaced(["abcd", "efgh", "!"])}
    assert {
        (("abcdefgh!",), (0,)),
        (("abcdef", "gh", "!"), (0, 1, 2)),
        (("ab", "cd", "efgh!"), (0, 0, 1)),
    } <= made


def test_sentences_say_which_words_may_be_joined() -> None:
    made = {"".join(each.words[:1]) for each in respaced(["abcd", "efgh", "!"], [False, True, True])}
    assert made == {"a", "ab", "abc"}


def test_joinable_is_given_for_each_word() -> None:
    with pytest.raises(CharBertError, match="joinable: give one list for each sentence"):
        Attack("space").sentences([["a", "b"]], [[True]])


def family_of(old: str, new: str) -> str:
    """Of a change of `unicode`: told by what Unicode says of the characters."""
    if len(new) == len(old) + 1 and any(unicodedata.category(character) == "Cf" for character in new):
        return "zero-width"
    if "".join(c for c in unicodedata.normalize("NFD", new) if not unicodedata.combining(c)) == old:
        return "accent"
    (name,) = [unicodedata.name(after) for before, after in zip(old, new, strict=True) if before != after]
    return "homoglyph" if name.startswith(("CYRILLIC", "GREEK")) else name


def test_unicode_takes_lookalikes_accents_and_zero_widths_evenly() -> None:
    attacked = Attack("unicode").sentences([["scope", "." * n] for n in range(1500)])
    counts = Counter(family_of("scope", each.words[0]) for each in attacked)
    assert [counts[each] / 1500 for each in ("homoglyph", "accent", "zero-width")] == pytest.approx(
        [1 / 3] * 3, abs=0.05
    )


def test_zero_width_characters_are_put_inside_the_core() -> None:
    forms = forms_of("“12”", "unicode")
    assert {unicodedata.category(form[2]) for form in forms} == {"Cf"}
    assert {form[:2] + form[3:] for form in forms} == {"“12”"}


def test_accents_are_composed_and_combining() -> None:
    accented = {form for form in forms_of("e", "unicode") if family_of("e", form) == "accent"}
    assert {"é", "e\u0301", "ê", "e\u0302"} <= accented


def test_letters_of_other_scripts_have_lookalikes_too() -> None:
    assert {"cор", "сoр"} <= forms_of("сор", "unicode")


def test_unicode_leaves_what_has_no_variant() -> None:
    assert eligible(["...", "7", "—", "a", "42", "語"], "unicode") == ["a", "42"]
