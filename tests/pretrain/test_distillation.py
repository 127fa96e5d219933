"""`python -m pretrain CONFIG.yaml --teacher MODEL --student-layers N`."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from small_runs import (
    SHORT,
    assert_identical_weights,
    log_lines,
    results,
    stopped,
    torchrun,
    write_config,
)

from charbert import CharBertForPreTraining
from charbert.errors import CharBertError
from pretrain.__main__ import main

STUDENT = {"student_layers": 2}


@pytest.fixture(scope="module")
def teacher(corpus: Path) -> Path:
    """The output of a run with four layers, each with its own interaction."""
    output = corpus / "teacher"
    main([str(write_config(corpus, output, num_hidden_layers=4, interaction_per_layer=True))])
    return output


@pytest.fixture(scope="module")
def plain_teacher(corpus: Path) -> Path:
    """The output of a run of the backbone alone, of three layers."""
    output = corpus / "plain"
    main([str(write_config(corpus, output, plain=True, num_hidden_layers=3))])
    return output


@pytest.fixture(scope="module")
def student(corpus: Path, teacher: Path) -> Path:
    """The output of a distillation that was never stopped."""
    return distill(corpus, corpus / "student", teacher)


def distill(corpus: Path, output: Path, teacher: Path, *more: str, **changes: Any) -> Path:
    main([str(write_config(corpus, output, teacher=str(teacher), **{**STUDENT, **changes})), *more])
    return output


def test_a_student_is_an_ordinary_model(teacher: Path, student: Path) -> None:
    model = CharBertForPreTraining.from_pretrained(student)
    assert (model.config.num_hidden_layers, len(model.charbert.interactions)) == (2, 2)
    numbers = results(student)
    assert numbers["teacher_layers"] == 4
    assert numbers["teacher_parameters"] == results(teacher)["parameters"] > numbers["parameters"]
    assert (numbers["settings"]["teacher"], numbers["settings"]["student_layers"]) == (str(teacher), 2)
    assert numbers["eval_nlm_loss"] > 0


def test_the_loss_is_logged_by_its_terms(student: Path) -> None:
    first, *_ = log_lines(student)
    soft = first["mlm_soft_loss"] + first["nlm_soft_loss"]
    terms = 5 * soft + 2 * (first["mlm_loss"] + first["nlm_loss"]) + first["cosine_loss"]
    assert first["loss"] == pytest.approx(terms, rel=1e-5)
    assert min(first["mlm_soft_loss"], first["nlm_soft_loss"], first["cosine_loss"]) > 0


def test_weights_of_the_terms_are_settings(corpus: Path, teacher: Path, tmp_path: Path) -> None:
    weights = {"soft_weight": 0.5, "hard_weight": 0.0, "cosine_weight": 3.0, "temperature": 1.0}
    first, *_ = log_lines(distill(corpus, tmp_path / "out", teacher, **weights))
    soft = first["mlm_soft_loss"] + first["nlm_soft_loss"]
    assert first["loss"] == pytest.approx(0.5 * soft + 3 * first["cosine_loss"], rel=1e-5)


def test_a_stopped_distillation_goes_on_to_the_same_student(
    corpus: Path, teacher: Path, student: Path, tmp_path: Path
) -> None:
    output = stopped(student, tmp_path / "stopped")
    with pytest.raises(CharBertError, match=r"was made with --student-layers 2, not 3;"):
        distill(corpus, output, teacher, "--resume", student_layers=3)
    with pytest.raises(CharBertError, match=r"was made with --teacher .*, not"):
        distill(corpus, output, student, "--resume")
    distill(corpus, output, teacher, "--resume")
    assert_identical_weights(output, student)


def test_where_an_ordinary_run_starts_is_no_matter(
    corpus: Path, teacher: Path, student: Path, tmp_path: Path
) -> None:
    assert_identical_weights(distill(corpus, tmp_path / "out", teacher, model=str(student)), student)


def test_a_plain_teacher_has_a_plain_student(corpus: Path, plain_teacher: Path, tmp_path: Path) -> None:
    output = distill(corpus, tmp_path / "out", plain_teacher, plain=True)
    first, *_ = log_lines(output)
    terms = 5 * first["mlm_soft_loss"] + 2 * first["mlm_loss"] + first["cosine_loss"]
    assert first["loss"] == pytest.approx(terms, rel=1e-5)
    assert results(output)["teacher_layers"] == 3


@pytest.mark.parametrize("is_plain", [False, True], ids=["charbert", "plain"])
def test_layers_of_a_student_are_aligned_with_what_it_starts_from(
    is_plain: bool, corpus: Path, tmp_path: Path
) -> None:
    steady = {"plain": is_plain, "max_steps": 1, "noise_probability": 0.0, "mlm_probability": 0.0}
    deep = tmp_path / "deep"
    main([str(write_config(corpus, deep, **steady, num_hidden_layers=4, dropout=0.0))])
    pulled = {"alignment_weight": 1.0, "alignment_layers": [1, 2]}
    first, *_ = log_lines(distill(corpus, tmp_path / "out", deep, **steady, **pulled))
    assert first["alignment_loss"] == pytest.approx(0, abs=1e-6)


def test_mixed_precision_and_checkpointed_gradients(corpus: Path, teacher: Path, tmp_path: Path) -> None:
    changes: dict[str, dict[str, bool]] = {"plain": {}, "bf16": {"bf16": True}}
    changes["checkpointed"] = {"gradient_checkpointing": True}
    found = {
        name: log_lines(distill(corpus, tmp_path / name, teacher, max_steps=2, **more))[0]
        for name, more in changes.items()
    }
    for term in ("mlm_loss", "nlm_loss", "cosine_loss"):
        assert found["checkpointed"][term] == pytest.approx(found["plain"][term], rel=1e-5)
        assert found["bf16"][term] == pytest.approx(found["plain"][term], rel=0.02)


@pytest.mark.slow
def test_sharded_processes_distill_together(corpus: Path, teacher: Path, tmp_path: Path) -> None:
    config = write_config(corpus, tmp_path / "two", **SHORT, **STUDENT, teacher=str(teacher), fsdp=True)
    torchrun(config)
    two, *_ = log_lines(tmp_path / "two")
    one, *_ = log_lines(distill(corpus, tmp_path / "one", teacher, max_steps=1))
    for term in ("mlm_loss", "nlm_loss", "cosine_loss"):
        assert two[term] == pytest.approx(one[term], rel=0.2)
    assert CharBertForPreTraining.from_pretrained(tmp_path / "two").config.num_hidden_layers == 2


def without_head(teacher: Path, copy: Path) -> Path:
    """A copy of a model's folder with the encoder alone."""
    shutil.copytree(teacher, copy)
    tensors = load_file(teacher / "model.safetensors")
    kept = {name: each for name, each in tensors.items() if not name.startswith(("cls.", "nlm_head."))}
    save_file(kept, copy / "model.safetensors", {"format": "pt"})
    return copy


@pytest.mark.parametrize("is_plain", [False, True], ids=["charbert", "plain"])
def test_a_teacher_without_its_heads_is_refused(
    is_plain: bool, corpus: Path, teacher: Path, plain_teacher: Path, tmp_path: Path
) -> None:
    copy = without_head(plain_teacher if is_plain else teacher, tmp_path / "copy")
    with pytest.raises(CharBertError, match=rf"copy: holds no {'cls' if is_plain else 'nlm_head'} of this"):
        distill(corpus, tmp_path / "out", copy, plain=is_plain)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["tokenizer.json", "characters.txt", "words.txt"])
def test_a_teacher_of_another_tokenizer_is_refused(
    name: str, corpus: Path, teacher: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(teacher, tmp_path / "copy")
    if name == "tokenizer.json":
        content = json.loads((copy / name).read_text())
        vocabulary = content["model"]["vocab"]
        vocabulary["teacher"], vocabulary["window"] = vocabulary["window"], vocabulary["teacher"]
        (copy / name).write_text(json.dumps(content))
    else:
        first, second, third, *rest = (copy / name).read_text().split("\n")
        (copy / name).write_text("\n".join([first, third, second, *rest]))
    part = {"tokenizer.json": "tokens"}.get(name, name.partition(".")[0])
    with pytest.raises(CharBertError, match=f"copy: its tokenizer has other {part} than that of --tokenizer"):
        distill(corpus, tmp_path / "out", copy)
