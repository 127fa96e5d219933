"""`python -m finetune robustness`: from folders of runs to a report."""

import json
import shutil
from pathlib import Path
from typing import Any

import conftest
import pytest
import torch
import yaml
from small_finetuning import TAGGED, write_conll, write_csv, write_finetune_config, write_squad

from charbert.errors import CharBertError
from charbert.recognition import WordRecognizer, WordRecognizerConfig
from charbert.vocabulary import UNKNOWN
from finetune.__main__ import main
from finetune.robustness import measure

SETTINGS = {"kinds": ["paper", "space"], "rates": [0, 0.5, 1], "seeds": [1, 2], "examples": 1}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of runs: `plain` (two seeds) and `charbert` tag, `text` and `qa` do what they are called."""
    folder = tmp_path_factory.mktemp("runs")
    plain = conftest.save_plain(folder / "checkpoint", "bert", "model")
    tags, texts = write_conll(folder / "tags.conll"), write_csv(folder / "texts.csv")
    questions = write_squad(folder / "qa.json")
    tagging = {"task": "tagging", "train": tags, "dev": tags}
    for name, given in {
        "plain": {**tagging, "model": plain, "seeds": [1, 2], "epochs": 3},
        "charbert": {**tagging, "backbone": plain, "epochs": 3},
        "text": {"task": "text", "train": texts, "dev": texts, "model": plain, "epochs": 1},
        "qa": {
            "task": "qa",
            "train": questions,
            "dev": questions,
            "model": plain,
            "unanswerable": True,
            "epochs": 1,
        },
    }.items():
        main([str(write_finetune_config(folder / name, **given))])
    return folder


def reported(runs: Path, output: Path, models: list[str], test: str, **changes: Any) -> dict[str, Any]:
    """The content of `report.json` of a report on models of these folders."""
    config = output.with_suffix(".yaml")
    given = [model if "=" in model else str(runs / model) for model in models]
    content = {**SETTINGS, "models": given, "test": str(runs / test), "output": str(output), **changes}
    config.write_text(yaml.safe_dump(content))
    main(["robustness", str(config)])
    found: dict[str, Any] = json.loads((output / "report.json").read_text())
    return found


@pytest.fixture(scope="module")
def tagging(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A report on both models that tag, and its folder."""
    output = tmp_path_factory.mktemp("reports") / "tagging"
    attacked = runs / "attacked.conll"
    write_conll(attacked, [([word[::-1] for word in words], tags) for words, tags in TAGGED])
    given = {"attacked": [f"reversed={attacked}"], "worst_case": [1], "worst_case_limit": 1}
    return output, reported(runs, output, ["plain", "charbert"], "tags.conll", **given)


def test_a_report_measures_each_model_under_each_attack(tagging: tuple[Path, dict[str, Any]]) -> None:
    _, report = tagging
    assert report["task"] == "tagging"
    assert report["examples"] == len(TAGGED)
    assert [model["name"] for model in report["models"]] == ["plain", "charbert"]
    for model in report["models"]:
        assert set(model["kinds"]) == {"paper", "space"}
        assert set(model["files"]) == {"reversed"}
        assert [point["rate"] for point in model["curve"]] == [0, 0.5, 1]
        assert model["curve"][0]["score"]["mean"] == model["clean"]["mean"]
        assert model["drop"]["mean"] == pytest.approx(model["clean"]["mean"] - model["attacked"]["mean"])
        assert model["milliseconds_per_example"] > 0
        assert 0 < model["sensitivity"]["token_channel"]["changed"] < 1
        assert [row["edits"] for row in model["worst_case"]["by_edits"]] == [0, 1]
        assert set(model["word_split"]) == {"clean", "attacked"}
    assert "character_channel" in report["models"][1]["sensitivity"]


def test_scores_are_those_of_the_run(runs: Path, tagging: tuple[Path, dict[str, Any]]) -> None:
    model = tagging[1]["models"][1]
    results = json.loads((runs / "charbert" / "results.json").read_text())
    assert model["clean"]["mean"] == pytest.approx(100 * results["dev_f1"])


def test_seeds_of_a_model_are_one_model(tagging: tuple[Path, dict[str, Any]]) -> None:
    plain, ours = tagging[1]["models"]
    assert [Path(folder).name for folder in plain["folders"]] == ["seed-1", "seed-2"]
    assert plain["drop"]["over"] == "seeds of the model"
    assert ours["drop"]["over"] == "seeds of the attack"


def test_attacks_are_counted(tagging: tuple[Path, dict[str, Any]]) -> None:
    attacks = tagging[1]["attacks"]
    assert [(each["kind"], each["rate"], each["seed"]) for each in attacks] == [
        *(("paper", 1.0, 1), ("paper", 1.0, 2), ("space", 1.0, 1), ("space", 1.0, 2)),
        *(("paper", 0.5, 1), ("paper", 0.5, 2)),
    ]
    # Long enough are the adjective, the verb, and some of the nouns.
    long = sum(len(word) >= 4 for words, _ in TAGGED for word in words)
    assert attacks[0]["words"] == sum(len(words) for words, _ in TAGGED)
    assert attacks[0]["eligible"] == attacks[0]["changed"] == long
    assert 0 < attacks[4]["changed"] < long


def test_the_folder_holds_page_report_and_results(tagging: tuple[Path, dict[str, Any]]) -> None:
    output, report = tagging
    results = json.loads((output / "results.json").read_text())
    assert results["charbert_drop_file_reversed"] == report["models"][1]["files"]["reversed"]["drop"]["mean"]
    assert results["charbert_drop_f1"] == report["models"][1]["drop"]["mean"]
    assert "<svg" in (output / "report.html").read_text(encoding="utf-8")


def test_a_report_that_goes_on_measures_nothing_twice(
    runs: Path, tagging: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, report = tagging
    output = tmp_path / "again"
    shutil.copytree(before, output)
    (output / "report.html").unlink()
    cells = (output / "cells.jsonl").read_text()
    monkeypatch.setattr(measure, "LoadedModel", lambda *_: pytest.fail("a model was loaded"))
    given = {"resume": True, "seeds": [1], "rates": [0]}
    found = reported(runs, output, ["charbert"], "tags.conll", **given)
    assert (output / "cells.jsonl").read_text() == cells
    assert found["models"][0]["clean"] == report["models"][1]["clean"]
    assert (output / "report.html").exists()


def test_too_large_batches_are_told(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(measure.LoadedModel, "predictions", full)
    with pytest.raises(CharBertError, match="batches of 64 examples; go on with --resume and a smaller"):
        reported(runs, tmp_path / "out", ["charbert"], "tags.conll", batch_size=64)


def test_an_attacked_file_may_have_joined_and_divided_words(runs: Path, tmp_path: Path) -> None:
    noised = []
    for words, (first, *others) in TAGGED:
        divided = [*words[:2], words[2][:2], words[2][2:], *words[3:]]
        noised.append((divided, [first, *others[:2], f"I-{others[1][2:]}", *others[2:]]))
    path = write_conll(runs / "divided.conll", noised)
    given = {"attacked": [f"divided={path}"], "kinds": ["drop"], "rates": [1], "seeds": [1]}
    [model] = reported(runs, tmp_path / "out", ["charbert"], "tags.conll", **given)["models"]
    assert model["files"]["divided"]["drop"]["mean"] > 0


@pytest.mark.parametrize("variant", ["neutral", "reader"])
def test_a_recogniser_reads_before_the_model(runs: Path, tmp_path: Path, variant: str) -> None:
    # It knows no word, and reads `a` for each or lets another one do the same: no typo gets past it.
    reader = runs / "reader"
    WordRecognizer(WordRecognizerConfig(words=["a", UNKNOWN], characters="abc")).save_pretrained(reader)
    blind = runs / "blind"
    WordRecognizer(WordRecognizerConfig(words=[UNKNOWN], characters="abc")).save_pretrained(blind)
    with torch.no_grad():
        knowing = WordRecognizer.from_pretrained(reader)
        knowing.classifier.weight.zero_()
        knowing.classifier.bias.copy_(torch.tensor([1.0, 0.0]))
    knowing.save_pretrained(reader)
    models = ["charbert", f"read={runs / 'charbert'}::{blind}::{variant if variant == 'neutral' else reader}"]
    given = {"kinds": ["drop"], "rates": [1], "seeds": [1]}
    alone, read = reported(runs, tmp_path / "out", models, "tags.conll", **given)["models"]
    assert read["drop"]["mean"] == 0
    assert read["sensitivity"]["token_channel"]["changed"] == pytest.approx(0, abs=1e-6)
    assert read["sensitivity"]["changed_words"] > 0
    assert read["parameters"] > alone["parameters"]
    assert alone["sensitivity"]["token_channel"]["changed"] > 0.001


def test_a_time_is_measured_anew_on_another_device(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"kinds": ["drop"], "rates": [1], "seeds": [1]}
    reported(runs, tmp_path / "out", ["text"], "texts.csv", **given)
    cells = (tmp_path / "out" / "cells.jsonl").read_text().splitlines()
    monkeypatch.setattr(measure, "device_name", lambda: "another")
    [model] = reported(runs, tmp_path / "out", ["text"], "texts.csv", **given, resume=True)["models"]
    assert model["device"] == "another"
    assert len((tmp_path / "out" / "cells.jsonl").read_text().splitlines()) == len(cells) + 1


def test_one_seed_has_no_interval_over_seeds(runs: Path, tmp_path: Path) -> None:
    given = {"kinds": ["drop"], "rates": [1], "seeds": [1]}
    [model] = reported(runs, tmp_path / "out", ["text"], "texts.csv", **given)["models"]
    assert "low" not in model["drop"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "the mean over 1 seed of the attack" in page
    assert "for which two seeds are needed" in page


@pytest.mark.parametrize(("model", "test"), [("text", "texts.csv"), ("qa", "qa.json")])
def test_texts_and_questions_are_reported_too(runs: Path, tmp_path: Path, model: str, test: str) -> None:
    found = reported(runs, tmp_path / "out", [f"mine={runs / model}"], test, limit=6, rate=0.5)
    assert found["examples"] == 6
    assert found["main_attack"] == {"kind": "paper", "rate": 0.5}
    [only] = found["models"]
    assert only["name"] == "mine"
    assert 0 <= only["attacked"]["mean"] <= 100
    assert only["word_split"] is None


def test_all_kinds_are_the_default(runs: Path, tmp_path: Path) -> None:
    words = tmp_path / "misspellings.txt"
    words.write_text("quikc->quick\nbronw->brown\n")
    given = {"kinds": [], "misspellings": str(words), "seeds": [1], "rates": [1], "limit": 4}
    found = reported(runs, tmp_path / "out", ["text"], "texts.csv", **given)
    assert found["kinds"] == [*("paper", "drop", "add", "swap", "keyboard"), *found["kinds"][5:]]
    assert {"natural", "ocr", "case", "space", "unicode"} <= set(found["kinds"])


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


def test_a_test_file_without_labels_is_refused(runs: Path, tmp_path: Path) -> None:
    (runs / "words.conll").write_text("the\nlazy\ndog\n\na\nfox\n")
    (runs / "no-labels.csv").write_text("text\na dog\na fox\n")
    for model, name in (("charbert", "words.conll"), ("text", "no-labels.csv")):
        assert f"{name}: has no labels" in refused(runs, tmp_path, [model], name)


def test_an_attacked_file_with_fewer_examples_is_refused(runs: Path, tmp_path: Path) -> None:
    short = write_conll(runs / "short.conll", TAGGED[:5])
    message = refused(runs, tmp_path, ["charbert"], attacked=[f"short={short}"])
    assert f"short.conll: 5 examples, of which 5 belong to the {len(TAGGED)}" in message


def test_an_attacked_file_with_other_tags_is_refused(runs: Path, tmp_path: Path) -> None:
    other = write_conll(runs / "other.conll", TAGGED[::-1])
    message = refused(runs, tmp_path, ["charbert"], attacked=[f"other={other}"])
    assert "other.conll: row" in message
    assert "has other labels than" in message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rates": [0, 1.5]}, "rates: 1.5 must lie between 0 and 1"),
        ({"rate": -0.5}, "rate=-0.5 must lie above 0"),
        ({"kinds": ["drop", "typo"]}, "'typo' is unknown; choose of paper"),
        ({"seeds": [1, 1]}, "give none twice"),
        ({"attacked": ["file.conll"]}, "is not NAME=FILE"),
        ({"resume": True, "overwrite": True}, "exclude each other"),
        ({"worst_case": [0]}, "must be at least 1"),
        ({"language": "xx"}, "xx"),
        ({"batch_size": -1}, "batch_size=-1 must be at least 0"),
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
    given = {"task": "text", "kind": "regression", "train": scores, "dev": scores, "epochs": 1}
    main([str(write_finetune_config(tmp_path / "model", model=runs / "checkpoint", **given))])
    models = [f"numbers={tmp_path / 'model'}"]
    assert "worst_case: a number" in refused(tmp_path, tmp_path, models, "scores.csv", worst_case=[1])
    found = reported(tmp_path, tmp_path / "out", models, "scores.csv", kinds=["drop"], seeds=[1])
    assert found["measure"] == "pearson"
    assert found["shown_examples"] == []


def test_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["robustness", "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert "python -m finetune robustness" in text
    assert "--misspellings" in text
