"""What a report says in sentences, made from its numbers."""

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
LONGEST_NAME = 30
NOTHING = "0.0"
Content = Mapping[str, Any]


def measure(content: Content) -> str:
    """The score of a report in words."""
    name = str(content["measure"])
    return MEASURES.get(name, name)


def number(value: float, signed: bool = False) -> str:
    """A number of points, with a real minus sign; a signed one that rounds to nothing has none."""
    text = (
        f"{value:+.1f}"
        if signed and abs(value) >= 0.05
        else f"{abs(value) if abs(value) < 0.05 else value:.1f}"
    )
    return text.replace("-", "−")


def interval(found: Content) -> str:
    """An interval from `low` to `high`, if there is one."""
    return f"{number(found['low'])} to {number(found['high'])}" if "low" in found else ""


def short(name: str) -> str:
    """A name as it fits into a figure."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def share(value: float) -> str:
    """A share in percent."""
    return f"{100 * value:.0f}%" if value in (0, 1) else f"{100 * value:.1f}%"


def by_loss(content: Content) -> list[Content]:
    """The models, that which loses least under the main attack first."""
    return sorted(content["models"], key=lambda model: model["drop"]["mean"])


def headline(content: Content) -> str:
    """Which model loses least, and how much."""
    if not _share_changed(content):
        return f"The attack “{content['main_attack']['kind']}” changes no word of these texts"
    first = by_loss(content)[0]
    name, lost = first["name"], first["drop"]["mean"]
    what = f"{number(abs(lost))} points of {measure(content)}"
    if number(lost) == NOTHING:
        return f"{name} loses nothing under attack"
    if len(content["models"]) == 1:
        return f"{name} {'loses' if lost > 0 else 'gains'} {what} under attack"
    return (
        f"{name} loses least: {what}" if lost > 0 else f"{name} loses nothing under attack: it gains {what}"
    )


def summary(content: Content) -> list[str]:
    """The sentences below the headline."""
    ranked = by_loss(content)
    first, last = ranked[0], ranked[-1]
    sentences = [
        f"{attack(content)}, its {measure(content)} goes from {number(first['clean']['mean'])} to "
        f"{number(first['attacked']['mean'])}."
    ]
    if len(ranked) > 1:
        sentences.append(_comparison(content["comparisons"][0]))
    if len(ranked) > 2 and number(last["drop"]["mean"]) != number(first["drop"]["mean"]):
        sentences.append(f"Most is lost by {last['name']}, {number(last['drop']['mean'])} points.")
    best = max(content["models"], key=lambda model: model["attacked"]["mean"])
    if number(best["attacked"]["mean"]) != number(first["attacked"]["mean"]):
        sentences.append(
            f"The highest score under attack is that of {best['name']}, {number(best['attacked']['mean'])}."
        )
    return sentences


def attack(content: Content) -> str:
    """The main attack as the beginning of a sentence."""
    kind, rate = content["main_attack"]["kind"], content["main_attack"]["rate"]
    words = "every word that it can change" if rate == 1 else f"{share(rate)} of the words that it can change"
    changed = share(_share_changed(content))
    return f"Under the attack “{kind}” ({kind_in_words(kind)}) on {words}, {changed} of all words"


def kind_in_words(kind: str) -> str:
    """What a kind of noise does, as it describes itself."""
    return KINDS[kind].description if kind in KINDS else kind


def _share_changed(content: Content) -> float:
    """Of all words, by the main attack."""
    main = content["main_attack"]
    return mean(each["share_changed"] for each in content["attacks"] if main.items() <= each.items())


def _comparison(found: Content) -> str:
    if number(found["loses_less"]) == NOTHING:
        return f"{found['than']}, the next, loses as much."
    less = f"{number(found['loses_less'])} points less than {found['than']}, the next"
    limits = found["examples_interval"]
    if "low" not in limits:
        return f"It loses {less}."
    told = f"95% interval {interval(limits)}, over the test examples"
    return f"It loses {less} ({told}){'.' if limits['low'] > 0 else ': that may be chance.'}"
