import gzip
from pathlib import Path
from typing import Any

import pytest

from charbert.errors import CharBertError
from data.examples.conll import ColumnFormat, ConlluFormat, read_sentences
from data.examples.readers import Columns, read_examples
from data.examples.rows import BadRows
from data.examples.tags import find_scheme, to_iob2
from data.examples.types import TaggedExample

NO_BREAK = "10\u00a0000"
CONLLU = """\
# newdoc id = one
# sent_id = 1
1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tvamos\tir\tVERB\tVB\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\tPRP\t_\t1\tobj\t_\t_
2.1\tnada\tnada\tNOUN\tNN\t_\t_\t_\t1:x\t_
3\t10 000\t10 000\tNUM\tCD\t_\t1\tobj\t_\t_

# sent_id = 2
1\tsí\tsí\tINTJ\tUH\t_\t0\troot\t_\t_

# newdoc
1\tno\tno\tINTJ\tUH\t_\t0\troot\t_\t_
"""


def sentences(path: Path, content: str | bytes, **columns: int) -> list[TaggedExample]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_sentences(path, BadRows(), ColumnFormat(**columns)))


def words_of(examples: list[TaggedExample]) -> list[tuple[str, ...]]:
    return [example.words for example in examples]


def usable_words(path: Path, content: bytes) -> tuple[list[tuple[str, ...]], str | None]:
    """The words of the sentences that can be used, and what is said of the others."""
    bad = BadRows(skip=True)
    path.write_bytes(content)
    return words_of(list(read_sentences(path, bad, ColumnFormat()))), bad.summary()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tagged.txt"


def test_blank_lines_part_sentences_and_the_last_may_lack_one(path: Path) -> None:
    assert sentences(path, "EU NNP I-ORG\nrejects VBZ O\n\n \t \nGerman JJ I-MISC") == [
        TaggedExample("0", ("EU", "rejects"), ("I-ORG", "O"), 0, f"{path}: row 1"),
        TaggedExample("1", ("German",), ("I-MISC",), 0, f"{path}: row 5"),
    ]


def test_windows_lines_tabs_and_a_byte_order_mark_are_simply_read(path: Path) -> None:
    examples = sentences(path, "\ufeffEU\tNNP\tB-ORG\r\n rejects\tVBZ\t O \r\n\r\nYes\tUH\tO\r\n")
    assert [(example.words, example.tags) for example in examples] == [
        (("EU", "rejects"), ("B-ORG", "O")),
        (("Yes",), ("O",)),
    ]


def test_documents_are_counted_from_one_and_their_lines_are_no_sentences(path: Path) -> None:
    text = "-DOCSTART- -X- O O\n\na N O O\n\nb N O O\n\n-DOCSTART- -X- O O\n\nc N O O\n"
    assert [(example.words, example.document) for example in sentences(path, text)] == [
        (("a",), 1),
        (("b",), 1),
        (("c",), 2),
    ]


def test_a_document_ends_the_sentence_before_it(path: Path) -> None:
    examples = sentences(path, "a O\n-DOCSTART- O\nb O\n")
    assert [(example.words, example.document) for example in examples] == [(("a",), 0), (("b",), 1)]


def test_the_columns_can_be_chosen(path: Path) -> None:
    (example,) = sentences(path, "1 EU NNP B-ORG\n2 rejects VBZ O\n", word_column=1, tag_column=2)
    assert (example.words, example.tags) == (("EU", "rejects"), ("NNP", "VBZ"))


def test_where_there_are_tabs_blanks_separate_nothing(path: Path) -> None:
    (example,) = sentences(path, "love\tO\nNew York\tB-LOC\n.\tO\n")
    assert (example.words, example.tags) == (("love", "New York", "."), ("O", "B-LOC", "O"))


GERMEVAL = "#\thttp://x.y [2009]\t[2009-10-17]\n1\tEr\tO\tO\n2\t#\tO\tO\n\n#\tvom 3.\t[3]\n1\tJa\tB-X\tO\n"


@pytest.mark.parametrize(
    ("content", "columns", "expected"),
    (
        ("# id 0\tdomain=en\na\tO\n\n# id 1\tdomain=en\nb\tB-X\n", {}, ["a", "b"]),
        ("# id 0\n# text = a c\na O\nc O\n\n# id\nb B-X\n", {}, ["a c", "b"]),
        ("#NFL\tO\na\tO\n\n#\tO\n\n#\tB-X\n", {}, ["#NFL a", "#", "#"]),
        ("#NFL O\na O\n\n# O\n\n# B-X\n", {}, ["#NFL a", "#", "#"]),
        ("a NN\n# NN\n\n# NN\nb NN\n\n# newpar\nc NN\n", {}, ["a #", "# b", "c"]),
        ("# one two\na\nb\n\n# three\nc\n", {}, ["a b", "c"]),
        (GERMEVAL, {"word_column": 1, "tag_column": 2}, ["Er #", "Ja"]),
    ),
)
def test_a_comment_before_a_sentence_is_no_word(
    path: Path, content: str, columns: dict[str, int], expected: list[str]
) -> None:
    assert [" ".join(words) for words in words_of(sentences(path, content, **columns))] == expected


def test_a_file_with_an_empty_cell_for_each_tag_has_no_tags(path: Path) -> None:
    assert [(each.words, each.tags) for each in sentences(path, "EU\t\nNew York\t \n\nYes\t\n")] == [
        (("EU", "New York"), None),
        (("Yes",), None),
    ]


def test_one_bad_first_row_drops_no_later_one(path: Path) -> None:
    words, faults = usable_words(path, b"words\n\na O\nb O\n\nc O\n")
    assert words == [("a", "b"), ("c",)]
    assert (faults or "").startswith("1 row left out")


@pytest.mark.parametrize("word", (NO_BREAK, "\u3000", "\x85", "a\u2028b", "\ufeff"))
def test_words_may_hold_white_space_other_than_blanks_and_tabs(path: Path, word: str) -> None:
    assert sentences(path, f"a O\n{word} O\n")[0].words == ("a", word)


def test_a_file_of_words_alone_has_no_tags(path: Path) -> None:
    examples = sentences(path, "-DOCSTART- -X- O O\n\nEU\nrejects\n\nYes\n")
    assert [(example.words, example.tags) for example in examples] == [
        (("EU", "rejects"), None),
        (("Yes",), None),
    ]


def test_a_word_of_a_hundred_thousand_characters_is_simply_read(path: Path) -> None:
    assert sentences(path, "x" * 100_000 + " O\n")[0].words == ("x" * 100_000,)


def test_a_sentence_of_a_hundred_thousand_words_is_simply_read(path: Path) -> None:
    assert len(sentences(path, "word O\n" * 100_000)[0].words) == 100_000


@pytest.mark.parametrize(
    ("content", "columns", "fault"),
    (
        ("a O\nb\n", {}, r"row 2: has too few columns for a word and its tag \(1, not 2\)"),
        ("a N O\nb N\n", {"tag_column": 2}, r"row 2: has too few columns .* \(2, not 3\)"),
        ("a N O\n", {"tag_column": -4}, r"row 1: has too few columns .* \(3, not 4\)"),
        ("a\n\nb O\n", {}, "row 3: has 2 columns, and most rows 1"),
        ("EU NNP B-ORG\nS & P NNP B-ORG\n", {}, "row 2: has 5 columns, and most rows 3"),
        ("a\tO\nNew York B-LOC\nb\tO\n", {}, r"row 2: has too few columns .* \(1, not 2\)"),
        ("a O\nNew York\tB-LOC\nb O\n", {}, "row 2: has blanks and tabs between its columns"),
        ("a\tN\tO\nb\t\tO\n", {}, "row 2: has nothing in column 1, counted from 0"),
        ("a\tN\tO\n \tN\tO\n", {}, "row 2: has nothing in column 0, counted from 0"),
        ("a O\nb\rc O\n", {}, "row 2: holds a carriage return"),
        ("a O\n\n# x\r b O\nc O\n", {}, "row 3: holds a carriage return"),
        ("a\tN\tO\nb\tN\t\n", {}, "row 2: has nothing in column 2, counted from 0"),
        ("a\tN\tO\nb\tO\n", {}, "row 2: has 2 columns, and most rows 3"),
        ("a\t\nb\t\nc\tO\n", {}, "row 3: has 'O' in column 1, counted from 0, and most rows have no tag"),
    ),
)
def test_a_row_without_its_tag_is_named(
    path: Path, content: str, columns: dict[str, Any], fault: str
) -> None:
    with pytest.raises(CharBertError, match=rf"tagged\.txt: {fault}; its sentence cannot be used"):
        sentences(path, content, **columns)


@pytest.mark.parametrize("row", (b"b", b"caf\xe9 O"), ids=("short", "not-utf8"))
@pytest.mark.parametrize("place", (0, 1, 2))
def test_a_bad_row_takes_its_whole_sentence_along_and_no_other(path: Path, row: bytes, place: int) -> None:
    broken = [b"x O", b"y O"]
    broken.insert(place, row)
    words, faults = usable_words(path, b"a O\n\n" + b"\n".join(broken) + b"\n\nc O\n")
    assert words == [("a",), ("c",)]
    assert (faults or "").startswith(f"1 row left out:\n  {path}: row {3 + place}: ")


def test_a_last_row_that_is_not_utf8_takes_its_sentence_along(path: Path) -> None:
    words, _ = usable_words(path, b"a O\n\nb O\ncaf\xe9 O")
    assert words == [("a",)]


@pytest.mark.parametrize("content", ("\n \n", "-DOCSTART- O\n\n"))
def test_a_file_without_sentences_is_an_error(path: Path, content: str) -> None:
    with pytest.raises(CharBertError, match=r"tagged\.txt: holds no examples"):
        sentences(path, content)


def test_an_empty_file_is_an_error(path: Path) -> None:
    with pytest.raises(CharBertError, match=r"tagged\.txt: is empty"):
        sentences(path, "")


def conllu(path: Path, content: str, column: str = "xpos") -> list[TaggedExample]:
    path.write_text(content, encoding="utf-8")
    return list(read_sentences(path, BadRows(), ConlluFormat(column)))


def test_conllu_gives_its_syntactic_words(path: Path) -> None:
    assert conllu(path, CONLLU) == [
        TaggedExample("0", ("vamos", "nos", "10 000"), ("VB", "PRP", "CD"), 1, f"{path}: row 4"),
        TaggedExample("1", ("sí",), ("UH",), 1, f"{path}: row 10"),
        TaggedExample("2", ("no",), ("UH",), 2, f"{path}: row 13"),
    ]


def test_the_tags_of_conllu_can_be_universal(path: Path) -> None:
    assert conllu(path, CONLLU, "upos")[0].tags == ("VERB", "PRON", "NUM")


def test_conllu_without_tags_has_none(path: Path) -> None:
    examples = conllu(path, CONLLU.replace("\tUH\t", "\t_\t"))
    assert [example.tags for example in examples] == [("VB", "PRP", "CD"), None, None]


@pytest.mark.parametrize(
    ("row", "fault"),
    (
        ("2\tb\tb\tNOUN\tNN", "has 5 columns, not the 10 of CoNLL-U"),
        ("b\tb\tb\tNOUN\tNN\t_\t_\t_\t_\t_", "begins with 'b', which is no number of a word"),
        ("2\t \tb\tNOUN\tNN\t_\t_\t_\t_\t_", "has an empty cell"),
        ("2\tb\tb\tNOUN\t\t_\t_\t_\t_\t_", "has an empty cell"),
    ),
)
def test_a_bad_row_of_conllu_is_named(path: Path, row: str, fault: str) -> None:
    with pytest.raises(CharBertError, match=rf"tagged\.txt: row 14: {fault}"):
        conllu(path, f"{CONLLU}{row}\n")


@pytest.mark.parametrize(
    ("name", "expected"), (("a.conllu", True), ("A.CONLLU.gz", True), ("a.conll", False), ("conllu", False))
)
def test_conllu_is_known_by_its_name(name: str, expected: bool, tmp_path: Path) -> None:
    path = tmp_path / name
    content = CONLLU.encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    examples = list(read_examples(Columns(task="pos"), str(path), BadRows(skip=True)))
    assert (examples[0].location == f"{path}: row 4") is expected


def test_tagged_files_may_be_compressed(tmp_path: Path) -> None:
    assert words_of(sentences(tmp_path / "t.txt.gz", gzip.compress(b"a O\nb O\n"))) == [("a", "b")]


@pytest.mark.parametrize(
    ("tags", "expected"),
    (
        ("I-X I-X O I-X", "B-X I-X O B-X"),
        ("I-X B-X I-X", "B-X B-X I-X"),
        ("I-X I-Y I-Y", "B-X B-Y I-Y"),
        ("B-X I-X O B-Y I-Y", "B-X I-X O B-Y I-Y"),
        ("B-X I-Y", "B-X B-Y"),
        ("O O", "O O"),
        ("I-X-Y I-X", "B-X-Y B-X"),
        ("NN I-X NNP", "NN I-X NNP"),
        ("B-X I-X E-X S-Y O S-Y I-Y", "B-X I-X I-X B-Y O B-Y B-Y"),
        ("B-X M-X E-X E-X B-X E-Y", "B-X I-X I-X B-X B-X B-Y"),
        ("U-X B-X L-X I-X L-X", "B-X B-X I-X B-X I-X"),
        ("I-X E-X E-X I-X O", "B-X I-X B-X B-X O"),
    ),
)
def test_every_entity_begins_with_b_in_iob2(tags: str, expected: str) -> None:
    assert to_iob2(tags.split()) == tuple(expected.split())


SAME = {
    "IOB1": ("I-X I-X O", "I-X B-X O I-Y"),
    "IOB2": ("B-X I-X O", "B-X B-X O B-Y"),
    "IOE1": ("I-X I-X O", "E-X I-X O I-Y"),
    "IOE2": ("I-X E-X O", "E-X E-X O E-Y"),
    "IOBES": ("B-X E-X O", "S-X S-X O S-Y"),
    "BMES": ("B-X E-X O", "S-X S-X O S-Y"),
    "BILOU": ("B-X L-X O", "U-X U-X O U-Y"),
}


@pytest.mark.parametrize("scheme", SAME)
def test_a_file_in_iob1_is_read_in_iob2_and_of_any_other_scheme_as_it_is(path: Path, scheme: str) -> None:
    first, second = SAME[scheme]
    path.write_text(
        "".join(f"w {tag}\n" for tag in first.split())
        + "\n"
        + "".join(f"w {tag}\n" for tag in second.split())
    )
    examples: list[Any] = list(read_examples(Columns(task="tagging"), str(path), BadRows()))
    as_read = SAME["IOB2" if scheme == "IOB1" else scheme]
    assert [" ".join(example.tags) for example in examples] == list(as_read)
    assert [" ".join(to_iob2(example.tags)) for example in examples] == list(SAME["IOB2"])


@pytest.mark.parametrize(
    ("tags", "expected"),
    (
        ("O B-PER I-PER", "IOB"),
        ("I-LOC", "IOB"),
        ("O B-geo-loc", "IOB"),
        ("I-X E-X O", "IOE"),
        ("E-X", "IOE"),
        ("B-X E-X", "IOBES"),
        ("O S-X", "IOBES"),
        ("B-X I-X E-X S-X", "IOBES"),
        ("B-X M-X E-X S-X O", "BMES"),
        ("B-X I-X L-X U-X O", "BILOU"),
        ("U-X", "BILOU"),
        ("B-X I-X M-X", None),
        ("B-X E-X L-X", None),
        ("B-X NN", None),
        ("O", None),
        ("B-", None),
        ("", None),
    ),
)
def test_a_scheme_is_found_by_the_positions_of_its_tags(tags: str, expected: str | None) -> None:
    assert find_scheme(tags.split()) == expected


def test_no_tags_are_none_in_iob2() -> None:
    assert to_iob2(()) == ()
