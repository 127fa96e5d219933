"""The reproduction: its data sets, its numbers, its page."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from benchmarks.__main__ import main
from benchmarks.reproduction import page, plus
from benchmarks.reproduction.data_sets import join_word, join_words, pairs_of_context, pairs_of_sentences
from benchmarks.reproduction.numbers import Record, gather_records, read_records
from benchmarks.reproduction.tables import Numbers, make_differences_table, make_robustness_table
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
    rendered = page.render_page(page.PAGE.name, read_records(page.RECORDS))
    assert page.PAGE.read_text(encoding="utf-8") == rendered


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


def make_reports(task: str, attacked: dict[str, tuple[float, ...]], clean: float = 80.0) -> list[Record]:
    """A report of each model and seed, with a score under the paper's attack."""
    return [
        {
            **{"what": "report", "task": task, "model": model, "seed": str(seed)},
            **{"clean": clean, "paper": score},
        }
        for model, scores in attacked.items()
        for seed, score in enumerate(scores)
    ]


def test_the_page_of_charbert_plus_is_that_of_the_committed_numbers() -> None:
    records = read_records(page.RECORDS) + read_records(page.PLUS_RECORDS)
    assert page.PLUS_PAGE.read_text(encoding="utf-8") == page.render_page(page.PLUS_PAGE.name, records)


def test_a_table_has_neither_models_nor_attacks_without_numbers() -> None:
    numbers = Numbers(make_reports("ner", {"plus": (60.0, 64.0)}))
    table = make_robustness_table(numbers, "ner", ["bert", "plus"], {})
    assert table.splitlines() == [
        "|  | seeds | clean | attacked | kept |",
        "| --- | --- | --- | --- | --- |",
        "| charbert-plus | 2 | 80.0 ± 0.0 | 62.0 ± 2.8 | 77.5% |",
    ]


def test_differences_are_those_of_models_with_several_seeds() -> None:
    numbers = Numbers(
        make_reports("ner", {"plus": (70.0, 71.0), "plus-advbert": (60.0, 61.0), "bert": (50.0,)})
    )
    table = make_differences_table(
        numbers, "ner", [("plus", "plus-advbert"), ("plus", "bert"), ("plus", "clean")]
    )
    [header, _, row] = table.splitlines()
    assert header == "|  | clean | attacked |"
    assert row.startswith("| charbert-plus above AdvBERT (`plus`) | +0.0 (+0.0 to +0.0) | +10.0 (")
    assert make_differences_table(numbers, "ner", [("plus", "bert")]) == ""


@pytest.mark.parametrize(
    ("plus_scores", "advbert_scores", "held"),
    [
        ((66.0, 66.2), (60.0, 60.2), [True, True]),
        ((65.0, 65.2), (60.0, 60.2), [False, True]),  # 81.4% of 80
        ((66.0, 66.2), (63.0, 63.2), [True, False]),  # 3 points above
        ((66.0, 66.2), (), [True]),
    ],
)
def test_goals_are_held_by_the_numbers(
    plus_scores: tuple[float, ...], advbert_scores: tuple[float, ...], held: list[bool]
) -> None:
    records = make_reports("ner", {"plus": plus_scores, "plus-advbert": advbert_scores})
    assert [goal.held for goal in plus.check_goals(Numbers(records))] == held


@pytest.mark.parametrize(("advbert_scores", "held"), [((70.0, 70.2), True), ((60.0, 81.0), False)])
def test_a_lead_without_points_is_an_interval_without_0(
    advbert_scores: tuple[float, ...], held: bool
) -> None:
    records = make_reports("sst2", {"plus-augmented": (71.0, 71.2), "plus-advbert-augmented": advbert_scores})
    assert [goal.held for goal in plus.check_goals(Numbers(records))] == [False, held]


def test_further_records_extend_the_page() -> None:
    records = read_records(page.RECORDS) + read_records(page.PLUS_RECORDS)
    before = page.render_page(page.PLUS_PAGE.name, records)
    more = make_reports(
        "ner", {"plus-corrected": (79.0, 78.0, 79.0), "ablation-all": (70.0, 71.0, 70.5)}, 88.0
    )
    after = page.render_page(page.PLUS_PAGE.name, records + more)
    assert "| charbert-plus + correction | 3 |" not in before and "## What each part gives" not in before
    assert "| charbert-plus + correction | 3 |" in after and "## What each part gives" in after
    assert "| CoNLL-2003, with correction: keeps 92% | 89.4% | missed |" in after
    assert "| charbert-plus, 1,600 steps above CharBERT, 1,600 steps |" in after


def test_a_pretraining_that_was_resumed_after_its_last_step_has_no_time() -> None:
    found = {"steps": 7800, "samples_seen": 3_993_600, "eval_mlm_loss": 2.5, "eval_mlm_accuracy": 0.5}
    record = {"what": "run", "task": plus.PRETRAINING, "seed": "0", **found}
    numbers = Numbers(
        [
            {**record, "model": "plus", "tokens_per_second": 532_480.0},
            {**record, "model": "plus-advbert", "tokens_per_second": None},
        ]
    )
    assert plus.make_pretraining_table(numbers).splitlines()[2:] == [
        "| charbert-plus | 7,800 | 2.5000, 50.0% |  | 16 min |",
        "| AdvBERT (`plus`) | 7,800 | 2.5000, 50.0% |  |  |",
    ]


def test_what_has_no_report_is_named_until_it_has() -> None:
    models = [
        f"{model}{end}" for model in ("plus", "plus-advbert") for end in ("", "-augmented", "-corrected")
    ]
    everything = dict.fromkeys([*models, *plus.PARTS], (70.0,))
    measured = [record for task in plus.TASKS for record in make_reports(task, everything)]
    assert plus.find_missing(Numbers(measured)) == {}
    without = [record for record in measured if (record["task"], record["model"]) != ("sst2", "plus-advbert")]
    assert plus.find_missing(Numbers(without)) == {"SST-2": ["AdvBERT (`plus`)"]}
