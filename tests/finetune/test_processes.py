"""Several processes fine-tune one model."""

from pathlib import Path

import pytest
from plain import save_plain
from safetensors.torch import load_file
from small_finetuning import write_csv, write_finetune_config
from small_runs import torchrun

from charbert.commands.results import read_results
from finetune.__main__ import main


def test_two_processes_train_and_score_together(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv")
    folder = save_plain(tmp_path / "plain", "bert", "model")
    settings = {"task": "text", "train": train, "dev": train, "model": folder, "epochs": 2}
    torchrun(
        write_finetune_config(tmp_path / "two", batch_size=2, **settings),
        *("--seeds", "1", "2"),
        module="finetune",
    )
    main([str(write_finetune_config(tmp_path / "one", batch_size=4, **settings)), "--seeds", "1", "2"])
    two, one = (read_results(tmp_path / name) for name in ("two", "one"))
    assert two["steps"] == one["steps"] == 12
    for seed in ("seed-1", "seed-2"):
        predictions = (tmp_path / "two" / seed / "predictions/dev.tsv").read_text()
        assert len(predictions.splitlines()) == len(train.read_text().splitlines())
        scores = [read_results(tmp_path / name / seed) for name in ("two", "one")]
        assert scores[0].keys() == scores[1].keys()
    assert two["dev_accuracy"] == pytest.approx(one["dev_accuracy"], abs=0.3)
    assert load_file(tmp_path / "two/seed-1/model.safetensors")
