"""Scores of entities that the tokenizer splits, and of those that it does not."""

from random import Random
from typing import Any

import pytest
import tiny
from small_tasks import ENTITY_TAGS, tag_predictions, tag_task, tagged, text_task

from charbert import CharBertError
from data.examples.types import TaggedExample
from finetune.analysis import check_word_split, word_split
from finetune.tasks.tags import TagPrediction

# Of the tiny tokenizer: these are one token, and those are several.
WHOLE = ("the", "quick", "brown", "fox", "dog", "word")
SPLIT = ("jumps", "foxes", "words", "zebra")


def test_entity_with_one_split_word_is_of_the_subword_part() -> None:
    example = tagged("the quick jumps the fox dog", "O B-PER I-PER O B-LOC O")
    found = word_split([example], tag_predictions("O B-PER I-PER O O O"), tiny.stock_tokenizer("bert"))
    assert (found["word_recall"], found["subword_recall"]) == (0, 1)
    assert found["subword_words"] == pytest.approx(1 / 6)
    assert found["subword_entities"] == pytest.approx(1 / 2)
    assert found["subword_entity_words"] == pytest.approx(1 / 3)


def test_predicted_entity_has_a_part_of_its_own() -> None:
    # A whole word is right; predicted was a longer entity, which has a split word.
    example = tagged("fox jumps", "B-PER O")
    found = word_split([example], tag_predictions("B-PER I-PER"), tiny.stock_tokenizer("bert"))
    assert (found["word_precision"], found["word_recall"], found["word_f1"]) == (0, 0, 0)
    assert (found["subword_precision"], found["subword_recall"], found["subword_f1"]) == (0, 0, 0)
    right = word_split([example], tag_predictions("B-PER O"), tiny.stock_tokenizer("bert"))
    assert (right["word_f1"], right["subword_f1"]) == (1, 0)


def spans(tags: tuple[str, ...]) -> set[tuple[str, int, int]]:
    """Entities as conlleval reads them: type, first word, and the one behind the last."""
    found, start = set(), None
    for place, tag in enumerate((*tags, "O")):
        before = tags[place - 1] if place else "O"
        goes_on = tag[:2] == "I-" and before[2:] == tag[2:]
        if start is not None and not goes_on:
            found.add((before[2:], start, place))
            start = None
        if tag != "O" and not goes_on:
            start = place
    return found


@pytest.mark.parametrize("seed", range(4))
def test_parts_are_scored_as_counted_by_hand(seed: int) -> None:
    drawing = Random(seed)
    examples, predictions = [], []
    totals = {part: {"right": 0, "gold": 0, "predicted": 0} for part in ("word", "subword")}
    for _ in range(30):
        words = tuple(drawing.choice(WHOLE + SPLIT) for _ in range(drawing.randrange(1, 9)))
        gold, predicted = (tuple(drawing.choice(ENTITY_TAGS) for _ in words) for _ in range(2))
        if drawing.random() < 0.5:
            predicted = gold[: len(gold) // 2] + predicted[len(gold) // 2 :]
        examples.append(TaggedExample("0", words, gold, 0, "file: row 1"))
        predictions.append(TagPrediction("0", predicted, ()))
        for part, wanted in (("word", False), ("subword", True)):
            sides = [
                {
                    each
                    for each in spans(tags)
                    if any(word in SPLIT for word in words[each[1] : each[2]]) == wanted
                }
                for tags in (gold, predicted)
            ]
            totals[part]["right"] += len(sides[0] & sides[1])
            totals[part]["gold"] += len(sides[0])
            totals[part]["predicted"] += len(sides[1])
    found = word_split(examples, predictions, tiny.stock_tokenizer("bert"))
    for part, total in totals.items():
        precision, recall = total["right"] / total["predicted"], total["right"] / total["gold"]
        assert total["right"] > 0
        assert found[f"{part}_precision"] == pytest.approx(precision)
        assert found[f"{part}_recall"] == pytest.approx(recall)
        assert found[f"{part}_f1"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert found["subword_entities"] == pytest.approx(
        totals["subword"]["gold"] / (totals["word"]["gold"] + totals["subword"]["gold"])
    )


def test_byte_level_pieces_count_for_the_word_behind_their_blank() -> None:
    tokenizer = tiny.stock_tokenizer("roberta")
    words = "the the zebra the".split()
    assert len(tokenizer.tokenize(" the")) == 1
    example = TaggedExample("0", tuple(words), ("O",) * 4, 0, "file: row 1")
    found = word_split([example], tag_predictions("O O O O"), tokenizer)
    assert found["subword_words"] == pytest.approx(1 / 4)


def test_charbert_tokenizer_splits_as_the_stock_one(kind: str) -> None:
    examples = [tagged(text, " ".join("O" for _ in text.split(" "))) for text in tiny.SENTENCES]
    predictions = tag_predictions(*(" ".join(example.tags or ()) for example in examples))
    ours, theirs = (
        word_split(examples, predictions, tokenizer)
        for tokenizer in (tiny.tokenizer(kind), tiny.stock_tokenizer(kind))
    )
    assert ours == theirs


def test_words_behind_the_longest_input_of_the_model_count_too() -> None:
    tokenizer = tiny.stock_tokenizer("bert", model_max_length=16)
    example = TaggedExample("0", ("fox",) * 40 + ("jumps",), ("O",) * 40 + ("B-PER",), 0, "file: row 1")
    found = word_split([example], [TagPrediction("0", example.tags or (), ())], tokenizer)
    assert found["subword_f1"] == 1
    assert found["subword_words"] == pytest.approx(1 / 41)


def test_word_without_a_token_is_whole() -> None:
    example = tagged("fox \x00 jumps", "B-PER B-PER B-PER")
    found = word_split([example], tag_predictions("O B-PER O"), tiny.stock_tokenizer("bert"))
    assert found["word_recall"] == pytest.approx(1 / 2)
    assert found["subword_recall"] == 0


def test_nothing_but_outside_words_scores_zero() -> None:
    found = word_split([tagged("fox jumps", "O O")], tag_predictions("O O"), tiny.stock_tokenizer("bert"))
    assert found["word_f1"] == found["subword_f1"] == 0
    assert found["subword_entities"] == found["subword_entity_words"] == 0


@pytest.mark.parametrize("task", [tag_task("NN", "VB"), text_task("0", "1")])
def test_word_split_of_a_task_without_entities_is_refused(task: Any) -> None:
    check_word_split(tag_task(*ENTITY_TAGS))
    with pytest.raises(CharBertError, match="--word-split: scores entities"):
        check_word_split(task)
