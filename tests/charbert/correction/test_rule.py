"""The rule of correction: suspect words, and their candidates."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from small_correction import WORDS

from charbert import Vocabulary
from charbert.correction.rule import Judgement, Looks, Rule, Weights, look_at, looks_like_a_name

WEIGHTS = Weights(head=1.0, rank=0.0, edit=1.0, unseen=-3.0, letter=0.5, name=2.0, seen=4.0)
VOCABULARY = Vocabulary(WORDS)
PLAIN = Looks()


def is_suspect(text: str, word: str, rule: Rule | None = None) -> bool:
    start = text.index(word)
    return (rule or Rule(VOCABULARY)).is_suspect(text, start, start + len(word), word.lower())


@pytest.mark.parametrize("word", ("qiuck", "Qiuck", "brwon", "QIUCKLY"))
def test_a_word_that_nobody_knows_is_suspect(word: str) -> None:
    assert is_suspect(f"the {word} fox", word)


@pytest.mark.parametrize("word", ("quick", "Quick", "QUICK"))
def test_a_word_of_the_vocabulary_is_not(word: str) -> None:
    assert not is_suspect(f"the {word} fox", word)


def test_nor_is_one_that_the_user_knows() -> None:
    assert not is_suspect("the qiuck fox", "qiuck", Rule(VOCABULARY, known=["qiuck"]))


@pytest.mark.parametrize("word", ("qx", "NATO", "McFoxx", "iFoxx", "foxx2", "q" * 41, "fo\u0301xx"))
def test_nor_are_short_words_acronyms_and_what_is_not_of_letters_or_of_mixed_case(word: str) -> None:
    assert not is_suspect(f"the {word} dog", word)


@pytest.mark.parametrize(
    "text",
    (
        "see http://foxx/dog",
        "see www.foxx.org",
        "mail foxx@dogs",
        "in /usr/foxx/bin",
        r"in C:\foxx",
        "the 12foxx",
        "#foxx",
        "quick_foxx",
        "<foxx>",
        "foxx.py",
        "std::foxx",
        "foxx:dog",
        ":foxx:",
        "foxx() jumps",
        "foxx++",
        "--foxx",
        "%foxx%",
        "&foxx",
        "x^foxx",
        "(r/foxx)",
        '{ "foxx": true }',
    ),
)
def test_nor_are_parts_of_addresses_code_and_numbers(text: str) -> None:
    assert not is_suspect(text, "foxx")


@pytest.mark.parametrize("text", ("foxx\u0301", "foxx\u0301es", "e\u0301foxx", "foxx\u00ades", "a\u200dfoxx"))
def test_nor_are_parts_of_longer_words_that_a_tokenizer_cuts_off(text: str) -> None:
    assert not is_suspect(f"the {text} dog", "foxx")


@pytest.mark.parametrize("text", ("hasn't", "Hasn’t"))
def test_nor_is_the_half_of_a_contraction(text: str) -> None:
    assert not is_suspect(f"it {text} jumped", text[:4])
    assert is_suspect(f"it {text[:4]} jumped", text[:4])


@pytest.mark.parametrize("text", ("\ufefffoxx", "foxx\u200b", "foxx🙂", "🙂\u200dfoxx"))
def test_what_is_no_letter_around_a_word_makes_it_no_longer(text: str) -> None:
    assert is_suspect(f"the {text} dog", "foxx")


@pytest.mark.parametrize(
    "text",
    ("(foxx)", "foxx.", '"foxx"', "foxx/dog", "foxx—dog", "foxx's", "dog-foxx,", "foxx: dog", "fox(foxx)"),
)
def test_punctuation_around_a_word_makes_no_code_of_it(text: str) -> None:
    assert is_suspect(text, "foxx")


def test_a_dash_before_a_sentence_makes_no_option_of_it() -> None:
    assert is_suspect("--Foxx jumps", "Foxx") and not is_suspect("quick --foxx", "foxx")


def test_real_words_are_suspect_on_request() -> None:
    assert is_suspect("the form dog", "form", Rule(VOCABULARY, real_words=True))


@pytest.mark.parametrize(
    ("text", "word", "wanted"),
    (
        ("he met Foxx.", "Foxx", True),
        ("Foxx met him.", "Foxx", False),
        ("He left. Foxx came.", "Foxx", False),
        ("He left! “Foxx came.", "Foxx", False),
        ("A title\nFoxx came.", "Foxx", False),
        ("- Foxx came.", "Foxx", False),
        ("by J. Foxx", "Foxx", True),
        ("by Dog-Foxx", "Foxx", True),
        ("he met foxx", "foxx", False),
        ("FOXXES came", "FOXXES", True),
    ),
)
def test_a_capital_inside_a_sentence_looks_like_a_name(text: str, word: str, wanted: bool) -> None:
    start = text.index(word)
    assert looks_like_a_name(text, start, start + len(word)) == wanted


def judged(word: str, looks: Looks = PLAIN, top_k: int = 5, **probabilities: float) -> Judgement:
    scores = np.log([probabilities.get(each, 0) or 1e-9 for each in WORDS])
    return Rule(VOCABULARY, real_words=True, weights=WEIGHTS).judge(word, looks, scores, top_k)


def test_words_are_weighed_by_the_head_and_their_edits() -> None:
    # "frm" lacks a letter of both, which costs 3; from 'unseen' and 'letter': e^-4.5 for what stands there.
    found = judged("frm", **{"from": 0.6, "form": 0.2})
    weights = np.array([0.6 * math.exp(-3), 0.2 * math.exp(-3), math.exp(-4.5)])
    shares = weights / weights.sum()
    assert found.words[:2] == ["from", "form"]
    assert found.probabilities[:2] == pytest.approx(shares[:2], rel=1e-4)
    assert found.probability == pytest.approx(1 - shares[2], rel=1e-4)


@pytest.mark.parametrize(
    ("looks", "bonus"), ((Looks(name=True), WEIGHTS.name), (Looks(repeated=True), WEIGHTS.repeated))
)
def test_what_looks_like_a_name_or_stands_there_twice_is_kept_more_readily(
    looks: Looks, bonus: float
) -> None:
    odds = [
        p / (1 - p) for p in (judged("frm", each, **{"from": 0.5}).probability for each in (PLAIN, looks))
    ]
    assert odds[0] / odds[1] == pytest.approx(math.exp(bonus), rel=1e-3)


def test_what_the_model_takes_for_an_unknown_word_is_kept_more_readily() -> None:
    odds = [
        p / (1 - p)
        for p in (judged("frm", **{"from": 0.3, "<unk>": unknown}).probability for unknown in (0.0, 0.5))
    ]
    assert odds[0] / odds[1] == pytest.approx(math.exp(0.5 * WEIGHTS.unknown), rel=1e-3)


@pytest.mark.parametrize(
    ("text", "repeated"),
    (
        ("the foxx saw a Foxx", True),
        ("the foxx saw foxxes", False),
        ("the foxx " + "ran " * 500 + "foxx", False),
    ),
)
def test_a_word_that_stands_nearby_again_is_repeated(text: str, repeated: bool) -> None:
    assert look_at(text, 4, 8) == Looks(name=False, repeated=repeated)


def test_the_more_words_are_known_the_likelier_is_another_one_wrong() -> None:
    scores = np.log([{"from": 0.5}.get(each, 1e-9) for each in WORDS])
    known = [f"word{'abcdefghijklmnopqrstuvwx'[number]}" for number in range(2 * len(WORDS))]
    odds = [
        p / (1 - p)
        for p in (
            Rule(VOCABULARY, [*WORDS, *each], weights=WEIGHTS).judge("frm", PLAIN, scores, 5).probability
            for each in (known, [])
        )
    ]
    assert odds[0] / odds[1] == pytest.approx(3, rel=1e-3)  # three times as many words


def test_a_frequent_word_is_likelier_than_a_rare_one() -> None:
    scores = np.log(np.full(len(WORDS), 1 / len(WORDS)))
    weights = Weights(head=1.0, rank=1.0, edit=1.0, unseen=-3.0, letter=0.5, name=2.0, seen=4.0)
    found = Rule(VOCABULARY, weights=weights).judge("frm", PLAIN, scores, 5)
    ratio = (WORDS.index("form") + 20) / (WORDS.index("from") + 20)
    assert found.words == ["from", "form", "fox"]
    assert found.probabilities[0] / found.probabilities[1] == pytest.approx(ratio)


@pytest.mark.parametrize("weights", (Weights(), WEIGHTS, Weights(head=0.0), Weights(head=-0.1)))
def test_what_is_decided_without_the_model_stays_whatever_that_predicts(weights: Weights) -> None:
    rule, random = Rule(VOCABULARY, real_words=True, weights=weights), np.random.default_rng(0)
    decided = 0
    for word, name in product(
        ("frm", "frmo", "jump", "thee", "quikc", "lzay", "form", "xylophone"), (False, True)
    ):
        looks = Looks(name=name)
        for threshold in (0.0, 0.2, 0.5, 0.9, 0.99, 0.999):
            if rule.may_be_wrong(word, looks, threshold):
                continue
            decided += 1
            for sharpness in (0.1, 1.0, 10.0, 100.0):
                scores = sharpness * random.standard_normal((50, len(WORDS)))
                for row in scores - np.logaddexp.reduce(scores, axis=1, keepdims=True):
                    found = rule.judge(word, looks, row, 5)
                    assert not found.words or found.probability < threshold
    assert decided > 10


def test_of_a_word_with_one_candidate_the_most_is_what_a_sure_model_gives() -> None:
    rule = Rule(VOCABULARY)
    sure = rule.judge("lzay", PLAIN, np.log([1.0 if word == "lazy" else 1e-30 for word in WORDS]), 5)
    assert sure.words == ["lazy"]
    assert rule.may_be_wrong("lzay", PLAIN, sure.probability - 1e-4)
    assert not rule.may_be_wrong("lzay", PLAIN, sure.probability + 1e-4)
    assert not rule.may_be_wrong("xylophone", PLAIN, 0.0)


def test_no_more_words_than_asked_for() -> None:
    assert len(judged("frm", top_k=1, **{"from": 0.6, "form": 0.2}).words) == 1


def test_a_listed_word_is_offered_by_its_frequency_and_its_edits() -> None:
    rule = Rule(VOCABULARY, listed=["fox", "vixen"], weights=replace(WEIGHTS, rank=1.0, outside=-2.0))
    found = rule.judge("vixn", PLAIN, np.log(np.full(len(WORDS), 1 / len(WORDS))), 5)
    # It is the first word after those of the vocabulary, and "vixn" lacks a letter of it.
    odds = math.exp(-2.0 - 3.0 + 3.0 + 0.5 * 4) / (len(WORDS) + 20) * (1 + 1 / len(WORDS))
    assert found.words == ["vixen"]
    assert found.probability / (1 - found.probability) == pytest.approx(odds, rel=1e-3)


def test_a_listed_word_is_doubted_for_words_one_edit_away_alone() -> None:
    words = Vocabulary([*WORDS[:-1], "foxxes", "<unk>"])
    rule = Rule(words, listed=["foxx"], weights=replace(WEIGHTS, rank=1.0, listed=4.0))
    scores = np.log([{"fox": 0.9}.get(word, 1e-9) for word in words])
    found = rule.judge("foxx", PLAIN, scores, 5)
    # A letter of "fox" is doubled; "foxx" is the first word after those of the vocabulary.
    odds = 0.9 / (words.id("fox") + 20) * math.exp(-4.7) / (math.exp(4) / (len(words) + 20))
    assert found.words == ["fox"]
    assert found.probability / (1 - found.probability) == pytest.approx(odds, rel=1e-3)
    assert rule.judge("foxx", Looks(name=True), scores, 5).probability < found.probability


@pytest.mark.parametrize("fit", [0.2, 3.0])
def test_originals_are_weighed_by_the_masked_lm_and_none_that_fits_is_less_likely(fit: float) -> None:
    found = Judgement(0.9, ["from", "form", "forum", "frame"], [0.5, 0.2, 0.1, 0.1])
    rule = Rule(VOCABULARY, weights=replace(WEIGHTS, context=0.5, fit=fit, misfit=0.4))
    weighed = rule.reweigh(found, np.array([-8.0, -1.0, -np.inf]), 2)
    # Not known: -10; left out: as the least.
    weights = 0.5 * math.exp(-4.0), 0.2 * math.exp(-0.5), 0.1 * math.exp(-5.0), 0.1 * math.exp(-5.0)
    odds = 9.0 * math.exp(min(fit + 0.4 * math.log(sum(weights) / 0.9), 0.0))
    assert weighed.probability == pytest.approx(odds / (1 + odds))
    assert (weighed.probability < 0.9 - 1e-9) == (fit < 1)  # never likelier than before
    assert weighed.words == ["form", "from"]
    shares = [weighed.probability * weights[index] / sum(weights) for index in (1, 0)]
    assert weighed.probabilities == pytest.approx(shares)


@pytest.mark.parametrize(("written", "own"), [(-3.0, -3.0), (-np.inf, -10.0)])
def test_a_word_of_the_vocabulary_is_weighed_by_the_masked_lm_against_its_originals(
    written: float, own: float
) -> None:
    rule = Rule(VOCABULARY, real_words=True, weights=replace(WEIGHTS, context=0.5))
    weighed = rule.reweigh(
        Judgement(0.2, ["from", "forum"], [0.15, 0.05]), np.array([-1.0, -4.0]), 2, written
    )
    odds = 0.25 * (0.75 * math.exp(-0.5) + 0.25 * math.exp(-2.0)) / math.exp(0.5 * own)
    assert weighed.probability == pytest.approx(odds / (1 + odds))


def test_a_word_of_the_vocabulary_is_weighed_against_itself() -> None:
    found = judged("form", **{"from": 0.9, "form": 0.1})
    odds = 0.9 * math.exp(-4.5 * WEIGHTS.edit) / (0.1 * math.exp(WEIGHTS.seen))
    assert found.words[0] == "from"
    assert found.probability / (1 - found.probability) == pytest.approx(odds, rel=1e-3)
    assert "form" not in found.words


def test_no_word_of_one_letter_is_offered() -> None:
    rule = Rule(Vocabulary(["a", "an", "and", "<unk>"]), listed=["d", "ad"])
    found = rule.judge("adw", PLAIN, np.zeros(4), top_k=9)
    assert set(found.words) == {"an", "and", "ad"}


def test_only_words_of_letters_are_offered() -> None:
    assert judged("ab").words == []


def test_a_word_that_is_twice_in_the_vocabulary_is_offered_once() -> None:
    rule = Rule(Vocabulary(["from", "dog", "from", "<unk>"]))
    assert rule.judge("frm", PLAIN, np.log(np.full(4, 0.25)), 5).words == ["from"]


def test_a_word_far_from_all_others_is_right() -> None:
    assert judged("xylophone") == Judgement(0.0, [], [])
