from itertools import product
from random import Random

import pytest

from charbert.errors import CharBertError
from data.examples.types import Answer, QuestionExample
from finetune.metrics.squad import (
    answer_words,
    best_threshold,
    missing_predictions,
    squad1_scores,
    squad2_scores,
)

WORDS = ("red", "the red", "red fox", "fox", "A fox!", "dog")


def question(name: str, *answers: str) -> QuestionExample:
    return QuestionExample(
        name, "?", "", tuple(Answer(text, 0) for text in answers), bool(answers), "", f"gold: {name}"
    )


def scores_of_one(gold: str, predicted: str) -> dict[str, float]:
    return squad1_scores([question("q", gold)], {"q": predicted})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The  Cat,\tand a dog", ["cat", "and", "dog"]),
        ("An a the", []),
        ("theatre of Athens", ["theatre", "of", "athens"]),
        ("well-known", ["wellknown"]),  # punctuation goes without leaving a blank
        ("the-end", ["theend"]),  # and before the articles do
        ("«a» – b", ["«", "»", "–", "b"]),  # only ASCII punctuation goes
        ("$5.00", ["500"]),
    ],
)
def test_answers_are_compared_by_normalised_words(text, words):
    assert answer_words(text) == words


def test_answers_equal_but_for_case_punctuation_and_articles_match():
    assert scores_of_one("The Eiffel Tower", "eiffel tower.") == {"exact_match": 100.0, "f1": 100.0}


def test_f1_counts_a_word_as_often_as_both_have_it():
    # "x x y" and "x y y" share x and y, two of three words on either side.
    assert scores_of_one("x x y", "x y y")["f1"] == pytest.approx(100 * 2 / 3)


def test_order_of_words_matters_to_exact_match_alone():
    assert scores_of_one("new york", "york new") == {"exact_match": 0.0, "f1": 100.0}


def test_the_best_gold_answer_counts_for_each_measure():
    found = squad1_scores([question("q", "big red fox", "dog", "red")], {"q": "red fox"})
    assert found == pytest.approx({"exact_match": 0.0, "f1": 80.0})


def test_empty_answers_match_in_squad1_but_have_no_f1():
    assert scores_of_one("the", "a") == {"exact_match": 100.0, "f1": 0.0}


def test_missing_prediction_is_wrong_in_squad1():
    gold = [question("p", "x"), question("q", "x")]
    assert squad1_scores(gold, {"q": "x", "other": "x"}) == {"exact_match": 50.0, "f1": 50.0}
    assert missing_predictions(gold, {"q": "x"}) == ["p"]


def test_squad1_refuses_a_question_without_answer():
    with pytest.raises(CharBertError, match=r"gold: q: .*squad2"):
        squad1_scores([question("q")], {"q": ""})


def test_squad2_scores_stand_in_the_official_order():
    gold = [question("p", "x y"), question("q")]
    found = squad2_scores(gold, {"p": "x", "q": ""}, {"p": 0.1, "q": 0.9})
    assert list(found) == [
        *("exact", "f1", "total"),
        *("HasAns_exact", "HasAns_f1", "HasAns_total", "NoAns_exact", "NoAns_f1", "NoAns_total"),
        *("best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh"),
    ]


def test_squad2_scores_split_by_whether_there_is_an_answer():
    gold = [question("p", "x y"), question("q"), question("r")]
    found = squad2_scores(gold, {"p": "x", "q": "", "r": "x"})
    f1 = 100 * 2 / 3
    expected = {
        **{"exact": 100 / 3, "f1": (f1 + 100) / 3, "total": 3},
        **{"HasAns_exact": 0.0, "HasAns_f1": f1, "HasAns_total": 1},
        **{"NoAns_exact": 50.0, "NoAns_f1": 50.0, "NoAns_total": 2},
    }
    assert found == pytest.approx(expected)


def test_squad2_leaves_out_a_part_without_questions():
    assert list(squad2_scores([question("q")], {"q": ""})) == [
        *("exact", "f1", "total", "NoAns_exact", "NoAns_f1", "NoAns_total")
    ]


def test_empty_answers_agree_in_squad2():
    assert squad2_scores([question("q")], {"q": "The"})["f1"] == 100.0


def test_squad2_drops_gold_answers_without_words():
    gold = [question("p", "the", "fox"), question("q", "the")]
    found = squad2_scores(gold, {"p": "", "q": ""})
    assert found["HasAns_exact"] == found["HasAns_f1"] == 50.0  # of "q" nothing is left, and "" is right


def test_probability_above_the_threshold_makes_the_answer_empty():
    gold = [question("p", "x"), question("q")]
    given = {"p": "x", "q": "x"}
    found = squad2_scores(gold, given, {"p": 0.5, "q": 0.6}, na_threshold=0.5)
    assert (found["HasAns_exact"], found["NoAns_exact"]) == (100.0, 100.0)
    found = squad2_scores(gold, given, {"p": 0.5, "q": 0.6}, na_threshold=0.4)
    assert (found["HasAns_exact"], found["NoAns_exact"]) == (0.0, 100.0)


def test_no_probability_lies_above_the_usual_threshold():
    gold, given = [question("q", "x")], {"q": "x"}
    assert squad2_scores(gold, given, {"q": 1.0})["exact"] == 100.0


@pytest.mark.parametrize("measure", ["exact", "f1"])
@pytest.mark.parametrize("seed", range(5))
def test_best_threshold_is_the_best_of_all(measure, seed):
    random = Random(seed)
    gold = [question(str(i), *random.sample(WORDS, i % 3)) for i in range(30)]
    given = {example.id: random.choice(WORDS) for example in gold}
    na_probs = {example.id: random.random() for example in gold}
    found = best_threshold(gold, given, na_probs, measure)
    tried = [
        squad2_scores(gold, given, na_probs, threshold)[measure] for threshold in (0.0, *na_probs.values())
    ]
    assert found.score == pytest.approx(max(tried))
    assert squad2_scores(gold, given, na_probs, found.value)[measure] == pytest.approx(found.score)


def test_best_threshold_is_reported_with_probabilities():
    gold = [question("p", "x"), question("q"), question("r", "y")]
    given, na_probs = {"p": "x", "q": "z", "r": "y"}, {"p": 0.2, "q": 0.5, "r": 0.4}
    found = squad2_scores(gold, given, na_probs)
    assert found["exact"] == pytest.approx(100 * 2 / 3)
    assert (found["best_exact"], found["best_exact_thresh"]) == (100.0, 0.4)
    assert best_threshold(gold, given, na_probs) == (found["best_f1"], found["best_f1_thresh"])


def test_best_threshold_is_zero_where_nothing_should_be_answered():
    gold, given = [question("p"), question("q", "x")], {"p": "x", "q": "y"}
    assert best_threshold(gold, given, {"p": 0.1, "q": 0.2}) == (50.0, 0.0)


@pytest.mark.parametrize(("given", "na_probs"), product(({"p": "x"},), (None, {"p": 0.1})))
def test_squad2_refuses_a_missing_prediction(given, na_probs):
    with pytest.raises(CharBertError, match="1 of 2 questions lack a prediction, the first is 'q'"):
        squad2_scores([question("p", "x"), question("q")], given, na_probs)


def test_squad2_refuses_a_missing_probability():
    with pytest.raises(CharBertError, match="lack a no-answer probability, the first is 'q'"):
        squad2_scores([question("p", "x"), question("q")], {"p": "", "q": ""}, {"p": 0.1})


def test_probabilities_of_other_questions_are_passed_over():
    gold, given = [question("p", "x")], {"p": "x"}
    found = squad2_scores(gold, given, {"other": 0.0, "p": 0.3})
    assert (found["best_f1"], found["best_f1_thresh"]) == (100.0, 0.3)
