"""`python -m finetune CONFIG.yaml`, from data to a saved model."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from plain import save_plain
from safetensors.torch import load_file
from small_finetuning import TAGGED, save_charbert, write_conll, write_csv, write_finetune_config, write_squad
from small_runs import assert_identical_weights, interrupted_at
from transformers import pipeline

from charbert.commands.results import read_results
from charbert.errors import CharBertError
from finetune.__main__ import main
from finetune.trainer import FinetuneTrainer


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plain BERT."""
    return save_plain(tmp_path_factory.mktemp("models") / "plain", "bert", "model")


@pytest.fixture(scope="module")
def charbert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pre-trained CharBERT."""
    return save_charbert(tmp_path_factory.mktemp("models") / "charbert")


def run(output: Path, *arguments: str, **settings: Any) -> dict[str, Any]:
    main([str(write_finetune_config(output, **settings)), *arguments])
    return read_results(output)


@pytest.mark.parametrize("start", ["charbert as model", "plain as model", "plain as backbone"])
def test_texts_of_ones_own_become_a_pipeline(start: str, charbert: Path, plain: Path, tmp_path: Path) -> None:
    folder = charbert if start.startswith("charbert") else plain
    train = write_csv(tmp_path / "train.csv")
    numbers = run(
        tmp_path / "out", task="text", train=train, dev=train, epochs=10, **{start.split()[-1]: folder}
    )
    assert numbers["dev_accuracy"] > 0.9
    assert numbers["train_examples"] == len(TAGGED)
    classify = pipeline("text-classification", model=str(tmp_path / "out"), device="cpu")
    found = [answer["label"] for answer in classify(["the lazy dogs jumps .", "the quick word jumps ."])]
    assert found == ["animal", "thing"]
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"| started from | {folder.name} |" in card and "| dev, accuracy | 1.0000 |" in card


def test_a_log_has_a_line_for_each_thing_that_is_said(
    charbert: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    train = write_csv(tmp_path / "train.csv")
    run(tmp_path / "out", task="text", train=train, dev=train, model=charbert)
    shown = capfd.readouterr()
    assert not re.search(r"\r|\x1b|\|", shown.out + shown.err)  # no bars
    assert all(line.strip() for line in shown.err.splitlines())
    logged = [line for line in shown.out.splitlines() if line.startswith("step ")]
    number = r"-?\d[\d.e+-]*"
    assert all(re.fullmatch(rf"step \d+: (\w+ {number}, )*\w+ {number}", line) for line in logged)
    assert [line.split()[2] for line in logged[:3]] == ["loss"] * 3
    assert "step 6: eval_accuracy" in shown.out
    assert (tmp_path / "out" / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_entities_are_tagged(charbert: Path, tmp_path: Path) -> None:
    for name in ("eng.train", "eng.testa", "eng.testb"):
        write_conll(tmp_path / name)
    numbers = run(tmp_path / "out", task="ner", data=tmp_path, model=charbert, epochs=8)
    assert numbers["test_f1"] > 0.9
    tagger = pipeline("token-classification", model=str(tmp_path / "out"), device="cpu")
    assert {found["entity"] for found in tagger("the lazy dog")} == {"B-ANIMAL"}
    written = (tmp_path / "out/predictions/test.conll").read_text().split("\n\n")
    assert len(written) == len(TAGGED) + 1


def test_answers_are_found_or_denied(charbert: Path, tmp_path: Path) -> None:
    questions = write_squad(tmp_path / "questions.json")
    numbers = run(tmp_path / "out", task="squad2", train=questions, dev=questions, model=charbert)
    assert numbers["dev_total"] == len(TAGGED)
    answers = json.loads((tmp_path / "out/predictions/dev.json").read_text())
    assert len(answers) == len(TAGGED)
    # The threshold makes nothing worse than denying every question.
    assert numbers["dev_f1"] >= 50.0


def test_the_same_command_gives_the_same_model(charbert: Path, tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv")
    for name in ("one", "other"):
        run(tmp_path / name, task="text", train=train, model=charbert)
    assert_identical_weights(tmp_path / "one", tmp_path / "other")


def test_a_stopped_run_goes_on_to_the_same_model(charbert: Path, tmp_path: Path) -> None:
    settings = {"task": "text", "train": write_csv(tmp_path / "train.csv"), "model": charbert, "epochs": 3}
    run(tmp_path / "whole", **settings)
    with interrupted_at(8):
        run(tmp_path / "stopped", **settings)
    assert list((tmp_path / "stopped").glob("checkpoint-*"))
    (tmp_path / "stopped/checkpoint-99").mkdir()  # as one that was being written
    run(tmp_path / "stopped", "--resume", **settings)
    assert_identical_weights(tmp_path / "stopped", tmp_path / "whole")
    assert not list((tmp_path / "stopped").glob("checkpoint-*"))


def test_several_seeds_give_a_mean_and_an_interval(charbert: Path, tmp_path: Path) -> None:
    train, output = write_csv(tmp_path / "train.csv"), tmp_path / "out"
    numbers = run(output, "--seeds", "1", "2", "3", task="text", train=train, model=charbert, epochs=1)
    of_each = [read_results(output / f"seed-{seed}")["dev_accuracy"] for seed in (1, 2, 3)]
    assert numbers["dev_accuracy"] == pytest.approx(sum(of_each) / 3)
    assert numbers["dev_accuracy_low"] <= numbers["dev_accuracy"] <= numbers["dev_accuracy_high"]
    one, other = (load_file(output / f"seed-{seed}/model.safetensors") for seed in (1, 2))
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_fewer_examples_than_a_batch_are_enough_and_nothing_more_need_be_said(
    charbert: Path, tmp_path: Path, fresh_logging: Callable[[], None], capfd: pytest.CaptureFixture[str]
) -> None:
    fresh_logging()
    train = write_conll(tmp_path / "few.conll", TAGGED[::11])
    settings = {"task": "tagging", "train": train, "dev": train, "model": charbert, "batch_size": 16}
    numbers = run(tmp_path / "out", "--quiet", "--log-level", "error", **settings, report_to="none")
    assert numbers["train_examples"] == 3
    assert numbers["steps"] == 2
    assert not (tmp_path / "out" / "runs").exists()
    shown = capfd.readouterr()
    assert shown.err == "" and "step " not in shown.out


def test_training_stops_where_it_no_longer_helps(charbert: Path, tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv")
    settings = {"task": "text", "train": train, "dev": train, "model": charbert, "learning_rate": 0.0}
    numbers = run(tmp_path / "out", epochs=9, early_stopping=2, **settings)
    assert numbers["steps"] == 3 * 6
    assert numbers["best_step"] == 6


def test_the_best_checkpoint_is_the_model(
    charbert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = [0.1, 0.9, 0.2]
    weights = []

    def evaluated(trainer: FinetuneTrainer, *_: Any, **__: Any) -> dict[str, float]:
        found = {"eval_accuracy": scores[len(weights)]}
        weights.append({name: tensor.clone() for name, tensor in trainer.model.state_dict().items()})
        trainer.log(found)
        state = trainer.args, trainer.state, trainer.control
        trainer.control = trainer.callback_handler.on_evaluate(*state, found)
        return found

    monkeypatch.setattr(FinetuneTrainer, "evaluate", evaluated)
    train = write_csv(tmp_path / "train.csv")
    numbers = run(tmp_path / "out", task="text", train=train, dev=train, model=charbert, epochs=3)
    assert numbers["best_step"] == 12
    saved = load_file(tmp_path / "out/model.safetensors")
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in saved.items())
    assert any(not torch.equal(tensor, weights[2][name]) for name, tensor in saved.items())


def test_rare_classes_can_count_more(charbert: Path, tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv")
    lines = train.read_text().splitlines()
    rare = tmp_path / "rare.csv"
    rare.write_text("\n".join(lines[:1] + [line for line in lines if "animal" in line] + lines[5:6]) + "\n")
    settings = {"task": "text", "train": rare, "dev": train, "model": charbert, "epochs": 1}
    run(tmp_path / "plain", **settings)
    run(tmp_path / "weighted", class_weights=True, **settings)
    with pytest.raises(AssertionError):
        assert_identical_weights(tmp_path / "weighted", tmp_path / "plain")


def test_what_stands_behind_the_scores_can_be_told(charbert: Path, tmp_path: Path) -> None:
    for name in ("eng.train", "eng.testa"):
        write_conll(tmp_path / name)
    settings = {"task": "ner", "data": tmp_path, "model": charbert, "epochs": 1}
    numbers = run(tmp_path / "out", "--report", "--word-split", **settings)
    assert {"dev_word_f1", "dev_subword_f1", "dev_subword_words"} <= numbers.keys()
    assert "ANIMAL" in (tmp_path / "out/report-dev.txt").read_text()
    assert (tmp_path / "out/confusion-dev.png").stat().st_size > 1000


def test_the_model_can_stay_frozen_under_a_probe(charbert: Path, tmp_path: Path) -> None:
    train = write_conll(tmp_path / "train.conll")
    settings = {"task": "tagging", "train": train, "dev": train, "model": charbert, "probe_size": 16}
    numbers = run(tmp_path / "out", "--probe", "sum", epochs=8, learning_rate=2e-2, **settings)
    assert numbers["dev_f1"] > 0.4  # 0 before training
    before, after = load_file(charbert / "model.safetensors"), load_file(tmp_path / "out/model.safetensors")
    kept = {name.replace("charbert.", "encoder."): name for name in before if name.startswith("charbert.")}
    assert kept.keys() <= after.keys()
    assert all(torch.equal(after[ours], before[theirs]) for ours, theirs in kept.items())


def test_weighted_losses_are_means_over_all_steps_that_make_one_up(charbert: Path, tmp_path: Path) -> None:
    settings = {"task": "text", "train": write_csv(tmp_path / "train.csv"), "model": charbert, "epochs": 1}
    norms = []
    for name, size, steps in (("one", 8, 1), ("several", 2, 4)):
        given = {"batch_size": size, "gradient_accumulation_steps": steps, "class_weights": True}
        run(tmp_path / name, **given, **settings, logging_steps=1)
        norms.append(history(tmp_path / name)[0]["grad_norm"])
    assert norms[1] < 2 * norms[0]


def test_another_run_is_not_written_over(charbert: Path, tmp_path: Path) -> None:
    settings = {"task": "text", "train": write_csv(tmp_path / "train.csv"), "model": charbert, "epochs": 1}
    run(tmp_path / "out", **settings)
    (tmp_path / "out/notes.txt").write_text("mine")
    with pytest.raises(CharBertError, match="already holds the output of another run"):
        run(tmp_path / "out", **settings)
    run(tmp_path / "out", "--overwrite", **settings)
    assert (tmp_path / "out/notes.txt").read_text() == "mine"


def test_what_fails_writes_over_nothing(charbert: Path, tmp_path: Path) -> None:
    settings = {"task": "text", "train": write_csv(tmp_path / "train.csv"), "model": charbert, "epochs": 1}
    run(tmp_path / "out", **settings)
    with pytest.raises(CharBertError, match="--max-length: 200, but the model has 80 positions"):
        run(tmp_path / "out", "--overwrite", "--max-length", "200", **{**settings, "max_length": 24})
    assert (tmp_path / "out/model.safetensors").exists()
    assert (tmp_path / "out/results.json").exists()


def test_a_new_run_leaves_no_seed_of_the_old_one(charbert: Path, tmp_path: Path) -> None:
    settings = {"task": "text", "train": write_csv(tmp_path / "train.csv"), "model": charbert, "epochs": 1}
    run(tmp_path / "out", "--seeds", "1", "2", **settings)
    run(tmp_path / "out", "--overwrite", "--seeds", "2", **settings)
    assert not list((tmp_path / "out").glob("seed-*/model.safetensors"))
    assert (tmp_path / "out/model.safetensors").exists()


def test_a_finished_run_is_told_again_but_not_for_another(charbert: Path, tmp_path: Path) -> None:
    settings = {"task": "text", "train": write_csv(tmp_path / "train.csv"), "model": charbert, "epochs": 1}
    numbers = run(tmp_path / "out", **settings)
    assert run(tmp_path / "out", "--resume", **settings) == numbers
    with pytest.raises(CharBertError, match=r"was made with --epochs 1.*, not 2"):
        run(tmp_path / "out", "--resume", **{**settings, "epochs": 2})


def test_a_test_set_without_labels_is_predicted(charbert: Path, tmp_path: Path) -> None:
    train, test = write_csv(tmp_path / "train.csv"), tmp_path / "test.csv"
    test.write_text("text\nthe dog jumps .\nthe word jumps .\n")
    numbers = run(tmp_path / "out", task="text", train=train, test=test, model=charbert, epochs=1)
    assert not any(name.startswith("test_") for name in numbers)
    assert len((tmp_path / "out/predictions/test.tsv").read_text().splitlines()) == 3


def test_a_plain_folder_without_a_tokenizer_is_refused(plain: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_bytes((plain / name).read_bytes())
    train = write_csv(tmp_path / "train.csv")
    with pytest.raises(CharBertError, match="no tokenizer there; name its folder or hub id with --tokenizer"):
        run(tmp_path / "out", task="text", train=train, model=folder)
    assert run(tmp_path / "out", task="text", train=train, model=folder, tokenizer=plain, epochs=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"task": "texts"}, "--task: 'texts' is unknown; choose one of cola,"),
        ({"task": "ner"}, "nothing to train on; give --train FILE, or --data FOLDER"),
        ({"task": "text", "train": "no.csv"}, "no.csv"),
        ({"task": "text", "label_kind": "class"}, "--label-kind: 'class' is unknown"),
        (
            {"task": "text", "label_column": "class"},
            "no column 'class'; its columns: 'text', 'label'; name .* with --label-column",
        ),
        ({"task": "text", "model": "no/folder/there"}, "no/folder/there"),
        ({"task": "text", "word_split": True}, "--word-split: scores entities"),
        ({"task": "text", "probe": "tokens"}, "--probe: 'tokens' is unknown; choose one of token,"),
        ({"task": "text", "probe": "token"}, "probe: labels words"),
        ({"task": "text", "seeds": [1, 1]}, "--seeds: 1 1 names one twice"),
        ({"task": "text", "seeds": [-1]}, "--seeds: -1 must be at least 0"),
        ({"task": "text", "learning_rate": -1.0}, "--learning-rate: -1 must be at least 0"),
        ({"task": "text", "lr_scheduler_type": "step"}, "--lr-scheduler-type: 'step' is unknown"),
        ({"task": "text", "conllu_column": "lemma"}, "--conllu-column: 'lemma' is unknown"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_written(
    settings: dict[str, Any], message: str, charbert: Path, tmp_path: Path
) -> None:
    given = {"model": charbert, "train": write_csv(tmp_path / "train.csv"), **settings}
    if settings["task"] == "ner":
        given.pop("train")
    with pytest.raises(CharBertError, match=message):
        run(tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


def test_a_bad_row_is_named_and_can_be_left_out(charbert: Path, tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv")
    dev = tmp_path / "dev.csv"
    dev.write_text("text,label\nthe dog,animal\nthe word,verb\n")
    settings = {"task": "text", "train": train, "dev": dev, "model": charbert, "epochs": 1}
    with pytest.raises(CharBertError, match=r"dev\.csv: row 3: label 'verb' is not among those of training"):
        run(tmp_path / "out", **settings)
    run(tmp_path / "out", "--skip-bad-rows", **settings)
    predictions = (tmp_path / "out/predictions/dev.tsv").read_text().splitlines()
    assert len(predictions) == 2


def history(output: Path) -> list[dict[str, Any]]:
    """The lines of a run's log."""
    return json.loads((output / "trainer_state.json").read_text())["log_history"]
