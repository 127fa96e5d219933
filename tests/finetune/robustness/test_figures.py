"""What a report says and draws, from numbers given."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from finetune.robustness.figures import make_axis, make_curves_figure, make_heat_table, make_losses_figure
from finetune.robustness.page import render_page
from finetune.robustness.sentences import format_number, write_headline, write_summary


def scores(clean: float, attacked: float) -> dict[str, Any]:
    drop = clean - attacked
    return {
        "score": {"mean": attacked, "low": attacked - 2, "high": attacked + 2, "over": "seeds of the attack"},
        "drop": {"mean": drop, "examples_interval": {"low": drop - 1, "high": drop + 1}},
        "share_kept": attacked / clean,
    }


def model(name: str, clean: float, attacked: float, **more: Any) -> dict[str, Any]:
    main = scores(clean, attacked)
    return {
        "name": name,
        "folders": [f"runs/{name}"],
        "recognizer": None,
        "parameters": 1_000_000,
        "is_uncased": False,
        "clean": {"mean": clean, "examples_interval": {}},
        "attacked": {"mean": attacked, "examples_interval": {"low": attacked - 3, "high": attacked + 3}},
        "drop": main["drop"],
        "share_kept": main["share_kept"],
        "kinds": {"paper": main, "ocr": scores(clean, attacked + 5)},
        "files": {"released": scores(clean, attacked + 1)},
        "curve": [{"rate": 0.0, "score": {"mean": clean}}, {"rate": 1.0, **main}],
        "word_split": None,
        "worst_case": None,
        "sensitivity": {"token_channel": {"all": 0.1, "changed": 0.2}, "words": 5},
        "flips": {"right_when_clean": 4, "of_these_wrong_when_attacked": 2},
        "milliseconds_per_example": 1.5,
        "device": "CPU, 1 thread",
        **more,
    }


def content(*models: dict[str, Any], above: float = 8.0, low: float = 6.0, **more: Any) -> dict[str, Any]:
    attack = {"rate": 1.0, "seed": 1, "words": 100, "eligible": 60, "changed": 50, "untouched": 0}
    ranked = sorted(models, key=lambda each: -each["attacked"]["mean"])
    return {
        "task": "ner",
        "measure": "f1",
        "test": "data/test.conll",
        "examples": 1234,
        "available_examples": 3456,
        "preset": "quick",
        "main_attack": {"kind": "paper", "rate": 1.0},
        "kinds": ["paper", "ocr"],
        "kinds_left_out": [],
        "attacks": [{"kind": kind, "share_changed": 0.5, **attack} for kind in ("paper", "ocr")],
        "models": list(models),
        "comparisons": [
            {
                "model": ranked[0]["name"],
                "than": other["name"],
                "scores_more": above,
                "examples_interval": {"low": low, "high": 2 * above - low},
                "seeds_interval": {},
                "is_clear": low > 0,
            }
            for other in ranked[1:]
        ],
        "shown_examples": [],
        "versions": {"charbert": "0"},
        "settings": {"batch_tokens": 1024, "seeds": [1, 2], "variants": 20},
        "command": "python -m finetune robustness",
        **more,
    }


PLAIN, OURS = model("plain", 90.0, 50.0), model("ours", 88.0, 58.0)


WEAK = model("weak", 40.0, 35.0)


def test_the_headline_names_the_model_with_the_highest_attacked_score() -> None:
    # Not that which loses least, which is so of every weak model.
    assert (
        write_headline(content(PLAIN, OURS, WEAK))
        == "Under attack ours is best: F1 58.0 (65.9% of 88.0 clean)"
    )


def test_the_headline_of_a_single_model_compares_it_with_nobody() -> None:
    assert write_headline(content(PLAIN)) == "Under attack plain has F1 50.0 (55.6% of 90.0 clean)"


def test_the_headline_names_no_winner_where_the_difference_may_be_chance() -> None:
    told = write_headline(content(PLAIN, OURS, low=-2.0))
    scores = "ours 58.0 (65.9% of 88.0 clean), plain 50.0 (55.6% of 90.0 clean)"
    assert told == f"Under attack none is clearly best: F1 of {scores}"
    many = [model(f"m{number}", 90.0, 50.0 + number) for number in range(5)]
    assert write_headline(content(*many, low=-2.0)).endswith("m3 53.0 (58.9% of 90.0 clean), and 3 more")


def test_a_score_without_a_share_is_shown_beside_the_clean_one() -> None:
    odd = model("odd", -2.0, -5.0) | {"share_kept": None}
    assert write_headline(content(odd)).endswith("F1 −5.0 (clean −2.0)")


def test_a_model_that_gains_is_said_to() -> None:
    told = write_summary(content(model("odd", 50.0, 51.0)))
    assert told[0].endswith("the F1 of odd goes from 50.0 to 51.0: 1.0 points more.")


def test_a_loss_that_rounds_to_nothing_is_none() -> None:
    assert write_summary(content(model("same", 50.0, 49.96)))[0].endswith("to 50.0: it loses nothing.")


def test_an_attack_that_changes_nothing_tells_nothing() -> None:
    without = [{"kind": "paper", "rate": 1.0, "share_changed": 0.0}]
    told = write_headline(content(model("same", 50.0, 50.0), attacks=without))
    assert told == "The attack “paper” changes no word of these texts"


def test_models_of_the_same_score_are_said_to_have_it() -> None:
    twins = [model(name, 90.0, 50.0) for name in "abc"]
    told = " ".join(write_summary(content(*twins, above=0.0, low=0.0)))
    assert told.endswith("b, the next, has the same score.")


def test_the_summary_gives_scores_and_the_difference() -> None:
    told = " ".join(write_summary(content(PLAIN, OURS)))
    assert "50.0% of all words, the F1 of ours goes from 88.0 to 58.0: 30.0 points less." in told
    assert (
        "8.0 points above that of plain, the next (95% interval 6.0 to 10.0 over the test examples)." in told
    )


def test_a_difference_that_may_be_chance_is_called_so() -> None:
    assert "that may be chance" in " ".join(write_summary(content(PLAIN, OURS, above=1.0, low=-2.0)))


def test_the_least_and_the_most_may_be_lost_by_other_models() -> None:
    told = " ".join(write_summary(content(PLAIN, OURS, WEAK)))
    assert "weak loses least, 5.0 points less." in told
    assert "Most is lost by plain, 40.0 points less." in told


@pytest.mark.parametrize(("value", "text"), [(-1.25, "−1.2"), (3.0, "+3.0"), (-0.04, "0.0"), (0.0, "0.0")])
def test_numbers_have_a_real_minus_sign(value: float, text: str) -> None:
    assert format_number(value, signed=True) == text


@pytest.mark.parametrize(
    ("values", "ticks"),
    [((61.0, 88.0), (60, 70, 80, 90)), ((0.0, 100.0), (0, 20, 40, 60, 80, 100)), ((50.0, 50.0), (50, 50.5))],
)
def test_an_axis_holds_its_values_between_round_numbers(
    values: tuple[float, ...], ticks: tuple[float, ...]
) -> None:
    axis = make_axis(values)
    assert axis.ticks == ticks
    assert 0 <= axis.position(min(values)) <= axis.position(max(values)) <= 100


def test_marks_below_zero_have_a_real_minus_sign() -> None:
    ticks = make_losses_figure(content(model("odd", -10.0, -30.0)))["ticks"]
    assert [tick["text"] for tick in ticks][:2] == ["−30", "−20"]


def test_the_first_figure_ranks_by_what_remains() -> None:
    rows = make_losses_figure(content(PLAIN, OURS))["rows"]
    assert [row["name"] for row in rows] == ["ours", "plain"]
    assert [row["colour"] for row in rows] == [1, 0], "of the order in which models are given"
    for row in rows:
        assert row["band"][0] < row["attacked"]["x"] < row["band"][1] < row["clean"]["x"]
    assert rows[0]["clean"]["x"] < rows[1]["clean"]["x"], "88 stands left of 90"


def test_an_interval_that_reaches_below_all_scores_is_cut_there() -> None:
    low = model("low", 9.0, 2.0)
    low["attacked"]["examples_interval"]["low"] = -8.0
    assert make_losses_figure(content(low))["ticks"][0]["text"] == "0"


def test_the_bands_tell_what_they_are_over() -> None:
    trained = model("trained", 90.0, 50.0)
    trained["curve"][-1]["score"]["over"] = "seeds of the model"
    assert "the mean over the seeds of the attack." in render_page(content(PLAIN, OURS))
    both = render_page(content(PLAIN, trained))
    assert "over the seeds of the model or, of one training, the seeds of the attack." in both


def test_curves_go_down_where_scores_do() -> None:
    first, second = make_curves_figure(content(PLAIN, OURS))["lines"]
    for line in (first, second):
        assert [point["x"] for point in line["points"]] == [0, 100]
        assert line["points"][0]["y"] < line["points"][1]["y"]
    assert first["points"][1]["y"] > second["points"][1]["y"]


def test_labels_of_curves_do_not_overlap() -> None:
    same = [model(name, 90.0, 50.0) for name in "abc"]
    figure = make_curves_figure(content(*same))
    places = sorted(line["label_y"] for line in figure["lines"])
    pixels = [(after - before) / 100 * figure["height"] for before, after in pairwise(places)]
    assert min(pixels) > 15


def test_the_table_has_a_row_for_each_kind_and_file() -> None:
    rows = make_heat_table(content(PLAIN, OURS))
    assert [(row["name"], row["is_file"]) for row in rows] == [
        ("paper", False),
        ("ocr", False),
        ("released", True),
    ]
    plain, ours = rows[0]["cells"]
    assert (plain["lost"], plain["score"]) == ("−40.0", "50.0")
    assert plain["heat"] > ours["heat"]
    assert [plain["highest"], ours["highest"]] == [False, True]


class Tags(HTMLParser):
    """Checks that what is opened is closed, and collects where a page points to."""

    VOID = ("meta", "link", "br", "img")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.sources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone() -> None:
    text = render_page(content(PLAIN, OURS))
    tags = Tags(text)
    assert tags.open == []
    assert tags.sources == []
    assert not re.search(r"https?:|@import|url\(", text)
    assert not tags.seen & {"script", "link", "img"}
    assert "1,234 examples of test.conll · 2 models" in text
    assert "<h1>Under attack ours is best: F1 58.0 (65.9% of 88.0 clean)</h1>" in text


def test_figures_have_texts_for_those_who_do_not_see_them() -> None:
    text = render_page(content(PLAIN, OURS))
    for figure in ("losses", "curves"):
        assert f'role="img" aria-labelledby="{figure}-title {figure}-text"' in text
    assert "ours: from 88.0 to 58.0, −30.0 points." in text
    assert 'scope="row"' in text


def test_names_and_texts_are_no_markup() -> None:
    shown = {
        "id": "1",
        "why": "The models differ",
        "right": "<i>",
        "texts": [
            {"clean": [{"text": "<u>a", "changed": False}], "attacked": [{"text": "b&", "changed": True}]}
        ],
        "models": {
            "<b>": {side: {"says": "<script>", "is_right": side == "clean"} for side in ("clean", "attacked")}
        },
    }
    text = render_page(content(model("<b>", 90.0, 50.0), shown_examples=[shown]))
    assert "<b>" not in text
    assert "<script>" not in text
    assert "<mark>b&amp;</mark>" in text
    assert "✓ right" in text
    assert "✗ wrong" in text


def test_examples_that_states_were_not_compared_in_are_counted() -> None:
    moved = {"token_channel": {}, "words": 0, "changed_words": 0, "left_out": 1200}
    text = render_page(content(model("plain", 90.0, 50.0, sensitivity=moved)))
    assert "Without the 1,200 of 1,234 examples that have another number of words under attack." in text


def test_parts_that_were_not_measured_are_left_out() -> None:
    assert "Against an adversary" not in render_page(content(PLAIN))
    searched = {
        "examples": 9,
        "by_edits": [{"edits": 0, "robust_accuracy": 80.0}, {"edits": 1, "robust_accuracy": 30.0}],
    }
    text = render_page(content(model("plain", 90.0, 50.0, worst_case=searched)))
    assert "Against an adversary" in text
    assert "<td>30.0</td>" in text
    assert "At most 20 variants of each word are tried" in text
    assert "upper bound" in text
    assert "exhaustive" not in text
