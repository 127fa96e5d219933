"""Sentences and number formats of a report."""

from collections.abc import Mapping
from statistics import mean
from typing import Any

from charbert.noise import KINDS

MEASURES = {
    "f1": "F1",
    "f1_micro": "micro F1",
    "accuracy": "accuracy",
    "matthews_correlation": "Matthews correlation",
    "pearson": "Pearson correlation",
}
NOTHING = "0.0"
Content = Mapping[str, Any]


def format_number(value: float, signed: bool = False) -> str:
    """A number of points, with a real minus sign; what rounds to nothing has no sign."""
    rounded = 0.0 if abs(value) < 0.05 else value
    return (f"{rounded:+.1f}" if signed and rounded else f"{rounded:.1f}").replace("-", "−")


def format_share(value: float) -> str:
    """A share in percent."""
    return f"{100 * value:.0f}%" if value in (0, 1) else f"{100 * value:.1f}%"


def format_interval(scores: Content) -> str:
    """An interval from `low` to `high`, if there is one."""
    return f"{format_number(scores['low'])} to {format_number(scores['high'])}" if "low" in scores else ""


def name_measure(content: Content) -> str:
    """The score of a report in words."""
    name = str(content["measure"])
    return MEASURES.get(name, name)


def describe_kind(kind: str) -> str:
    """What an attack of this kind does, as it describes itself."""
    return KINDS[kind].description if kind in KINDS else kind


def rank_models(content: Content) -> list[Content]:
    """The models, that which loses least under the main attack first."""
    return sorted(content["models"], key=lambda model: model["drop"]["mean"])


def write_headline(content: Content) -> str:
    """Which model loses least, and how much."""
    if not _share_changed(content):
        return f"The attack “{content['main_attack']['kind']}” changes no word of these texts"
    first = rank_models(content)[0]
    name, lost = first["name"], first["drop"]["mean"]
    points = f"{format_number(abs(lost))} points of {name_measure(content)}"
    if format_number(lost) == NOTHING:
        return f"{name} loses nothing under attack"
    if len(content["models"]) == 1:
        return f"{name} {'loses' if lost > 0 else 'gains'} {points} under attack"
    return (
        f"{name} loses least: {points}"
        if lost > 0
        else f"{name} loses nothing under attack: it gains {points}"
    )


def write_summary(content: Content) -> list[str]:
    """The sentences below the headline."""
    ranked = rank_models(content)
    first, last = ranked[0], ranked[-1]
    sentences = [
        f"{_describe_attack(content)}, its {name_measure(content)} goes from "
        f"{format_number(first['clean']['mean'])} to {format_number(first['attacked']['mean'])}."
    ]
    if len(ranked) > 1:
        sentences.append(_compare(content["comparisons"][0]))
    most = format_number(last["drop"]["mean"])
    if len(ranked) > 2 and most != format_number(first["drop"]["mean"]):
        sentences.append(f"Most is lost by {last['name']}, {most} points.")
    best = max(content["models"], key=lambda model: model["attacked"]["mean"])
    highest = format_number(best["attacked"]["mean"])
    if highest != format_number(first["attacked"]["mean"]):
        sentences.append(f"The highest score under attack is that of {best['name']}, {highest}.")
    return sentences


def _describe_attack(content: Content) -> str:
    """The main attack as the beginning of a sentence."""
    kind, rate = content["main_attack"]["kind"], content["main_attack"]["rate"]
    share = "every word" if rate == 1 else f"{format_share(rate)} of the words"
    changed = format_share(_share_changed(content))
    words = f"{share} that it can change, {changed} of all words"
    return f"Under the attack “{kind}” ({describe_kind(kind)}) on {words}"


def _share_changed(content: Content) -> float:
    """Of all words, by the main attack."""
    main = content["main_attack"]
    return mean(each["share_changed"] for each in content["attacks"] if main.items() <= each.items())


def _compare(comparison: Content) -> str:
    """The model that loses least beside the next one."""
    than, less = comparison["than"], format_number(comparison["loses_less"])
    if less == NOTHING:
        return f"{than}, the next, loses as much."
    interval = comparison["examples_interval"]
    sentence = f"It loses {less} points less than {than}, the next"
    if "low" not in interval:
        return f"{sentence}."
    end = "." if interval["low"] > 0 else ": that may be chance."
    return f"{sentence} (95% interval {format_interval(interval)}, over the test examples){end}"
