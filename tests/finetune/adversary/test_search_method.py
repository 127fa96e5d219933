"""Greedy and beam search, against trying out everything."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import combinations, product
from typing import Any

import pytest

from data.examples.types import TextExample
from finetune.adversary import search_method
from finetune.adversary.goal_function import GoalResult
from finetune.adversary.search_method import AttackResult, find_worst, search
from finetune.adversary.transformation import EditableWord

VARIANTS = {"quick": ("quik", "qiuck", "quickk"), "brown": ("bron", "borwn"), "jumps": ("jmps", "jumsp")}
SENTENCES = ("the quick fox jumps", "quick brown jumps", "jumps , quick", "brown brown", "a fox")


def example(text: str) -> TextExample:
    return TextExample(text, text, None, "yes", "file: row 1")


def find_words(given: TextExample) -> list[EditableWord]:
    editable, start = [], 0
    for word in given.text.split(" "):
        if word in VARIANTS:
            editable.append(EditableWord(0, start, word, VARIANTS[word]))
        start += len(word) + 1
    return editable


def edited_texts(text: str, budget: int) -> set[str]:
    """Every text with at most so many edited words."""
    words, found = text.split(" "), {text}
    for number in range(1, budget + 1):
        for places in combinations(range(len(words)), number):
            for chosen in product(*(VARIANTS.get(words[place], ()) for place in places)):
                new = list(words)
                for place, word in zip(places, chosen, strict=True):
                    new[place] = word
                found.add(" ".join(new))
    return found


def loss_of(text: str) -> float:
    """A number from 0 to 1 that nothing can be told of before the text is known."""
    return int.from_bytes(sha256(text.encode()).digest()[:6], "big") / 2**48


class Model:
    """Wrong where a text's loss is above the bound; remembers what it was asked."""

    def __init__(self, bound: float, loss: Callable[[str], float] = loss_of) -> None:
        self.bound = bound
        self.loss = loss
        self.asked: list[str] = []

    def __call__(self, examples: Sequence[TextExample]) -> list[GoalResult]:
        self.asked += [each.text for each in examples]
        losses = [self.loss(each.text) for each in examples]
        return [
            GoalResult("yes" if loss <= self.bound else "no", loss <= self.bound, loss) for loss in losses
        ]


def cases_of(model: Model, texts: Sequence[str], budget: int, **settings: Any) -> list[list[AttackResult]]:
    found = dict(search(model, find_words, [example(text) for text in texts], budget=budget, **settings))
    return [[find_worst(found[index], edits) for edits in range(budget + 1)] for index in range(len(texts))]


@pytest.mark.parametrize("bound", [0.3, 0.6, 0.8, 0.9, 0.95, 2.0])
@pytest.mark.parametrize("budget", [1, 2, 3])
def test_a_beam_as_wide_as_the_space_finds_what_trying_everything_finds(bound: float, budget: int) -> None:
    for text, cases in zip(SENTENCES, cases_of(Model(bound), SENTENCES, budget, beam_size=100), strict=True):
        worst = max(loss_of(each) for each in edited_texts(text, budget))
        is_right = loss_of(text) <= bound and worst <= bound
        assert cases[budget].goal.is_correct == is_right
        if is_right:
            assert cases[budget].goal.loss == worst


@pytest.mark.parametrize("portion", [1, 3])
def test_with_one_edit_the_greedy_search_tries_everything(
    portion: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_method, "PORTION", portion)
    for text, cases in zip(SENTENCES, cases_of(Model(2.0), SENTENCES, 1), strict=True):
        assert cases[1].goal.loss == max(loss_of(each) for each in edited_texts(text, 1))


@pytest.mark.parametrize("beam_size", [1, 2])
@pytest.mark.parametrize("bound", [0.6, 0.9, 2.0])
def test_what_is_found_lies_within_each_budget(bound: float, beam_size: int) -> None:
    for text, cases in zip(SENTENCES, cases_of(Model(bound), SENTENCES, 3, beam_size=beam_size), strict=True):
        for budget, case in enumerate(cases):
            assert case.example.text in edited_texts(text, budget)
            words = zip(text.split(), case.example.text.split(), strict=True)
            assert case.edits == tuple(pair for pair in words if pair[0] != pair[1])
            assert case.goal.loss == loss_of(case.example.text)


def test_no_text_is_asked_about_twice() -> None:
    model = Model(2.0)
    cases = cases_of(model, ["quick brown jumps"], 3, beam_size=100)
    assert sorted(model.asked) == sorted(edited_texts("quick brown jumps", 3))
    assert cases[0][3].queries == len(model.asked)


def test_an_example_that_is_wrong_is_not_searched() -> None:
    model = Model(-1.0)
    ((clean, attacked),) = cases_of(model, ["quick brown"], 1)
    assert model.asked == ["quick brown"]
    assert attacked == clean
    assert not attacked.goal.is_correct


def test_the_search_ends_with_the_portion_that_flips_the_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_method, "PORTION", 2)
    model = Model(0.5, loss=lambda text: float("bron" in text.split()))
    ((_, one, two),) = cases_of(model, ["quick brown"], 2)
    assert one == two
    assert not one.goal.is_correct and one.edits == (("brown", "bron"),)
    assert model.asked.index("quick bron") >= len(model.asked) - 2
    assert one.queries == len(model.asked)


def test_a_model_that_never_flips_is_robust() -> None:
    model = Model(0.5, loss=lambda text: 0.0)
    ((clean, attacked),) = cases_of(model, ["quick brown"], 1)
    assert attacked.goal.is_correct
    assert attacked.example == clean.example and attacked.edits == ()
    assert attacked.queries == len(edited_texts("quick brown", 1))


def test_edits_that_lower_the_loss_may_be_on_the_way_to_the_worst() -> None:
    losses = {"quick brown": 0.5, "quik bron": 0.9}
    model = Model(2.0, loss=lambda text: losses.get(text, 0.1))
    ((_, one, two),) = cases_of(model, ["quick brown"], 2, beam_size=100)
    assert one.example.text == "quick brown"
    assert two.example.text == "quik bron"


def test_a_beam_finds_what_the_greedy_search_passes_by() -> None:
    losses = {"quik brown": 0.2, "quick bron": 0.3, "quik borwn": 0.9}
    model = Model(0.5, loss=lambda text: losses.get(text, 0.1))
    ((*_, greedy),) = cases_of(model, ["quick brown"], 2)
    ((*_, beam),) = cases_of(model, ["quick brown"], 2, beam_size=2)
    assert greedy.goal.is_correct
    assert beam.example.text == "quik borwn"


def test_an_example_is_searched_in_the_same_way_alone_and_beside_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(search_method, "PORTION", 2)
    monkeypatch.setattr(search_method, "AT_ONCE", 3)
    together = cases_of(Model(0.9), SENTENCES, 2)
    assert together == [cases_of(Model(0.9), [text], 2)[0] for text in SENTENCES]
    assert together == cases_of(Model(0.9), SENTENCES[::-1], 2)[::-1]


def test_many_examples_are_judged_together() -> None:
    sizes: list[int] = []

    def goal_function(examples: list[TextExample]) -> list[GoalResult]:
        sizes.append(len(examples))
        return [GoalResult("yes", True, 0.0) for _ in examples]

    list(search(goal_function, find_words, [example("quick brown jumps")] * 4, budget=1))
    assert sizes == [4, 4 * 7]


def test_a_search_ends_when_every_word_is_edited() -> None:
    text, boundless = example("quick brown jumps"), 10**20
    [(_, results)] = search(Model(2.0), find_words, [text], budget=boundless)
    assert len(results) == 4
    assert find_worst(results, boundless) is results[3]
