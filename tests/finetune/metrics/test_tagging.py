import sys

import pytest

from charbert.errors import CharBertError
from finetune.metrics.tagging import (
    entity_report,
    entity_scores,
    entity_scores_by_type,
    has_entities,
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


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["O", "B-PER", "I-PER"], True),
        (["I-LOC"], True),
        (["O", "B-geo-loc"], True),
        (["O"], False),
        (["NN", "VB", "O"], False),
        (["O", "B-PER", "E-PER", "S-LOC"], False),
        (["B-"], False),
        ([], False),
    ],
)
def test_tags_of_entities_are_known_by_their_form(tags, expected):
    assert has_entities(tags) is expected


def test_accuracy_of_tags_counts_words():
    assert tag_scores([["DT", "NN"], ["VB"]], [["DT", "VB"], ["VB"]]) == {"accuracy": pytest.approx(2 / 3)}


def test_seqeval_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "seqeval.metrics.sequence_labeling", None)
    with pytest.raises(CharBertError, match="pip install seqeval"):
        entity_scores(GOLD, PREDICTED)
