"""`python -m data attack` on tagged sentences and SQuAD's JSON: what changes, and what they keep."""

import json
from pathlib import Path
from typing import Any

import pytest
from attacked_files import CONTEXT, MARK, QUESTIONS, SQUAD, attack, examples_of, rewritten

from charbert.errors import CharBertError
from charbert.noise import Attack
from data.examples.conll import ColumnFormat, ConllFormat, ConlluFormat
from data.examples.tags import carry_tags
from data.examples.types import TaggedExample, attack_examples

CONLL = (
    "-DOCSTART- -X- O O\n\n# 1\nParis\tNNP\tI-NP\tI-LOC\nlarge JJ I-NP O\n\n \t\n-DOCSTART-\n"
    f"thousand NN I-NP I-X\n{MARK}thousand NN I-NP I-X\n{MARK} NN X O\n\nFrance NNP X I-LOC\n"
)
REST = "NOUN\tNN\tA=B\t0\troot\t0:root\tSpaceAfter=No"
CONLLU = (
    f"# newdoc id = Paris\n# text = ParislargeFrance\n1\tParis\tParis\t{REST}\n2-3\tlargeFrance\t_\t{REST}\n"
    f"2\tlarge\tlarge\t{REST}\n3\tFrance\tFrance\t{REST}\n3.1\tParis\tParis\t{REST}\n\n1\tno\tno\t{REST}\n\n"
)
DOCUMENTS = {
    "eng.testb": ("ner", CONLL),
    "x.conllu": ("pos", CONLLU),
    "dev.json": ("squad2", json.dumps(SQUAD, ensure_ascii=False) + "\n"),
    "bmes.conll": ("ner", "thousand S-X\nFrance S-X\n\nlarge B-X\nin M-X\nParis E-X\n"),
    "words.txt": ("pos", "thousand\nthousand\n\nParis\n"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_at_a_rate_of_zero_the_file_is_the_same(name: str, tmp_path: Path) -> None:
    task, content = DOCUMENTS[name]
    assert rewritten(tmp_path / name, task, content, "--rate", "0") == content


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ("paper", "space", "case", "unicode"))
@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_written_reads_as_the_attacked_examples(
    name: str, kind: str, seed: int, tmp_path: Path
) -> None:
    task, content = DOCUMENTS[name]
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    contexts = task == "squad2"
    out = attack(path, task, *["--contexts"] * contexts, "--seed", str(seed), kind=kind)
    examples, _ = attack_examples(examples_of(path, task), Attack(kind, seed=seed), contexts)
    assert examples_of(out, task) == examples


def test_in_columns_the_words_change_and_nothing_else(tmp_path: Path) -> None:
    expected = CONLL.replace("Paris", "Pariss").replace("large", "larg").replace("France", "Farnce")
    assert rewritten(tmp_path / "eng.testb", "ner", CONLL) == expected


def test_columns_are_numbered_as_in_fine_tuning(tmp_path: Path) -> None:
    content = "1 Paris B-LOC Paris\n2 Paris O Paris\n"
    expected = "1 Pariss B-LOC Paris\n2 Pariss O Paris\n"
    options = ("--word-number", "1", "--tag-number", "2")
    assert rewritten(tmp_path / "own.conll", "tagging", content, *options) == expected


def test_a_file_of_words_alone_is_attacked_too(tmp_path: Path) -> None:
    assert rewritten(tmp_path / "x.txt", "ner", "Paris\nis\n\nlarge\n") == "Pariss\nis\n\nlarg\n"


def replaced(form: ConllFormat, lines: list[str], words: str, sources: tuple[int, ...]) -> list[str]:
    form.learn_columns(lines)
    rows = [form.split(0, line) for line in lines if not form.is_comment(line, is_first=True)]
    old = [row.cells[form.tag_column or 0] for row in rows if row.is_word]
    example = TaggedExample("0", tuple(words.split()), tuple(carry_tags(old, sources)), 0, "x: row 1")
    new = form.replace_words(rows, example, sources)
    return [*form.renew_comments(lines[: len(lines) - len(rows)], rows, new), *new]


def test_words_that_are_split_and_joined_are_rows_of_their_own() -> None:
    lines = ["New\tNNP\tI-NP\tI-LOC ", "York NNP I-NP I-LOC", "thousand  CD B-NP B-X"]
    assert replaced(ColumnFormat(), lines, "NewYork thou sand", (0, 2, 2)) == [
        "NewYork\tNNP\tI-NP\tI-LOC",
        "thou  CD  B-NP  B-X",
        "sand  CD  B-NP  I-X",
    ]


def test_lines_end_as_the_first_line_does(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"in O\r\nthousand O\nx B-Y")
    first, *parts, last, end = attack(path, "ner", kind="space").read_bytes().decode().split("\r\n")
    assert (first, last, end) == ("in O", "x B-Y", "")
    assert len(parts) == 2
    assert "".join(part.removesuffix(" O") for part in parts) == "thousand"


def test_in_conllu_the_forms_change_also_where_they_are_repeated(tmp_path: Path) -> None:
    expected = (
        CONLLU.replace("# text = ParislargeFrance", "# text = ParisslargFarnce")
        .replace("2-3\tlargeFrance", "2-3\tlargFarnce")
        .replace("3.1\tParis", "3.1\tPariss")
    )
    for number, old, new in ((1, "Paris", "Pariss"), (2, "large", "larg"), (3, "France", "Farnce")):
        expected = expected.replace(f"\n{number}\t{old}\t", f"\n{number}\t{new}\t")
    assert rewritten(tmp_path / "x.conllu", "pos", CONLLU) == expected


TREE = "X\tX\t_\t0\troot\t0:root"
SPANISH = [
    "# text = El resto del día.",
    "# text_en = The rest of the day.",
    f"1\tEl\tel\t{TREE}\t_",
    f"2\tresto\tresto\t{TREE}\tA=b",
    f"3-4\tdel\t_\t{TREE}\t_",
    f"3\tde\tde\t{TREE}\t_",
    f"4\tel\tel\t{TREE}\t_",
    f"5-6\tdía.\t_\t{TREE}\tSpaceAfter=No",
    f"5\tdía\tdía\t{TREE}\t_",
    f"6\t.\t.\t{TREE}\t_",
]


@pytest.mark.parametrize(
    ("words", "text", "ranges"),
    (
        ("El resto de el día .", "El resto del día.", ("del", "día.")),
        ("El retso de el día .", "El retso del día.", ("del", "día.")),
        ("El resto de lel día .", "El resto delel día.", ("delel", "día.")),
        ("El resto de el dia .", "El resto del dia.", ("del", "dia.")),
    ),
)
def test_the_text_of_conllu_is_that_of_its_ranges_and_words(
    words: str, text: str, ranges: tuple[str, str]
) -> None:
    first, english, *rows = replaced(ConlluFormat(), SPANISH, words, (0, 1, 2, 3, 4, 5))
    cells = [row.split("\t") for row in rows]
    assert (first, english) == (f"# text = {text}", SPANISH[1])
    assert tuple(each[1] for each in cells if "-" in each[0]) == ranges
    assert [each[1] for each in cells if "-" not in each[0]] == words.split()
    assert [each[2:] for each in cells] == [row.split("\t")[2:] for row in SPANISH[2:]]


def test_in_conllu_split_and_joined_words_are_numbered_anew_and_lose_their_tree() -> None:
    no_tree = "X\tX\t_\t_\t_\t_"
    assert replaced(ConlluFormat(), SPANISH, "El re sto deel día.", (0, 1, 1, 2, 4)) == [
        "# text = El re sto deel día.",
        SPANISH[1],
        f"1\tEl\tel\t{no_tree}\t_",
        f"2\tre\tresto\t{no_tree}\tA=b",
        f"3\tsto\tresto\t{no_tree}\tA=b",
        f"4\tdeel\tde\t{no_tree}\t_",
        f"5\tdía.\tdía\t{no_tree}\tSpaceAfter=No",
    ]


def test_in_squad_the_questions_change_and_nothing_else(tmp_path: Path) -> None:
    found = json.loads(rewritten(tmp_path / "dev.json", "squad2", json.dumps(SQUAD, indent=2)))
    shown = json.dumps(SQUAD).replace("Where is Paris?", "Where is Pariss?").replace("How large", "How larg")
    assert json.dumps(found) == shown


def test_in_squad_answers_move_with_their_contexts(tmp_path: Path) -> None:
    found = json.loads(rewritten(tmp_path / "dev.json", "squad2", json.dumps(SQUAD), "--contexts"))
    first, second = found["data"][0]["paragraphs"]
    assert first["context"] == second["context"] == "Pariss is in Farnce. Pariss is larg."
    known, unknown = first["qas"]
    assert known["answers"] == [{"text": "Farnce", "answer_start": 13}, {"text": "in", "answer_start": 10}]
    assert unknown["plausible_answers"] == [{"text": "larg", "answer_start": 31}]
    assert (found["version"], known["id"], unknown["is_impossible"]) == ("v2.0", "1", True)


def test_an_answer_that_only_seems_right_may_stand_elsewhere(tmp_path: Path) -> None:
    content = json.dumps(SQUAD).replace('"answer_start": 29', '"answer_start": 28')
    found = json.loads(rewritten(tmp_path / "dev.json", "squad2", content, "--contexts"))
    unknown = found["data"][0]["paragraphs"][0]["qas"][1]
    assert unknown["plausible_answers"] == [{"text": "large", "answer_start": 28}]


@pytest.mark.parametrize(
    "value", (None, "large", [{"text": "large"}], [{"text": "large", "answer_start": "29"}])
)
def test_what_is_no_answer_that_seems_right_stays(value: Any, tmp_path: Path) -> None:
    paragraph = {"context": CONTEXT, "qas": [{**QUESTIONS[1], "plausible_answers": value}]}
    content = json.dumps({"data": [{"paragraphs": [paragraph]}]})
    found = json.loads(rewritten(tmp_path / "dev.json", "squad2", content, "--contexts"))
    assert found["data"][0]["paragraphs"][0]["qas"][0]["plausible_answers"] == value


def test_answers_may_be_two_lists_in_squad_too(tmp_path: Path) -> None:
    answers = {"text": ["France"], "answer_start": [12]}
    paragraph = {"context": CONTEXT, "qas": [{**QUESTIONS[0], "answers": answers}]}
    content = json.dumps({"data": [{"paragraphs": [paragraph]}]})
    found = json.loads(rewritten(tmp_path / "dev.json", "squad2", content, "--contexts"))
    assert found["data"][0]["paragraphs"][0]["qas"][0]["answers"] == {
        "text": ["Farnce"],
        "answer_start": [13],
    }


def test_an_answer_that_is_not_in_its_context_is_a_bad_row(tmp_path: Path) -> None:
    content = json.dumps(SQUAD).replace('"answer_start": 12', '"answer_start": 11')
    with pytest.raises(CharBertError, match=r"question 1: the answer 'France' is not at character"):
        rewritten(tmp_path / "dev.json", "squad2", content)


def test_bad_questions_are_not_written_if_they_are_to_be_skipped(tmp_path: Path) -> None:
    content = json.dumps(SQUAD).replace('"answer_start": 12', '"answer_start": 11')
    found = json.loads(rewritten(tmp_path / "dev.json", "squad2", content, "--skip-bad-rows"))
    assert [question["id"] for question in found["data"][0]["paragraphs"][0]["qas"]] == ["2"]


def test_of_two_questions_of_one_id_the_first_is_written(tmp_path: Path) -> None:
    content = json.dumps(SQUAD).replace('"id": "2"', '"id": "1"')
    found = json.loads(rewritten(tmp_path / "dev.json", "squad2", content, "--skip-bad-rows"))
    (question,) = found["data"][0]["paragraphs"][0]["qas"]
    assert question["question"] == "Where is Pariss?"


@pytest.mark.parametrize(
    ("name", "task", "content", "expected"),
    (
        ("x.txt", "ner", b"Paris O\n\nParis O\nParis\n\nParis O\n", "Pariss O\n\n\nPariss O\n"),
        ("y.txt", "ner", b"Paris O\n\nParis O\ncaf\xe9 O\n", "Pariss O\n\n"),
        (
            "x.conllu",
            "pos",
            f"# 1\n1\tParis\tx\t{REST}\n\n# caf\xe9\n1\tParis\tx\t{REST}\n\n# 3\nx\n\n".encode("latin1"),
            f"# 1\n1\tPariss\tx\t{REST}\n\n\n# 3\n\n",
        ),
    ),
)  # fmt: skip
def test_sentences_with_a_bad_row_are_not_written_if_they_are_to_be_skipped(
    name: str, task: str, content: bytes, expected: str, tmp_path: Path
) -> None:
    assert rewritten(tmp_path / name, task, content, "--skip-bad-rows") == expected


def test_a_remark_within_a_sentence_of_conllu_comes_before_it(tmp_path: Path) -> None:
    content = f"1\tParis\tx\t{REST}\n# here\n2\tin\tx\t{REST}\n"
    expected = f"# here\n1\tPariss\tx\t{REST}\n2\tin\tx\t{REST}\n"
    assert rewritten(tmp_path / "x.conllu", "pos", content) == expected
