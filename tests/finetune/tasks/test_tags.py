"""Tagging: each word by its first token, in the window where it has most context."""

from typing import Any

import numpy as np
import pytest
import tiny

from charbert.errors import CharBertError
from charbert.losses import IGNORED
from data.examples.readers import Columns, read_examples
from data.examples.rows import BadRows
from data.examples.types import TaggedExample
from finetune.tasks.base import Encoded
from finetune.tasks.tags import TagPrediction, TagTask

LABELS = ("B-DOG", "I-DOG", "O")


def task(max_length: int = 64) -> TagTask:
    return TagTask(labels=LABELS, max_length=max_length)


def example(words: str, tags: str | None = None, number: int = 0) -> TaggedExample:
    return TaggedExample(
        str(number),
        tuple(words.split()),
        None if tags is None else tuple(tags.split()),
        0,
        f"x: row {number}",
    )


def right_outputs(encoded: Encoded) -> list[Any]:
    """What a model would give that has learnt the labels of the rows."""
    return [np.array(row["labels"])[:, None] == np.arange(len(LABELS)) for row in encoded.inputs]


def test_the_first_token_of_a_word_has_its_label_and_the_others_none(any_tokenizer: Any) -> None:
    given = example("the jumping dogs .", "O B-DOG I-DOG O")
    encoded = task().encode([given], any_tokenizer)
    (row,), (note,) = encoded
    labelled = [label for label in row["labels"] if label != IGNORED]
    assert labelled == [2, 0, 1, 2]
    assert len(row["labels"]) == len(row["input_ids"])
    offsets = any_tokenizer(" ".join(given.words), return_offsets_mapping=True)["offset_mapping"]
    begins = [offsets[token][0] for token in note.tokens]
    assert begins == [0, 4, 12, 17]


def test_right_outputs_give_the_tags_back(any_tokenizer: Any) -> None:
    examples = [
        example("a lazy dog jumps", "O B-DOG I-DOG O", 0),
        example("unknownword # ## dogs", "B-DOG O O B-DOG", 1),
        example("dog", "B-DOG", 2),
    ]
    encoded = task().encode(examples, any_tokenizer)
    predictions = task().decode(examples, encoded, right_outputs(encoded))
    assert [prediction.tags for prediction in predictions] == [each.tags for each in examples]
    assert task().score(examples, predictions)["f1"] == 1.0


def test_a_sentence_longer_than_a_window_is_tagged_whole(any_tokenizer: Any) -> None:
    words = " ".join(["jumping", "the", "dogs", "quick", "unseen"] * 60)
    tags = " ".join(["O", "B-DOG", "I-DOG", "I-DOG", "O"] * 60)
    examples = [example("the dog", "O B-DOG"), example(words, tags)]
    encoded = task(max_length=24).encode(examples, any_tokenizer)
    assert len(encoded.inputs) > 20
    assert max(len(row["input_ids"]) for row in encoded.inputs) == 24
    predictions = task(max_length=24).decode(examples, encoded, right_outputs(encoded))
    assert predictions[1].tags == examples[1].tags


def test_of_several_windows_that_with_most_context_decides(any_tokenizer: Any) -> None:
    examples = [example(" ".join(["the"] * 40))]
    encoded = task(max_length=24).encode(examples, any_tokenizer)
    # Each row says O where a word has at least four tokens on both sides, and B-DOG elsewhere.
    outputs = []
    for row in encoded.inputs:
        place = np.arange(len(row["input_ids"]))
        inner = np.minimum(place, place[::-1]) >= 4
        outputs.append(np.stack([~inner, np.zeros_like(inner), inner], axis=-1).astype(float))
    (prediction,) = task(max_length=24).decode(examples, encoded, outputs)
    assert set(prediction.tags[4:-4]) == {"O"}


def test_a_word_without_a_token_is_outside() -> None:
    words = ("the", "\u200b\u0007", "dog")
    given = TaggedExample("0", words, ("O", "O", "B-DOG"), 0, "x: row 0")
    encoded = task().encode([given], tiny.stock_tokenizer("bert"))
    assert encoded.notes[0].words.tolist() == [0, 2]
    (prediction,) = task().decode([given], encoded, right_outputs(encoded))
    assert prediction.tags == ("O", "O", "B-DOG")


# Characters that a tokenizer drops or takes apart: marks of direction, a soft hyphen, a zero-width space, a
# control, a lone accent, a blank, an emoji of 4 bytes, scripts without blanks, letters with marks.
ODD = (
    "\u200eAnna",
    "\xadsoft",
    "\u200b",
    "\x07dogs",
    "\u0301",
    "\xa0fox",
    "🙂🙂",
    "中文字",
    "éàü",
    "한국",
    "नमस्ते",
    "the",
)


@pytest.mark.parametrize("side", ["right", "left"])
def test_of_each_word_that_has_tokens_the_first_one_is_labelled(stock: Any, side: str) -> None:
    stock.truncation_side = side
    words = [ODD[number * step % len(ODD)] for step in (1, 5, 7, 11) for number in range(len(ODD))]
    examples = [example("", "")._replace(words=(*words[start:],)) for start in range(len(ODD))]
    examples = [each._replace(tags=("O",) * len(each.words)) for each in examples]
    whole = task(max_length=10_000).encode(examples, stock)
    first = {
        (note.example, word): row["input_ids"][token]
        for row, note in zip(*whole, strict=True)
        for word, token in zip(note.words.tolist(), note.tokens.tolist(), strict=True)
    }
    assert len(whole.inputs) == len(examples) and (0, 0) in first
    encoded = task(max_length=12).encode(examples, stock)
    assert len(encoded.inputs) > 5 * len(examples)
    found = set()
    for row, note in zip(*encoded, strict=True):
        labelled = np.flatnonzero(np.array(row["labels"]) != IGNORED)
        assert labelled.tolist() == note.tokens.tolist()
        for word, token in zip(note.words.tolist(), labelled.tolist(), strict=True):
            assert row["input_ids"][token] == first[note.example, word]
            found.add((note.example, word))
    assert found == first.keys()


def test_words_to_predict_have_no_labels(any_tokenizer: Any) -> None:
    encoded = task().encode([example("the dog")], any_tokenizer)
    assert "labels" not in encoded.inputs[0]


def test_a_tag_that_training_does_not_know_is_told_with_its_row() -> None:
    examples = [example("a dog", "O B-DOG", 1), example("a cat", "O B-CAT", 2)]
    with pytest.raises(CharBertError, match="x: row 2: tag 'B-CAT' is not among those of training"):
        task().usable(examples, BadRows())
    bad = BadRows(skip=True)
    assert task().usable(examples, bad) == examples[:1]
    assert len(bad) == 1


@pytest.mark.parametrize("entities", (True, None))
@pytest.mark.parametrize(
    "labels", ("B-X E-X I-X O S-X", "B-X E-X M-X O S-X", "B-X I-X L-X O U-X", "E-X I-X O")
)
def test_entities_of_any_scheme_are_scored_by_f1(labels: str, entities: bool | None, caplog: Any) -> None:
    given = [example(" ".join("the" for _ in labels.split()), labels)]
    with caplog.at_level("INFO"):
        found = TagTask.find_labels(given, entities=entities)
    assert "entities are marked in the scheme" in caplog.text
    tagger = TagTask(labels=found, entities=entities)
    assert (tagger.metric, tagger.has_entities) == ("f1", True)


def test_tags_of_no_one_scheme_are_no_entities() -> None:
    labels = ("B-X", "E-X", "L-X", "O")
    assert TagTask(labels=labels).metric == "accuracy"
    with pytest.raises(
        CharBertError, match="ner: the tags mark entities in none of the schemes IOB, IOE, IOBES"
    ):
        TagTask(labels=labels, entities=True)


def test_a_part_in_ioe1_that_looks_like_iob1_keeps_its_tags() -> None:
    given = example("the dog", "I-X I-X").as_iob2()
    assert given.tags == ("B-X", "I-X")
    assert TagTask(labels=("E-X", "I-X", "O")).usable([given], BadRows())[0].tags == ("I-X", "I-X")


def test_predictions_are_written_in_columns(tmp_path: Any) -> None:
    examples = [example("a dog", "O B-DOG"), example("dogs", "B-DOG")]
    encoded = task().encode(examples, tiny.stock_tokenizer("bert"))
    predictions = task().decode(examples, encoded, right_outputs(encoded))
    task().write(examples, predictions, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "a O\ndog B-DOG\n\ndogs B-DOG\n\n"
    assert [record["tags"] for record in task().records(examples, predictions)] == [
        ("O", "B-DOG"),
        ("B-DOG",),
    ]


def test_words_with_blanks_are_written_so_that_they_are_read(tmp_path: Any) -> None:
    given = [
        example("", "")._replace(words=("New York", "dog"), tags=("B-DOG", "O")),
        example("# dog", "O O"),
    ]
    predictions = [TagPrediction("0", each.tags or (), ()) for each in given]
    task().write(given, predictions, tmp_path / "out.conll")
    read: list[Any] = list(read_examples(Columns(task="ner"), str(tmp_path / "out.conll"), BadRows()))
    assert [(each.words, each.tags) for each in read] == [(each.words, each.tags) for each in given]
