"""Runs that start from a backbone: states pulled towards its own, and a learning rate for what is fresh."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_runs import log_lines, write_config

from charbert.errors import CharBertError
from pretrain.__main__ import main


@pytest.fixture(scope="module")
def plain(corpus: Path) -> Path:
    """A plain backbone of the corpus's tokenizer."""
    output = corpus / "backbone"
    main([str(write_config(corpus, output, plain=True, max_steps=1, dropout=0.0))])
    return output


@pytest.mark.parametrize("layers", [[-1], [1]])
def test_states_of_words_are_pulled_towards_those_of_the_clean_text(
    corpus: Path, plain: Path, tmp_path: Path, layers: list[int]
) -> None:
    pulled = {"alignment_weight": 20.0, "alignment_layers": layers}
    changes = {"backbone": str(plain), "noise_schedule": ["0:0-0.6"], **pulled}
    steps = {"max_steps": 20, "eval_steps": 20, "save_steps": 20}
    main([str(write_config(corpus, tmp_path / "out", **changes, **steps))])
    lines = log_lines(tmp_path / "out")
    first, last = lines[0], lines[-1]
    terms = first["mlm_loss"] + first["nlm_loss"] + 20 * first["alignment_loss"]
    assert first["loss"] == pytest.approx(terms, rel=1e-5)
    assert last["alignment_loss"] < 0.9 * first["alignment_loss"]


@pytest.mark.parametrize("noise", [0.0, 0.5])
@pytest.mark.parametrize("start", ["backbone", "model"])
def test_on_clean_text_what_training_starts_from_is_aligned_with_itself(
    corpus: Path, plain: Path, tmp_path: Path, start: str, noise: float
) -> None:
    if start == "model":
        main([str(write_config(corpus, tmp_path / "model", max_steps=1, dropout=0.0))])
        changes = {"model": str(tmp_path / "model")}
    else:
        changes = {"backbone": str(plain), "plain": True}
    changes |= {"alignment_weight": 1.0, "alignment_layers": [1, -1], "max_steps": 1}
    noises = {"noise_probability": noise, "mlm_probability": 0.0}
    main([str(write_config(corpus, tmp_path / "out", **changes, **noises))])
    [first] = log_lines(tmp_path / "out")
    assert (
        first["alignment_loss"] == pytest.approx(0, abs=1e-6) if not noise else first["alignment_loss"] > 0.01
    )


def test_a_layer_that_the_model_lacks_is_not_aligned(corpus: Path, plain: Path, tmp_path: Path) -> None:
    changes = {"backbone": str(plain), "alignment_weight": 1.0, "alignment_layers": [-1, 2]}
    with pytest.raises(CharBertError, match="no layer 2; the model has 1"):
        main([str(write_config(corpus, tmp_path / "out", **changes))])
    assert not (tmp_path / "out").exists()


def test_what_is_fresh_has_a_learning_rate_of_its_own(corpus: Path, plain: Path, tmp_path: Path) -> None:
    changes = {"backbone": str(plain), "fresh_learning_rate": 0.01, "learning_rate": 0.0, "max_steps": 2}
    main([str(write_config(corpus, tmp_path / "out", **changes))])
    trained, start = load_file(tmp_path / "out" / "model.safetensors"), load_file(plain / "model.safetensors")
    assert trained["nlm_head.dense.bias"].any()
    kept = [name for name in start if name.startswith("bert.")]
    assert kept
    for name in kept:
        assert torch.equal(trained[name.replace("bert.", "charbert.backbone.", 1)], start[name])
