"""The loss of distillation, against one that is written out, and what a student learns by it."""

from collections.abc import Callable
from typing import Any

import pytest
import tiny
import torch
from torch.nn import functional as F
from transformers import BertForQuestionAnswering, BertForSequenceClassification, BertForTokenClassification

import charbert
from charbert.char_encoder import CharacterEncoder
from charbert.distillation.loss import Distillation, DistillationLosses, cosine_loss, divergence
from charbert.distillation.student import make_student

FOUR = {"num_hidden_layers": 4}
CASES = {
    "texts": (charbert.CharBertForSequenceClassification, "single_label_classification"),
    "numbers": (charbert.CharBertForSequenceClassification, "regression"),
    "several labels": (charbert.CharBertForSequenceClassification, "multi_label_classification"),
    "tags": (charbert.CharBertForTokenClassification, None),
    "answers": (charbert.CharBertForQuestionAnswering, None),
    "pre-training": (charbert.CharBertForPreTraining, None),
}
PLAIN = {
    "texts": BertForSequenceClassification,
    "tags": BertForTokenClassification,
    "answers": BertForQuestionAnswering,
}


def make_teacher(case: str) -> Any:
    model_class, problem = CASES[case]
    labels = {"numbers": 1, "answers": 2}.get(case, 3)
    teacher = tiny.build(model_class, "bert", backbone=FOUR, num_labels=labels)
    teacher.config.problem_type = problem
    return teacher


def make_batch(case: str, padding: int = 0) -> dict[str, torch.Tensor]:
    """Three texts of different lengths, with labels; padded by so many tokens more than needed."""
    settings = {"padding": "max_length", "return_tensors": "pt"}
    longest = tiny.ragged_batch("bert")["input_ids"].shape[1]
    batch = dict(tiny.tokenizer("bert")(list(tiny.SENTENCES), max_length=longest + padding, **settings))
    mask = batch["attention_mask"]
    number = torch.arange(mask.numel()).view(mask.shape[1], 3).T  # the same wherever padding ends
    real = mask.bool()
    if case == "texts":
        batch["labels"] = torch.tensor([0, 2, 1])
    elif case == "numbers":
        batch["labels"] = torch.tensor([0.5, -1.0, 2.0])
    elif case == "several labels":
        batch["labels"] = torch.tensor([[0.0, 1, 1], [0, 0, 0], [1, 0, 1]])
    elif case == "answers":
        batch |= {"start_positions": torch.tensor([0, 1, 2]), "end_positions": torch.tensor([0, 3, 4])}
    elif case == "tags":
        batch["labels"] = torch.where(real & (number % 2 == 0), number % 3, -100)
    else:
        batch["labels"] = torch.where(real & (number % 3 == 0), number % 7, -100)
        batch["nlm_labels"] = torch.where(real & (number % 4 == 1), number % 5, -100)
        for name, labels in (("mlm_positions", "labels"), ("nlm_positions", "nlm_labels")):
            found = (batch[labels].flatten() != -100).nonzero().flatten()
            batch[name] = F.pad(found, (0, 3), value=-1)
    return batch


def measure(student: Any, teacher: Any, batch: dict[str, torch.Tensor]) -> DistillationLosses:
    distillation = Distillation(student, teacher, temperature=3.0)
    return distillation.losses(student(**batch), batch)


def plain_divergence(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """For one row of scores, at a temperature of 3."""
    p, q = torch.softmax(theirs.double() / 3, dim=-1), torch.softmax(ours.double() / 3, dim=-1)
    return 9 * (p * (p / q).log()).sum()


def plain_sigmoid_divergence(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    p, q = torch.sigmoid(theirs.double() / 3), torch.sigmoid(ours.double() / 3)
    return 9 * (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log())


def plain_soft_losses(case: str, ours: Any, theirs: Any, batch: dict[str, torch.Tensor]) -> list[float]:
    """Row by row, position by position."""
    rows = range(3)
    mask = batch["attention_mask"].bool()
    if case == "texts":
        return [float(sum(plain_divergence(ours.logits[row], theirs.logits[row]) for row in rows) / 3)]
    if case == "numbers":
        return [float((ours.logits - theirs.logits).square().mean())]
    if case == "several labels":
        return [float(plain_sigmoid_divergence(ours.logits, theirs.logits).mean())]
    if case == "answers":
        names = ("start_logits", "end_logits")
        found = [
            plain_divergence(ours[name][row][mask[row]], theirs[name][row][mask[row]])
            for name in names
            for row in rows
        ]
        return [float(sum(found) / 6)]
    pairs = {"tags": [("logits", "labels")]}.get(
        case, [("mlm_logits", "labels"), ("nlm_logits", "nlm_labels")]
    )
    totals = []
    for logits, labels in pairs:
        places = (batch[labels] != -100).nonzero().tolist()
        found = [plain_divergence(ours[logits][row, at], theirs[logits][row, at]) for row, at in places]
        totals.append(float(sum(found) / len(found)))
    return totals


def plain_cosine_loss(case: str, student: Any, teacher: Any, batch: dict[str, torch.Tensor]) -> float:
    names = ("input_ids", "attention_mask", "token_type_ids")
    inputs = {name: batch[name] for name in names if name in batch}
    ours, theirs = student.base_model(**inputs), teacher.base_model(**inputs)
    found = []
    for channel in ("last_hidden_state", "char_last_hidden_state"):
        for row, at in batch["attention_mask"].nonzero().tolist():
            one, other = ours[channel][row, at].double(), theirs[channel][row, at].double()
            found.append(float(1 - one @ other / (one.norm() * other.norm())))
    return sum(found) / len(found)


@pytest.mark.parametrize("case", CASES)
def test_the_losses_are_those_written_out(case: str) -> None:
    teacher, batch = make_teacher(case), make_batch(case)
    student = make_student(teacher, 2)
    unlabelled = {name: tensor for name, tensor in batch.items() if name[-6:] not in ("labels", "itions")}
    with torch.no_grad():
        ours, theirs = student(**unlabelled), teacher(**unlabelled)
        cosine = plain_cosine_loss(case, student, teacher, batch)
    found = measure(student, teacher, batch)
    assert [loss.item() for loss in found.soft.values()] == pytest.approx(
        plain_soft_losses(case, ours, theirs, batch), rel=1e-4
    )
    assert found.cosine.item() == pytest.approx(cosine, rel=1e-4)
    assert all(loss.item() > 0 for loss in found.soft.values()) and cosine > 0.01
    names = ["mlm_soft_loss", "nlm_soft_loss"] if case == "pre-training" else ["soft_loss"]
    assert list(found.soft) == names


@pytest.mark.parametrize("case", CASES)
def test_a_student_with_all_layers_has_nothing_to_learn(case: str) -> None:
    teacher = make_teacher(case)
    found = measure(make_student(teacher, 4), teacher, make_batch(case))
    assert sum(found.soft.values()).item() == pytest.approx(0, abs=1e-6)
    assert found.cosine.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("case", PLAIN)
def test_a_plain_bert_teaches_too(case: str) -> None:
    torch.manual_seed(0)
    teacher = PLAIN[case](tiny.backbone_config("bert", **FOUR, num_labels=3 if case != "answers" else 2))
    tiny.scatter_weights(teacher)
    batch = {name: each for name, each in make_batch(case).items() if name not in tiny.SPELLED}
    student = make_student(teacher.eval(), 2)
    found = measure(student, teacher, batch)
    unlabelled = {name: tensor for name, tensor in batch.items() if name[-6:] not in ("labels", "itions")}
    with torch.no_grad():
        wanted = plain_soft_losses(case, student(**unlabelled), teacher(**unlabelled), batch)
    assert found.soft["soft_loss"].item() == pytest.approx(wanted[0], rel=1e-4)
    all_layers = measure(make_student(teacher, 4), teacher, batch)
    assert all_layers.soft["soft_loss"].item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_padding_does_not_count(case: str) -> None:
    teacher = make_teacher(case)
    student = make_student(teacher, 2)
    one, other = (measure(student, teacher, make_batch(case, padding)) for padding in (0, 7))
    for name, loss in one.soft.items():
        torch.testing.assert_close(other.soft[name], loss, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(other.cosine, one.cosine, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", ["tags", "pre-training"])
def test_where_nothing_is_labelled_there_are_no_soft_targets(case: str) -> None:
    teacher, batch = make_teacher(case), make_batch(case)
    for name in ("labels", "nlm_labels", "mlm_positions", "nlm_positions"):
        if name in batch:
            batch[name] = torch.full_like(batch[name], -100 if "labels" in name else -1)
    found = measure(make_student(teacher, 2), teacher, batch)
    assert [loss.item() for loss in found.soft.values()] == [0.0] * len(found.soft)
    assert found.cosine.item() > 0.01


def test_the_teacher_gets_no_gradients_and_no_dropout_and_the_student_does() -> None:
    teacher = make_teacher("tags")
    teacher.config.hidden_dropout_prob = 0.5
    teacher.dropout.p = 0.5
    teacher.train()
    student, batch = make_student(teacher, 2).train(), make_batch("tags")
    student.dropout.p = 0.0
    distillation = Distillation(student, teacher)
    one, other = (distillation.losses(student(**batch), batch) for _ in range(2))
    assert one.soft["soft_loss"] == other.soft["soft_loss"]
    outputs = student(**batch)
    soft, cosine = distillation.losses(outputs, batch)
    distillation.combine(soft["soft_loss"], outputs.loss, cosine).backward()
    assert all(weight.grad is None for weight in teacher.parameters())
    assert all(weight.grad is not None for weight in student.parameters())


def test_the_loss_is_five_two_and_one_times_its_terms() -> None:
    student = make_student(make_teacher("texts"), 2)
    found = Distillation(student, make_teacher("texts")).combine(*map(torch.tensor, (0.5, 3.0, 0.25)))
    assert float(found) == 5 * 0.5 + 2 * 3.0 + 0.25


def test_of_an_evaluation_nothing_is_kept() -> None:
    teacher, batch = make_teacher("pre-training"), make_batch("pre-training")
    student = make_student(teacher, 2)
    distillation = Distillation(student, teacher)
    with torch.no_grad():
        student(**batch)
    assert not distillation._ours
    distillation.losses(student(**batch), batch)
    assert not distillation._ours and not distillation._theirs


def train(model: Any, batch: dict[str, torch.Tensor], steps: int, loss: Callable[[Any], Any]) -> Any:
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model(**batch)).backward()
        optimizer.step()
    return model.eval()


def test_a_student_comes_nearer_to_its_teacher_than_by_labels_alone() -> None:
    torch.manual_seed(0)
    teacher = charbert.CharBertForSequenceClassification(tiny.config("bert", backbone=FOUR))
    teacher.set_spelling(tiny.tokenizer("bert"))
    words = ("fox", "dog", "word", "token", "the lazy dog", "a quick fox", "is", "jumps")
    texts = tuple(f"{one} {other}" for one in words for other in words[:2])
    batch = tiny.ragged_batch("bert", texts)
    # Labels that the texts do not explain, so that the teacher is unsure in its own way.
    batch["labels"] = torch.randint(3, (len(texts),), generator=torch.Generator().manual_seed(1))
    train(teacher, batch, 40, lambda outputs: outputs.loss)
    taught, alone = make_student(teacher, 2), make_student(teacher, 2)
    distillation = Distillation(taught, teacher)

    def distilled(outputs: Any) -> torch.Tensor:
        soft, cosine = distillation.losses(outputs, batch)
        return distillation.combine(soft["soft_loss"], outputs.loss, cosine)

    def distance(model: Any) -> float:
        with torch.no_grad():
            return float(divergence(model(**batch).logits, teacher(**batch).logits).mean())

    before = distance(taught.eval())
    train(taught, batch, 60, distilled)
    train(alone, batch, 60, lambda outputs: outputs.loss)
    assert distance(taught) < 0.1 * before
    assert distance(taught) < 0.1 * distance(alone)


def test_states_of_opposite_directions_are_two_apart() -> None:
    states = torch.tensor([[[1.0, 2.0], [3.0, 0.0]]])
    mask = torch.tensor([[1, 0]])
    assert float(cosine_loss((states,), (-2 * states,), mask)) == pytest.approx(2.0)
    assert float(cosine_loss((states, states), (states, -states))) == pytest.approx(1.0)


def test_compiled_in_one_graph_the_losses_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    graphs: list[Any] = []

    def backend(graph: Any, _inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    # The operator that GPUs use is one call of a graph; torch's GRU would cut it.
    monkeypatch.setattr(CharacterEncoder, "_fused_dtype", lambda *_: torch.float32)
    teacher = tiny.build(charbert.CharBertForPreTraining, "bert")
    student, batch = make_student(teacher, 1), make_batch("pre-training")
    batch |= tiny.ragged_batch("bert", return_spelling=True)
    distillation = Distillation(student, teacher)
    wanted = distillation.losses(student(**batch), batch)
    torch.compiler.reset()
    for model in (student, teacher):
        model.compile(backend=backend, fullgraph=True)
    found = distillation.losses(student(**batch), batch)
    torch.compiler.reset()
    assert len(graphs) == 2
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)
