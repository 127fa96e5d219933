"""The student of a distillation: which layers it takes, and that all is copied to the bit."""

import re
from typing import Any

import pytest
import tiny
import torch
from transformers import (
    BertForMaskedLM,
    BertForTokenClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
)

import charbert
from charbert import CharBertError
from charbert.distillation.student import choose_layers, make_student
from charbert.tuning import TuningSettings, add_delta, merge_delta

NUMBERED = re.compile(r"(encoder\.layer|interactions)\.(\d+)\.")
PER_LAYER = {"interaction_per_layer": True}


@pytest.mark.parametrize(
    ("count", "wanted", "chosen"),
    [
        (12, 6, [0, 2, 4, 7, 9, 11]),  # as DistilBERT was made
        (24, 12, [0, 2, 4, 6, 8, 10, 13, 15, 17, 19, 21, 23]),
        (12, 4, [0, 4, 7, 11]),
        (12, 3, [0, 6, 11]),
        (12, 2, [0, 11]),
        (12, 1, [0]),
        (3, 3, [0, 1, 2]),
        (1, 1, [0]),
    ],
)
def test_layers_are_taken_at_even_distances(count: int, wanted: int, chosen: list[int]) -> None:
    assert choose_layers(count, wanted) == chosen


def teachers() -> list[Any]:
    five = {"num_hidden_layers": 5}
    ours = [
        pytest.param(lambda head=head, changes=changes: tiny.build(head, "bert", backbone=five, **changes))
        for head in tiny.HEADS
        for changes in ({}, PER_LAYER)
    ]
    roberta = [lambda: tiny.build(charbert.CharBertForPreTraining, "roberta", backbone=five, **PER_LAYER)]
    without = [lambda: tiny.build(charbert.CharBertModel, "bert", backbone=five, interaction="none")]
    plain = [
        lambda model=model: model(tiny.backbone_config("bert", **five))
        for model in (BertForMaskedLM, BertForTokenClassification)
    ]
    return [*ours, *roberta, *without, *plain]


@pytest.mark.parametrize("make", teachers())
def test_a_student_has_its_layers_and_all_else_to_the_bit(make: Any) -> None:
    teacher, untouched = make(), make()
    taken = [0, 2, 4]

    def origin(name: str) -> str:
        """The teacher's name of a tensor of the student."""
        found = NUMBERED.search(name)
        if not found or (found[1] == "interactions" and not teacher.config.interaction_per_layer):
            return name
        return name.replace(found[0], f"{found[1]}.{taken[int(found[2])]}.")

    torch.manual_seed(0)
    teacher.load_state_dict(untouched.state_dict())
    student = make_student(teacher, 3)
    theirs, ours = teacher.state_dict(), student.state_dict()
    assert student.config.num_hidden_layers == 3 and teacher.config.num_hidden_layers == 5
    assert all(torch.equal(ours[name], theirs[origin(name)]) for name in ours)
    left_out = {name for name in theirs if (found := NUMBERED.search(name)) and int(found[2]) not in taken}
    assert theirs.keys() - {origin(name) for name in ours} <= left_out
    assert not tiny.differing(teacher, untouched)
    assert not {id(weight) for weight in student.parameters()} & {id(each) for each in teacher.parameters()}


@pytest.mark.parametrize("changes", [{}, PER_LAYER], ids=["shared", "per layer"])
def test_a_saved_student_is_an_ordinary_model(changes: dict[str, Any], tmp_path: Any) -> None:
    teacher = tiny.build(
        charbert.CharBertForPreTraining, "bert", backbone={"num_hidden_layers": 4}, **changes
    )
    student = make_student(teacher, 2)
    student.save_pretrained(tmp_path)
    loaded = charbert.CharBertForPreTraining.from_pretrained(tmp_path)
    assert not tiny.differing(loaded, student)
    assert loaded.mlm_head.decoder.weight is loaded.get_input_embeddings().weight
    batch = tiny.ragged_batch("bert")
    assert torch.equal(loaded(**batch).nlm_logits, student.eval()(**batch).nlm_logits)


def test_more_layers_than_the_teacher_has_are_refused() -> None:
    teacher = tiny.build(charbert.CharBertModel, "bert")
    with pytest.raises(CharBertError, match="--student-layers: 3, but the teacher has 2; give no more"):
        make_student(teacher, 3)


def test_a_teacher_of_another_build_is_refused() -> None:
    teacher = DistilBertForSequenceClassification(
        DistilBertConfig(dim=8, n_heads=2, hidden_dim=8, n_layers=2)
    )
    with pytest.raises(CharBertError, match=r"--teacher: DistilBert.* has no layers as BERT has them"):
        make_student(teacher, 1)


def test_a_teacher_with_a_delta_on_is_refused() -> None:
    teacher = tiny.build(charbert.CharBertForTokenClassification, "bert")
    add_delta(teacher, TuningSettings(tuning="bitfit"))
    with pytest.raises(CharBertError, match="of a teacher with a delta on; call merge_delta before"):
        make_student(teacher, 1)
    merge_delta(teacher)
    make_student(teacher, 1)
