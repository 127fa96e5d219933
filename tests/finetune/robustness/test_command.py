"""`python -m finetune robustness`: from folders of runs to a report."""

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from small_correction import saved_model
from small_finetuning import TAGGED, write_conll
from small_robustness import reported, save_runs

import charbert.__main__
import finetune
from charbert.errors import CharBertError
from charbert.noise import misspellings
from charbert.recognizer.modeling import WordRecognizer, WordRecognizerConfig
from charbert.vocabulary import UNKNOWN
from data.examples.types import TaggedExample
from finetune.__main__ import main
from finetune.robustness import conditions, measure
from finetune.robustness.models import find_models


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def tagging(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A report on both models that tag, and its folder."""
    output = tmp_path_factory.mktemp("reports") / "tagging"
    attacked = runs / "attacked.conll"
    write_conll(attacked, [([word[::-1] for word in words], tags) for words, tags in TAGGED])
    given = {"attacked": [f"reversed={attacked}"], "budgets": [1], "searched_examples": 1}
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


def test_an_exported_model_stands_beside_its_own(runs: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: charbert[export]")
    pytest.importorskip("onnxscript", reason="onnxscript is not installed: charbert[export]")
    folder = str(tmp_path / "exported")
    charbert.__main__.main(["export", str(runs / "charbert"), "--output", folder])
    given = [f"graph={folder}", "charbert"]
    report = reported(runs, tmp_path / "report", given, "tags.conll", kinds=["paper"], seeds=[1])
    graph, model = report["models"]
    assert graph["name"] == "graph" and graph["attacked"] == model["attacked"]
    assert graph["sensitivity"] == {} and graph["parameters"] is None
    file, made = str(runs / "tags.conll"), []
    for number, each in enumerate((folder, str(runs / "charbert"))):
        predicted, worst = tmp_path / f"{number}.conll", tmp_path / f"{number}.json"
        main(["predict", each, file, "--output", str(predicted)])
        searched = ["--budgets", "1", "--searched-examples", "1", "--variants", "2"]
        main(["worst-case", each, file, "--output", str(worst), *searched])
        made.append((predicted.read_text(), json.loads(worst.read_text())["examples"][0]["worst"]))
    assert made[0] == made[1]
    with pytest.raises(CharBertError, match="--max-length: 500, but the model has 80 positions"):
        main(["worst-case", folder, file, "--output", str(tmp_path / "new.json"), "--max-length", "500"])


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


def test_the_cards_of_the_models_have_what_typos_cost(
    runs: Path, tagging: tuple[Path, dict[str, Any]]
) -> None:
    for model in tagging[1]["models"]:
        for folder in model["folders"]:
            card = (Path(folder) / "README.md").read_text()
            assert " lost) |" in card
            assert ("mean of 2 trainings, clean" in card) == (model["name"] == "plain")


def test_the_folder_holds_page_report_and_results(tagging: tuple[Path, dict[str, Any]]) -> None:
    output, report = tagging
    results = json.loads((output / "results.json").read_text())
    assert results["charbert_lost_file_reversed"] == report["models"][1]["files"]["reversed"]["drop"]["mean"]
    assert results["charbert_lost_f1"] == report["models"][1]["drop"]["mean"]
    assert "<svg" in (output / "report.html").read_text(encoding="utf-8")


def test_a_report_that_goes_on_measures_nothing_twice(
    runs: Path, tagging: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, report = tagging
    output = tmp_path / "again"
    shutil.copytree(before, output)
    (output / "report.html").unlink()
    cache = (output / "cache.jsonl").read_text()
    monkeypatch.setattr(measure, "LoadedModel", lambda *_: pytest.fail("a model was loaded"))
    given = {"resume": True, "seeds": [1], "rates": [0]}
    found = reported(runs, output, ["charbert"], "tags.conll", **given)
    assert (output / "cache.jsonl").read_text() == cache
    assert found["models"][0]["clean"] == report["models"][1]["clean"]
    assert (output / "report.html").exists()


def test_too_large_batches_are_told(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(measure.LoadedModel, "predict", full)
    with pytest.raises(CharBertError, match="batches of 500 tokens; go on with --resume and fewer"):
        reported(runs, tmp_path / "out", ["charbert"], "tags.conll", batch_tokens=500)


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


ENDS = (("corrected", ""), ("more", "::0.2"))


def test_a_noisy_lm_corrects_the_text_before_the_model(runs: Path, tmp_path: Path) -> None:
    corrector = saved_model(tmp_path / "corrector", "bert", {"brown": 0.9})
    [model, other] = find_models([f"{name}={runs / 'charbert'}::{corrector}{end}" for name, end in ENDS])
    assert (str(model.recognizer), str(other.recognizer)) == (corrector, f"{corrector}::0.2")
    loaded = measure.LoadedModel(model.runs[0], model.recognizer, 0)
    [read] = loaded.read([TaggedExample("1", ("a", "Borwn", "dog"), ("O", "B-PER", "O"), 0, "row 1")])
    assert read.words == ("a", "Brown", "dog")


def test_a_time_is_measured_anew_on_another_device(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"kinds": ["drop"], "rates": [1], "seeds": [1]}
    reported(runs, tmp_path / "out", ["text"], "texts.csv", **given)
    before = (tmp_path / "out" / "cache.jsonl").read_text().splitlines()
    monkeypatch.setattr(measure, "describe_device", lambda: "another")
    [model] = reported(runs, tmp_path / "out", ["text"], "texts.csv", **given, resume=True)["models"]
    assert model["device"] == "another"
    assert len((tmp_path / "out" / "cache.jsonl").read_text().splitlines()) == len(before) + 1


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


def test_all_kinds_are_those_of_the_preset_full(runs: Path, tmp_path: Path) -> None:
    words = tmp_path / "misspellings.txt"
    words.write_text("quikc->quick\nbronw->brown\n")
    given = {
        "kinds": [],
        "misspellings": str(words),
        "seeds": [1],
        "rates": [1],
        "limit": 4,
        "preset": "full",
    }
    found = reported(runs, tmp_path / "out", ["text"], "texts.csv", **given)
    assert found["kinds"] == [*("paper", "drop", "add", "swap", "keyboard"), *found["kinds"][5:]]
    assert {"natural", "ocr", "case", "space", "unicode"} <= set(found["kinds"])


def test_the_preset_quick_draws_examples_and_options_win_over_it(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(conditions, "QUICK_EXAMPLES", 4)
    monkeypatch.setattr(misspellings, "find_codespell", lambda: None)
    attacked = {"attacked": [f"same={runs / 'tags.conll'}"], "rates": [1]}
    found = reported(runs, tmp_path / "quick", ["charbert"], "tags.conll", kinds=[], seeds=[], **attacked)
    assert found["kinds"] == ["paper", "ocr", "space", "unicode"]
    assert {each["seed"] for each in found["attacks"]} == {1}
    assert (found["preset"], found["examples"], found["available_examples"]) == ("quick", 4, len(TAGGED))
    assert found["models"][0]["files"]["same"]["drop"]["mean"] == 0, "of a file the same are drawn"
    said = f"Preset quick: 4 of {len(TAGGED)} examples, 1 seed of the attacks, 4 kinds; --preset full takes"
    assert said in (tmp_path / "quick" / "report.html").read_text(encoding="utf-8")
    printed = capsys.readouterr()
    assert said in printed.out
    # Clean, four kinds and a file; sensitivity; time.
    assert "8 of 8 measurements to make on 4 examples, 48 predictions: about " in printed.err

    given = {"preset": "quick", "kinds": ["drop"], "seeds": [2, 3], "limit": 5}
    found = reported(runs, tmp_path / "own", ["charbert"], "tags.conll", **given, rates=[1])
    assert found["kinds"] == ["drop"]
    assert {each["seed"] for each in found["attacks"]} == {2, 3}
    assert found["examples"] == 5


def test_the_preset_full_takes_all(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "QUICK_EXAMPLES", 4)
    given = {"preset": "full", "kinds": ["drop"], "seeds": [], "rates": [1]}
    found = reported(runs, tmp_path / "out", ["text"], "texts.csv", **given)
    assert {each["seed"] for each in found["attacks"]} == {1, 2, 3}
    assert found["examples"] == found["available_examples"] > 4


def test_a_kind_that_is_not_available_is_named_with_the_remedy(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(misspellings, "find_codespell", lambda: None)
    found = reported(runs, tmp_path / "out", ["text"], "texts.csv", kinds=[], rates=[1], seeds=[1], limit=4)
    assert found["kinds_left_out"] == ["natural"]
    said = "Not measured: natural, which needs a list of misspellings: install codespell, or name a file with"
    assert f"{said} --misspellings\n" in capsys.readouterr().out
    assert said in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_models_of_one_casing_are_compared(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lower = tmp_path / "lower"
    shutil.copytree(runs / "charbert", lower)
    content = json.loads((lower / "tokenizer.json").read_text())
    content["normalizer"] = {"type": "Lowercase"}
    (lower / "tokenizer.json").write_text(json.dumps(content))
    given = {"kinds": ["drop"], "seeds": [1], "rates": [1], "limit": 4}
    for models, warned in (([str(lower)], False), (["charbert", str(lower)], True)):
        found = reported(runs, tmp_path / f"of-{len(models)}", models, "tags.conll", **given)
        assert [model["is_uncased"] for model in found["models"]] == [False, True][-len(models) :]
        assert ("Warning: lower reads small letters only" in capsys.readouterr().out) == warned


def test_the_report_holds_the_command_that_makes_it(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"kinds": ["drop"], "seeds": [1], "rates": [0.5], "limit": 4, "resume": True}
    report = reported(runs, tmp_path / "a, b", ["text"], "texts.csv", **given)
    program, *arguments = shlex.split(report["command"])[2:]
    assert (program, arguments[0]) == ("finetune", "robustness")
    (tmp_path / "a, b" / "report.json").unlink()
    monkeypatch.chdir(Path(finetune.__path__[0]).parent)
    main(arguments)
    again = json.loads((tmp_path / "a, b" / "report.json").read_text())
    assert again == report


def test_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["robustness", "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert "python -m finetune robustness" in text
    assert "--misspellings" in text
