"""The reproduction: its data sets, its numbers, its page."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from benchmarks.__main__ import main
from benchmarks.reproduction import page
from benchmarks.reproduction.data_sets import join_word, join_words, pairs_of_context, pairs_of_sentences
from benchmarks.reproduction.numbers import gather_records, read_records
from benchmarks.reproduction.tables import Numbers
from charbert.errors import CharBertError, run_command


def test_a_question_gets_the_sentence_with_its_answer_and_the_one_most_like_it() -> None:
    context = "Anna lives in Rome. She came by train in 1990. Trains to Rome are slow."
    pairs = list(pairs_of_context("When did Anna come to Rome?", context, context.index("1990")))
    assert pairs == [
        ("When did Anna come to Rome?", "She came by train in 1990.", "entailment"),
        ("When did Anna come to Rome?", "Anna lives in Rome.", "not_entailment"),
    ]


def test_a_text_of_one_sentence_has_no_wrong_one() -> None:
    assert len(list(pairs_of_context("Who?", "Anna.", 0))) == 1


def test_a_pair_gets_the_most_alike_of_other_sentences() -> None:
    pairs = list(
        pairs_of_sentences(["Who runs?", "Who eats?"], ["Anna runs.", "Ben eats."], random.Random(0))
    )
    assert [(pair[1], pair[2]) for pair in pairs] == [
        ("Anna runs.", "entailment"),
        ("Ben eats.", "not_entailment"),
        ("Ben eats.", "entailment"),
        ("Anna runs.", "not_entailment"),
    ]


def test_a_word_with_a_blank_becomes_one_word() -> None:
    assert join_word("S & P NNP I-NP B-ORG") == "S&P NNP I-NP B-ORG"
    assert join_word("Anna NNP B-NP B-PER") == "Anna NNP B-NP B-PER"
    assert join_word("") == ""


def test_a_last_row_without_a_line_end_is_kept(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("S & P NNP I-NP B-ORG\n\nAnna NNP B-NP B-PER")
    assert join_words(tmp_path / "in.txt") == ("S&P NNP I-NP B-ORG\n\nAnna NNP B-NP B-PER\n", 2)


def test_a_pair_without_other_sentences_has_no_wrong_one() -> None:
    pairs = pairs_of_sentences(["Who runs?", "Who ran?"], ["Anna runs."] * 2, random.Random(0))
    assert [pair[2] for pair in pairs] == ["entailment"] * 2


ARTICLE = {
    "title": "Rome",
    "paragraphs": [
        {
            "context": "Anna lives in Rome. She came by train.",
            "qas": [{"id": "1", "question": "Where?", "answers": [{"text": "Rome", "answer_start": 14}]}],
        }
    ],
}
PUBLISHED = {
    **dict.fromkeys(("squad", "squad2", "train"), json.dumps({"data": [ARTICLE]})),
    **dict.fromkeys(
        ("qnli", "attacked-qnli"), "index\tquestion\tsentence\tlabel\n0\tWhere?\tIn Rome.\tentailment\n"
    ),
    "pairs": json.dumps({"questions": ["Who?"], "answers": ["Anna."]}),
    "attacked-conll": "S & P NNP I-NP B-ORG\n\nAnna NNP B-NP B-PER\n",
}


@pytest.fixture
def published(tmp_path: Path) -> list[str]:
    """The command with files of every kind."""
    for name, content in PUBLISHED.items():
        (tmp_path / name).write_text(content)
    given = [word for name in PUBLISHED for word in (f"--{name}", str(tmp_path / name))]
    return ["reproduction-sets", *given, "--output", str(tmp_path / "sets")]


def test_sets_are_made_of_published_files(published: list[str], tmp_path: Path) -> None:
    assert run_command(main, published) == 0
    assert (tmp_path / "sets/qnli/train.tsv").read_text().splitlines()[1:] == [
        "0\tWhere?\tIn Rome.\tentailment",
        "1\tWhere?\tAnna lives in Rome.\tentailment",
        "2\tWhere?\tShe came by train.\tnot_entailment",
        "3\tWho?\tAnna.\tentailment",
    ]
    assert json.loads((tmp_path / "sets/squad2/train.json").read_bytes())["data"] == [ARTICLE]


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize(
    "content", ["", "{", "[1]", '{"data":[{"paragraphs":[{"qas":[1]}]}]}', "a\tb\n1\t2\n", "\0\n"]
)
def test_files_of_another_kind_are_refused(
    published: list[str], tmp_path: Path, name: str, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(content)
    assert run_command(main, published) == 1
    [message] = capsys.readouterr().err.splitlines()
    assert str(tmp_path / name) in message
    assert not (tmp_path / "sets").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("pairs", '{"questions": [], "answers": ["a"]}', "must hold texts as `questions`, and as many as"),
        ("pairs", '{"questions": [1], "answers": ["a"]}', "must hold texts"),
        ("qnli", "index\tquestion\tsentence\n0\tWhere?\tRome.\n", "row 2: has no label"),
        ("attacked-qnli", PUBLISHED["qnli"] + "1\tWho?\tAnna.\tentailment\n", "holds 2 pairs, and"),
        ("qnli", PUBLISHED["qnli"].replace("Where", "When"), "row 2: 'When?' is not in"),
    ],
)
def test_files_that_do_not_fit_are_refused(
    published: list[str],
    tmp_path: Path,
    name: str,
    content: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / name).write_text(content)
    assert run_command(main, published) == 1
    assert f"{tmp_path / name}: {message}" in capsys.readouterr().err


def test_the_page_is_that_of_the_committed_numbers() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.render_page(read_records(page.RECORDS))


def test_records_are_gathered_from_runs_and_reports(tmp_path: Path) -> None:
    def write(path: str, content: Any) -> None:
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(json.dumps(content))

    with pytest.raises(CharBertError, match="lacks runs, TASK/MODEL/seed-N, or reports"):
        gather_records(tmp_path)
    write(
        "ner/bert/seed-2/results.json", {"test_f1": 0.12345678, "test_f1_low": 0.1, "settings": {}, "seed": 2}
    )
    model = {
        "name": "WordRec",
        "clean": {"mean": 80.0},
        "kinds": {"paper": {"score": {"mean": 60.0}}},
        "files": {"released": {"score": {"mean": 59.0}}},
        "word_split": None,
        "sensitivity": {"token_channel": {"all": 0.1}, "words": 3},
        "worst_case": {"by_edits": [{"edits": 1, "robust_accuracy": 20.0}]},
    }
    write("robust/ner/bert/seed-2/report.json", {"models": [model]})
    assert gather_records(tmp_path) == [
        {"what": "run", "task": "ner", "model": "bert", "seed": "2", "test_f1": 0.1235},
        {
            **{
                "what": "report",
                "task": "ner",
                "model": "WordRec",
                "seed": "2",
                "clean": 80.0,
                "paper": 60.0,
            },
            **{"released": 59.0, "sensitivity_token_channel": 0.1, "worst_case_1": 20.0},
        },
    ]


def test_a_difference_has_the_interval_of_welch() -> None:
    scores = {"a": (70.0, 72.0, 74.0), "b": (69.0, 70.0, 71.0)}
    records = [
        {"what": "report", "task": "ner", "model": model, "seed": str(seed), "paper": score}
        for model, row in scores.items()
        for seed, score in enumerate(row)
    ]
    more, low, high = Numbers(records).difference("ner", "a", "b", "paper")
    interval = stats.ttest_ind(scores["a"], scores["b"], equal_var=False).confidence_interval()
    assert (more, low, high) == pytest.approx((2.0, interval.low, interval.high))
