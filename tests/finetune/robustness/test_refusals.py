"""Reports of robustness that cannot be."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from small_finetuning import TAGGED, write_conll, write_finetune_config
from small_robustness import reported, save_runs

from charbert.errors import CharBertError
from finetune.__main__ import main


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_runs(tmp_path_factory.mktemp("runs"))


def refused(runs: Path, tmp_path: Path, models: list[str], test: str = "tags.conll", **changes: Any) -> str:
    """The message of a report that cannot be, which leaves nothing behind."""
    with pytest.raises(CharBertError) as error:
        reported(runs, tmp_path / "out", models, test, **changes)
    assert not (tmp_path / "out").exists()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_models_of_different_tasks_are_refused(runs: Path, tmp_path: Path) -> None:
    message = refused(runs, tmp_path, ["charbert", "text"])
    assert "was trained for text" in message
    assert "for tagging" in message


def test_a_folder_that_no_run_made_is_refused(runs: Path, tmp_path: Path) -> None:
    assert "has no task.json" in refused(runs, tmp_path, ["checkpoint"])


def test_a_seed_that_is_not_finished_is_refused(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "plain", tmp_path / "plain")
    (tmp_path / "plain" / "seed-2" / "task.json").unlink()
    message = refused(runs, tmp_path, [f"plain={tmp_path / 'plain'}"])
    assert message.startswith(str(tmp_path / "plain" / "seed-2"))


@pytest.mark.parametrize("way", ["overwrite", "resume"])
def test_results_of_another_command_are_not_replaced(runs: Path, way: str) -> None:
    before = (runs / "plain" / "results.json").read_text()
    with pytest.raises(CharBertError, match=r"holds the results\.json of another command"):
        reported(runs, runs / "plain", ["charbert"], "tags.conll", **{way: True})
    assert (runs / "plain" / "results.json").read_text() == before


def test_two_models_of_one_name_are_refused(runs: Path, tmp_path: Path) -> None:
    models = ["charbert", f"charbert={runs / 'plain'}"]
    assert "two have the name 'charbert'" in refused(runs, tmp_path, models)


@pytest.mark.parametrize("text", ["=runs", "name=", "a=runs::", "a=runs::b::c::d"])
def test_a_model_in_another_form_is_refused(runs: Path, tmp_path: Path, text: str) -> None:
    assert "is not [NAME=]FOLDER, [NAME=]FOLDER::RECOGNIZER" in refused(runs, tmp_path, [text])


def test_a_recogniser_that_is_none_is_refused(runs: Path, tmp_path: Path) -> None:
    models = [f"a={runs / 'charbert'}::{runs / 'checkpoint'}"]
    assert "no word recogniser" in refused(runs, tmp_path, models)
    models = [f"a={runs / 'charbert'}::{runs / 'charbert'}"]
    assert "its noisy LM, which restores words, has never been trained" in refused(runs, tmp_path, models)


def test_a_test_file_without_labels_is_refused(runs: Path, tmp_path: Path) -> None:
    (runs / "words.conll").write_text("the\nlazy\ndog\n\na\nfox\n")
    (runs / "no-labels.csv").write_text("text\na dog\na fox\n")
    for model, name in (("charbert", "words.conll"), ("text", "no-labels.csv")):
        assert f"{name}: has no labels" in refused(runs, tmp_path, [model], name)


def test_an_attacked_file_with_fewer_examples_is_refused(runs: Path, tmp_path: Path) -> None:
    short = write_conll(runs / "short.conll", TAGGED[:5])
    message = refused(runs, tmp_path, ["charbert"], attacked=[f"short={short}"])
    assert f"short.conll: 5 examples, and {len(TAGGED)} in" in message


def test_an_attacked_file_with_other_tags_is_refused(runs: Path, tmp_path: Path) -> None:
    other = write_conll(runs / "other.conll", TAGGED[::-1])
    message = refused(runs, tmp_path, ["charbert"], attacked=[f"other={other}"])
    assert "other.conll: row" in message
    assert "has other labels than" in message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rates": [0, 1.5]}, "--rates: 1.5 must be at least 0 and at most 1"),
        ({"rate": -0.5}, "--rate: -0.5 must be above 0"),
        ({"kinds": ["drop", "typo"]}, "--kinds: 'typo' is unknown; choose one of paper"),
        ({"seeds": [1, 1]}, "--seeds: 1 1 names one twice"),
        ({"attacked": ["file.conll"]}, "is not NAME=FILE"),
        ({"resume": True, "overwrite": True}, "exclude each other"),
        ({"budgets": [0]}, "--budgets: 0 must be at least 1"),
        ({"language": "xx"}, "xx"),
        ({"worst_case_limit": 5}, "'worst_case_limit' has the name 'searched_examples' now"),
        ({"batch_tokens": -1}, "--batch-tokens: -1 must be at least 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    runs: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    assert message in refused(runs, tmp_path, ["charbert"], **changes)


def test_numbers_have_no_worst_case(runs: Path, tmp_path: Path) -> None:
    scores = tmp_path / "scores.csv"
    scores.write_text(
        "text,label\n" + "".join(f"{' '.join(words)},{n}\n" for n, (words, _) in enumerate(TAGGED))
    )
    given = {"task": "text", "label_kind": "regression", "train": scores, "dev": scores, "epochs": 1}
    main([str(write_finetune_config(tmp_path / "model", model=runs / "checkpoint", **given))])
    models = [f"numbers={tmp_path / 'model'}"]
    assert "--budgets: a number" in refused(tmp_path, tmp_path, models, "scores.csv", budgets=[1])
    found = reported(tmp_path, tmp_path / "out", models, "scores.csv", kinds=["drop"], seeds=[1])
    assert found["measure"] == "pearson"
    assert found["shown_examples"] == []
