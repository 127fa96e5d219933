import sys
from random import Random

import pytest
import seqeval.metrics
import seqeval.scheme

from charbert.errors import CharBertError
from finetune.metrics.tagging import (
    entity_report,
    entity_scores,
    entity_scores_by_type,
    tag_scores,
)

GOLD = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-LOC", "O"]]
# Of three entities one is found, one ends too early, one is missed; two words have a wrong tag.
PREDICTED = [["B-PER", "O", "O", "B-LOC"], ["O", "O", "O"]]


def test_an_entity_counts_only_as_a_whole():
    found = entity_scores(GOLD, PREDICTED)
    assert found == pytest.approx({"precision": 1 / 2, "recall": 1 / 3, "f1": 2 / 5, "accuracy": 5 / 7})


def test_scores_of_each_type():
    assert entity_scores_by_type(GOLD, PREDICTED) == {
        "LOC": {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2},
        "PER": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1},
    }


def test_report_has_flat_names():
    found = entity_report(GOLD, PREDICTED)
    assert list(found)[:5] == ["precision", "recall", "f1", "accuracy", "LOC_precision"]
    assert found["LOC_recall"] == 0.5
    assert found["PER_support"] == 1


def test_iob1_and_iob2_are_the_same_entities():
    iob1 = [["I-PER", "I-PER", "O", "I-LOC", "B-LOC"]]
    iob2 = [["B-PER", "I-PER", "O", "B-LOC", "B-LOC"]]
    found = entity_scores(iob1, iob2)
    assert (found["precision"], found["recall"], found["f1"]) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("gold", "predicted", "accuracy"),
    [
        ("I-PER I-PER", "O I-PER", 0.5),
        ("B-PER I-PER", "O I-PER", 0.5),
        ("I-PER I-PER O", "B-PER I-PER O", 2 / 3),
        ("B-LOC I-LOC", "B-LOC B-LOC", 0.5),
        ("I-LOC", "I-PER", 0.0),
    ],
)
def test_accuracy_compares_tags_as_they_are_written_as_conlleval_does(gold, predicted, accuracy):
    assert entity_scores([gold.split()], [predicted.split()])["accuracy"] == pytest.approx(accuracy)


def test_neighbours_of_one_type_are_two_entities():
    found = entity_scores([["B-LOC", "B-LOC"]], [["B-LOC", "I-LOC"]])
    assert (found["precision"], found["recall"], found["f1"]) == (0.0, 0.0, 0.0)


def test_change_of_type_starts_an_entity():
    assert entity_scores([["B-PER", "B-LOC"]], [["B-PER", "I-LOC"]])["f1"] == 1.0


def test_entities_do_not_cross_sentences():
    found = entity_scores([["B-PER"], ["B-PER"]], [["B-PER"], ["I-PER"]])
    assert found["f1"] == 1.0


def test_text_without_entities_scores_zero_without_warnings(recwarn):
    outside = [["O", "O"]]
    found = entity_report(outside, outside)
    assert found == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "accuracy": 1.0}
    assert not recwarn.list


# The same two entities in each scheme, and a prediction that has the first of them and a wrong one.
SCHEMES = {
    "IOB1": ("I-PER I-PER B-PER O", "I-PER I-PER O I-LOC"),
    "IOB2": ("B-PER I-PER B-PER O", "B-PER I-PER O B-LOC"),
    "IOE1": ("I-PER E-PER I-PER O", "I-PER I-PER O I-LOC"),
    "IOE2": ("I-PER E-PER E-PER O", "I-PER E-PER O E-LOC"),
    "IOBES": ("B-PER E-PER S-PER O", "B-PER E-PER O S-LOC"),
    "BILOU": ("B-PER L-PER U-PER O", "B-PER L-PER O U-LOC"),
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_scores_are_the_same_in_each_scheme_and_those_of_seqeval(scheme):
    gold, predicted = ([tags.split()] for tags in SCHEMES[scheme])
    found = entity_scores(gold, predicted)
    assert (found["precision"], found["recall"], found["f1"]) == (0.5, 0.5, 0.5)
    assert found["f1"] == seqeval.metrics.f1_score(
        gold, predicted, mode="strict", scheme=getattr(seqeval.scheme, scheme)
    )
    assert entity_scores_by_type(gold, predicted)["PER"]["support"] == 2


@pytest.mark.parametrize("positions", ["BI", "IE", "BIES", "BMES"])
def test_entities_of_any_tags_are_those_of_seqeval(positions):
    draws = Random(0)
    known = ["O", *(f"{position}-{kind}" for position in positions for kind in "XY")]
    sides = [[draws.choices(known, k=9) for _ in range(200)] for _ in range(2)]
    # seqeval has no M, which is the I of its IOBES
    theirs = [[[tag.replace("M-", "I-") for tag in tags] for tags in side] for side in sides]
    found = entity_scores(*sides)
    assert found["f1"] == pytest.approx(seqeval.metrics.f1_score(*theirs))
    assert found["precision"] == pytest.approx(seqeval.metrics.precision_score(*theirs))


def test_accuracy_of_tags_counts_words():
    assert tag_scores([["DT", "NN"], ["VB"]], [["DT", "VB"], ["VB"]]) == {"accuracy": pytest.approx(2 / 3)}


def test_seqeval_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "seqeval.metrics.sequence_labeling", None)
    with pytest.raises(CharBertError, match="pip install seqeval"):
        entity_scores(GOLD, PREDICTED)
