"""Fine-tuning that goes on, that diverges, and models of weights that are no numbers."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from plain import save_plain
from safetensors.torch import load_file, save_file
from small_finetuning import TAGGED, write_csv, write_finetune_config
from small_runs import assert_identical_weights, interrupted_at

from charbert.commands.results import read_results
from charbert.errors import CharBertError, run_command
from finetune.__main__ import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plain BERT, `plain`, and a table of texts, `train.csv`."""
    made = tmp_path_factory.mktemp("start")
    save_plain(made / "plain", "bert", "model")
    write_csv(made / "train.csv")
    return made


def settings(folder: Path, **changes: Any) -> dict[str, Any]:
    given = {"task": "text", "model": folder / "plain", "train": folder / "train.csv", "epochs": 3}
    return {**given, "lr_scheduler_type": "constant", **changes}


def run(output: Path, *arguments: str, **given: Any) -> dict[str, Any]:
    main([str(write_finetune_config(output, **given)), *arguments])
    return read_results(output)


@pytest.fixture(scope="module")
def whole(folder: Path) -> Path:
    """The output of a run that was never stopped."""
    run(folder / "whole", **settings(folder))
    return folder / "whole"


@pytest.fixture(scope="module")
def half(folder: Path) -> Path:
    """The output of the same run, stopped in its last epoch."""
    with interrupted_at(14):
        run(folder / "half", **settings(folder))
    return folder / "half"


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rate": 1e-3},
        {"seeds": [1]},
        {"epochs": 2},
        {"batch_size": 8},
        {"max_length": 20},
        {"lr_scheduler_type": "linear"},
        {"class_weights": True},
    ],
    ids=str,
)
def test_other_settings_are_named(changes: dict[str, Any], folder: Path, half: Path) -> None:
    [name] = changes
    name = {"seeds": "seed", "batch_size": "examples of a step"}.get(name, f"--{name.replace('_', '-')}")
    with pytest.raises(CharBertError, match=rf"half: was made with {name} \S+, not"):
        run(half, "--resume", **settings(folder, **changes))
    assert len(list(half.glob("checkpoint-*"))) == 2


def test_reversed_labels_are_named(folder: Path, half: Path, tmp_path: Path) -> None:
    other = write_csv(tmp_path / "train.csv", {"ANIMAL": "thing", "THING": "animal"})
    with pytest.raises(CharBertError, match=r"was made with --train .*/train\.csv, not .*/train\.csv;"):
        run(half, "--resume", **settings(folder, train=other))


def test_a_moved_run_goes_on_to_the_same_model(folder: Path, half: Path, whole: Path, tmp_path: Path) -> None:
    shutil.copytree(half, tmp_path / "moved")
    for name in ("plain", "train.csv"):
        (shutil.copytree if name == "plain" else shutil.copy)(folder / name, tmp_path / name)
    run(tmp_path / "moved", "--resume", **settings(tmp_path, logging_steps=7, num_workers=1))
    assert_identical_weights(tmp_path / "moved", whole)


def test_epochs_grow_under_a_constant_rate(folder: Path, half: Path, tmp_path: Path) -> None:
    shutil.copytree(half, tmp_path / "grown")
    numbers = run(tmp_path / "grown", "--resume", **settings(folder, epochs=4))
    run(tmp_path / "whole", **settings(folder, epochs=4))
    assert numbers["steps"] == read_results(tmp_path / "whole")["steps"]
    assert_identical_weights(tmp_path / "grown", tmp_path / "whole")


@pytest.mark.parametrize("name", ["optimizer.pt", "model.safetensors", "trainer_state.json"])
def test_from_a_damaged_checkpoint_it_falls_back_to_the_one_before(
    name: str, folder: Path, half: Path, whole: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(half, tmp_path / "damaged")
    newest = max((tmp_path / "damaged").glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    (newest / name).write_bytes(b"")
    run(tmp_path / "damaged", "--resume", **settings(folder))
    assert f"{newest.name}: {name} is damaged" in caplog.text
    assert_identical_weights(tmp_path / "damaged", whole)


def test_of_a_finished_run_nothing_is_left_to_do(
    folder: Path, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(main, [str(write_finetune_config(whole, **settings(folder))), "--resume"]) == 0
    shown = capsys.readouterr()
    assert f"{whole}: was finished before; --overwrite does it again" in shown.err
    assert "dev_accuracy" in shown.out


def test_a_finished_run_of_another_seed_is_not_this_one(folder: Path, whole: Path) -> None:
    with pytest.raises(CharBertError, match="was made with seed 42, not 1;"):
        run(whole, "--resume", **settings(folder, seeds=[1]))


def test_its_own_model_is_not_written_over(folder: Path, whole: Path) -> None:
    before = (whole / "model.safetensors").read_bytes()
    with pytest.raises(CharBertError, match="whole: is the input itself"):
        run(whole, "--overwrite", **settings(folder, model=whole))
    assert (whole / "model.safetensors").read_bytes() == before


def test_a_loss_that_is_not_finite_ends_the_run(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_finetune_config(tmp_path / "out", **settings(folder, learning_rate=1e38))
    assert run_command(main, [str(config)]) == 1
    told = capsys.readouterr().err
    assert "step 2: the loss is nan, so training ends here; try a lower --learning-rate" in told
    assert not (tmp_path / "out/results.json").exists()


def predict(model: Path, folder: Path, out: Path) -> list[str]:
    return ["predict", str(model), str(folder / "train.csv"), "--output", str(out / "out.jsonl")]


def worst_case(model: Path, folder: Path, out: Path) -> list[str]:
    return ["worst-case", str(model), str(folder / "train.csv"), "--output", str(out / "out.json")]


def robustness(model: Path, folder: Path, out: Path) -> list[str]:
    config = {"models": [str(model)], "test": str(folder / "train.csv"), "output": str(out / "report")}
    (out / "config.yaml").write_text(yaml.safe_dump({**config, "kinds": ["drop"], "seeds": [1]}))
    return ["robustness", str(out / "config.yaml")]


@pytest.mark.parametrize("command", [predict, worst_case, robustness])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_model_without_finite_scores_is_refused(
    command: Callable[..., list[str]],
    value: float,
    folder: Path,
    whole: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = tmp_path / "model"
    shutil.copytree(whole, model)
    weights = load_file(model / "model.safetensors")
    weights["classifier.bias"][0] = value
    save_file(weights, model / "model.safetensors", {"format": "pt"})
    assert run_command(main, command(model, folder, tmp_path)) == 1
    assert f"error: {model}: gives scores that are not finite" in capsys.readouterr().err
    assert not list(tmp_path.glob("out.*"))


def test_a_constant_has_no_correlation(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, same in (("train", False), ("dev", True)):
        rows = (f"{' '.join(words)},{1 if same else number}\n" for number, (words, _) in enumerate(TAGGED))
        (tmp_path / f"{name}.csv").write_text("text,label\n" + "".join(rows))
    given = settings(folder, train=tmp_path / "train.csv", dev=tmp_path / "dev.csv", epochs=1)
    numbers = run(tmp_path / "out", label_kind="regression", **given)
    assert (numbers["dev_pearson"], numbers["dev_spearmanr"]) == (None, None)
    assert "dev_pearson    none: labels or predictions are all the same" in capsys.readouterr().out
    json.loads((tmp_path / "out/results.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    models = [f"numbers={tmp_path / 'out'}"]
    config = {"models": models, "test": str(tmp_path / "dev.csv"), "output": str(tmp_path / "report")}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**config, "kinds": ["drop"], "seeds": [1]}))
    with pytest.raises(CharBertError, match="out: pearson on clean text is none: labels or predictions are"):
        main(["robustness", str(tmp_path / "config.yaml")])
