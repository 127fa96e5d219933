"""What a plain run leaves is fine-tuned like any other plain model."""

import json
from pathlib import Path

from small_finetuning import write_csv, write_finetune_config
from small_runs import write_config

from finetune.__main__ import main as finetune
from pretrain.__main__ import main as pretrain


def test_it_is_fine_tuned_as_itself(corpus: Path, tmp_path: Path) -> None:
    plain, output = tmp_path / "plain", tmp_path / "tuned"
    pretrain([str(write_config(corpus, plain, plain=True, max_steps=2))])
    train = write_csv(tmp_path / "train.csv")
    finetune([str(write_finetune_config(output, task="text", model=plain, train=train, epochs=1))])
    assert json.loads((output / "config.json").read_text())["model_type"] == "bert"
    assert (output / "characters.txt").read_bytes() == (plain / "characters.txt").read_bytes()
