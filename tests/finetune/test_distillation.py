"""`python -m finetune distill CONFIG.yaml --teacher RUN --student-layers N`, for every kind of task."""

import json
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from plain import save_plain
from small_finetuning import TAGGED, write_conll, write_csv, write_finetune_config, write_squad
from small_runs import assert_identical_weights, interrupted_at, torchrun
from transformers import BertModel

from charbert.commands.results import read_results
from charbert.errors import CharBertError
from finetune.__main__ import main
from finetune.models import load_task


def write_label_sets(path: Path) -> Path:
    rows = [{"text": " ".join(words), "label": [words[1], tags[2][2:]]} for words, tags in TAGGED]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_numbers(path: Path) -> Path:
    rows = [{"text": " ".join(words), "label": len(words[2])} for words, _ in TAGGED]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


TASKS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "texts": ("train.csv", write_csv, {"task": "text"}),
    "plain": ("train.csv", write_csv, {"task": "text"}),
    "several labels": ("train.jsonl", write_label_sets, {"task": "text", "label_kind": "multi_label"}),
    "numbers": ("train.jsonl", write_numbers, {"task": "text", "label_kind": "regression"}),
    "tags": ("train.conll", write_conll, {"task": "tagging"}),
    # Windows of 16 tokens are shorter than a question and its context.
    "answers": (
        "train.json",
        write_squad,
        {"task": "qa", "unanswerable": True, "max_length": 16, "stride": 1},
    ),
}


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain BERT of four layers."""
    folder = tmp_path_factory.mktemp("plain") / "plain"
    save_plain(folder, "bert", "model")
    torch.manual_seed(0)
    BertModel(tiny.backbone_config("bert", num_hidden_layers=4)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def teachers(backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By kind of task the output of a run of a few epochs, with the file that it learnt from beside it."""
    found = {}
    for case, (name, write, settings) in TASKS.items():
        output = tmp_path_factory.mktemp(case.replace(" ", "-")) / "teacher"
        data = write(output.with_name(name))
        start = {"model" if case == "plain" else "backbone": backbone}
        given = {"train": data, "dev": data, "epochs": 4, "learning_rate": 2e-3, **start, **settings}
        main([str(write_finetune_config(output, **given))])
        found[case] = output
    return found


def settings_of(case: str, teacher: Path, **changes: Any) -> dict[str, Any]:
    name, _, settings = TASKS[case]
    data = teacher.with_name(name)
    return {"train": data, "dev": data, "epochs": 1, "learning_rate": 1e-3, **settings, **changes}


def distill(output: Path, case: str, teacher: Path, *more: str, **changes: Any) -> dict[str, Any]:
    config = str(write_finetune_config(output, **settings_of(case, teacher, **changes)))
    main(["distill", config, "--teacher", str(teacher), "--student-layers", "2", *more])
    return read_results(output)


def logged(output: Path) -> list[dict[str, Any]]:
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    return [entry for entry in history if "loss" in entry]


@pytest.mark.parametrize("case", TASKS)
def test_a_student_is_an_ordinary_run(case: str, teachers: dict[str, Path], tmp_path: Path) -> None:
    teacher, output = teachers[case], tmp_path / "student"
    numbers = distill(output, case, teacher, logging_steps=1, batch_size=8)
    before = read_results(teacher)
    assert numbers["teacher_layers"] == 4
    assert numbers["teacher_parameters"] == before["parameters"] > numbers["parameters"]
    assert (numbers["settings"]["teacher"], numbers["settings"]["student_layers"]) == (str(teacher), 2)
    first = logged(output)[0]
    terms = 5 * first["soft_loss"] + 2 * first["hard_loss"] + first["cosine_loss"]
    assert first["loss"] == pytest.approx(terms, rel=1e-4)
    assert first["cosine_loss"] > 0 and first["soft_loss"] > 0
    config = json.loads((output / "config.json").read_text())
    assert config.get("backbone_config", config)["num_hidden_layers"] == 2
    assert load_task(output)[1].labels == load_task(teacher)[1].labels
    predicted = tmp_path / "out.jsonl"
    main(["predict", str(output), str(teacher.with_name(TASKS[case][0])), "--output", str(predicted)])
    assert len(predicted.read_text().splitlines()) == len(TAGGED)


def test_a_student_learns_what_its_teacher_knows(teachers: dict[str, Path], tmp_path: Path) -> None:
    teacher = teachers["tags"]
    numbers = distill(tmp_path / "student", "tags", teacher, epochs=4)
    assert numbers["dev_f1"] > 0.9 and read_results(teacher)["dev_f1"] > 0.9
    report = {
        "models": [str(teacher), str(tmp_path / "student")],
        "test": str(teacher.with_name("train.conll")),
    }
    config = {"kinds": ["drop"], "rates": [1], "seeds": [1], **report, "output": str(tmp_path / "report")}
    (tmp_path / "report.yaml").write_text(json.dumps(config))
    main(["robustness", str(tmp_path / "report.yaml")])
    compared = json.loads((tmp_path / "report/report.json").read_text())["models"]
    assert [model["parameters"] for model in compared] == [
        numbers["teacher_parameters"],
        numbers["parameters"],
    ]


def test_a_config_of_the_teachers_own_run_is_taken(
    teachers: dict[str, Path], backbone: Path, tmp_path: Path
) -> None:
    for name, more in (("one", {}), ("other", {"backbone": backbone, "tokenizer": backbone})):
        distill(tmp_path / name, "texts", teachers["texts"], **more)
    assert_identical_weights(tmp_path / "one", tmp_path / "other")


def test_a_stopped_distillation_goes_on_to_the_same_student(
    teachers: dict[str, Path], tmp_path: Path
) -> None:
    case, teacher = "texts", teachers["texts"]
    changes = {"epochs": 2, "lr_scheduler_type": "constant"}
    distill(tmp_path / "whole", case, teacher, **changes)
    with interrupted_at(8):
        distill(tmp_path / "stopped", case, teacher, **changes)
    for other, name in ((teachers["plain"], "--teacher"), (teacher, "--temperature")):
        with pytest.raises(CharBertError, match=f"was made with .*{name} .*, not"):
            distill(tmp_path / "stopped", case, other, "--resume", "--temperature", "4", **changes)
    # Known by its content, wherever it is.
    teacher.rename(teacher.with_name("moved"))
    try:
        distill(tmp_path / "stopped", case, teacher.with_name("moved"), "--resume", **changes)
    finally:
        teacher.with_name("moved").rename(teacher)
    assert_identical_weights(tmp_path / "stopped", tmp_path / "whole")


def test_a_delta_teaches_if_it_can_be_merged(teachers: dict[str, Path], tmp_path: Path) -> None:
    base = teachers["texts"]
    settings = settings_of("texts", base, model=base)
    for tuning in ("lora", "prompt"):
        main([str(write_finetune_config(tmp_path / tuning, tuning=tuning, **settings))])
        (tmp_path / "train.csv").write_bytes(base.with_name("train.csv").read_bytes())
    numbers = distill(tmp_path / "student", "texts", tmp_path / "lora")
    assert numbers["trainable_parameters"] == numbers["parameters"]
    with pytest.raises(CharBertError, match=r"--teacher: .*prompt: .* no plain model"):
        distill(tmp_path / "other", "texts", tmp_path / "prompt")


@pytest.mark.parametrize("case", ["texts", "tags"])
def test_a_step_is_the_same_in_batches_of_any_size(
    case: str, teachers: dict[str, Path], tmp_path: Path
) -> None:
    for name, size, accumulated in (("one", 12, 1), ("other", 3, 4)):
        batches = {"batch_size": size, "gradient_accumulation_steps": accumulated, "logging_steps": 1}
        distill(tmp_path / name, case, teachers[case], **batches)
    for one, other in zip(*(logged(tmp_path / name) for name in ("one", "other")), strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-3)
        assert one["grad_norm"] == pytest.approx(other["grad_norm"], rel=1e-2)


def test_mixed_precision_and_checkpointed_gradients(teachers: dict[str, Path], tmp_path: Path) -> None:
    found = {}
    for name, more in (("plain", ()), ("bf16", ("--bf16",)), ("checkpointed", ("--gradient-checkpointing",))):
        distill(tmp_path / name, "tags", teachers["tags"], *more, logging_steps=1)
        found[name] = logged(tmp_path / name)[0]
    for term in ("soft_loss", "hard_loss", "cosine_loss"):
        assert found["checkpointed"][term] == pytest.approx(found["plain"][term], rel=1e-4)
        assert found["bf16"][term] == pytest.approx(found["plain"][term], rel=0.05)


@pytest.mark.slow
def test_two_processes_distill_together(teachers: dict[str, Path], tmp_path: Path) -> None:
    teacher, whole = teachers["texts"], len(TAGGED)  # which is one step, so that the order is no matter
    options = {"logging_steps": 1, "student_layers": 2}
    settings = settings_of("texts", teacher, batch_size=whole // 2, **options) | {"teacher": teacher}
    torchrun(write_finetune_config(tmp_path / "two", **settings), module="finetune", command=("distill",))
    distill(tmp_path / "one", "texts", teacher, batch_size=whole, **options)
    [one], [two] = (logged(tmp_path / name) for name in ("one", "two"))
    for term in ("loss", "grad_norm", "soft_loss", "hard_loss", "cosine_loss"):
        # Terms are means over batches, the loss is one over what is in them.
        assert two[term] == pytest.approx(one[term], rel=0.1 if term.endswith("_loss") else 1e-3)
