"""Sentences and number formats of a report."""

from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

from charbert.noise import KINDS
from finetune.robustness.settings import QUICK

MEASURES = {
    "f1": "F1",
    "f1_micro": "micro F1",
    "accuracy": "accuracy",
    "matthews_correlation": "Matthews correlation",
    "pearson": "Pearson correlation",
}
NOTHING = "0.0"
_SHOWN = 2  # models in a headline that names no best one
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


def describe_preset(content: Content) -> str:
    """How much was measured, and how more is."""
    seeds, kinds = len(content["settings"]["seeds"]), len(content["kinds"])
    measured = (
        f"Preset {content['preset']}: {content['examples']:,} of {content['available_examples']:,} examples, "
        f"{seeds} seed{'s' * (seeds > 1)} of the attacks, {kinds} kind{'s' * (kinds > 1)}"
    )
    more = "; --preset full takes all examples, three seeds and all kinds"
    return measured + more * (content["preset"] == QUICK)


def write_notes(content: Content) -> list[str]:
    """What a reader must know beside the numbers: attacks left out, models that are not alike."""
    notes = [
        f"Not measured: {kind}, which needs {KINDS[kind].requirement}" for kind in content["kinds_left_out"]
    ]
    lower = [model["name"] for model in content["models"] if model["is_uncased"]]
    if 0 < len(lower) < len(content["models"]):
        notes.append(
            f"Warning: {', '.join(lower)} read{'s' * (len(lower) == 1)} small letters only, the others "
            "capitals too, which a typo leaves: compare what attacks cost between models of one casing alone"
        )
    return notes


def rank_models(content: Content) -> list[Content]:
    """The models, that with the highest score under the main attack first."""
    return sorted(content["models"], key=lambda model: model["attacked"]["mean"], reverse=True)


def write_headline(content: Content) -> str:
    """The score under attack, with its share of the clean one: of the best model, if it is clear which is it.

    Models are best together where an interval of their difference holds 0.
    """
    if not _share_changed(content):
        return f"The attack “{content['main_attack']['kind']}” changes no word of these texts"
    ranked, unclear = rank_models(content), _list_unclear(content)
    scores = {model["name"]: _describe_score(model) for model in ranked}
    first, measure = ranked[0]["name"], name_measure(content)
    if len(ranked) == 1:
        return f"Under attack {first} has {measure} {scores[first]}"
    if not unclear:
        return f"Under attack {first} is best: {measure} {scores[first]}"
    shown = [first, *unclear][:_SHOWN]
    more = f", and {1 + len(unclear) - _SHOWN} more" if len(unclear) >= _SHOWN else ""
    listed = ", ".join(f"{name} {scores[name]}" for name in shown)
    return f"Under attack none is clearly best: {measure} of {listed}{more}"


def _describe_score(model: Content) -> str:
    """Attacked score, share kept, clean score."""
    clean, kept = format_number(model["clean"]["mean"]), model["share_kept"]
    share = f"clean {clean}" if kept is None else f"{format_share(kept)} of {clean} clean"
    return f"{format_number(model['attacked']['mean'])} ({share})"


def _list_unclear(content: Content) -> list[str]:
    """The models that may be as good under attack as the first, best first."""
    return [each["than"] for each in content["comparisons"] if not each["is_clear"]]


def write_summary(content: Content) -> list[str]:
    """The sentences below the headline."""
    ranked = rank_models(content)
    first, by_loss = ranked[0], sorted(ranked, key=lambda model: model["drop"]["mean"])
    lost = first["drop"]["mean"]
    sentences = [
        f"{_describe_attack(content)}, the {name_measure(content)} of {first['name']} goes from "
        f"{format_number(first['clean']['mean'])} to {format_number(first['attacked']['mean'])}: "
        f"{_describe_loss(lost)}."
    ]
    if len(ranked) > 1:
        sentences.append(_compare(content["comparisons"][0]))
        least, most = by_loss[0], by_loss[-1]
        if format_number(least["drop"]["mean"]) != format_number(lost):
            sentences.append(f"{least['name']} loses least, {_describe_loss(least['drop']['mean'])}.")
        if len(ranked) > 2 and format_number(most["drop"]["mean"]) != format_number(lost):
            sentences.append(f"Most is lost by {most['name']}, {_describe_loss(most['drop']['mean'])}.")
    return sentences


def _describe_loss(lost: float) -> str:
    if format_number(lost) == NOTHING:
        return "it loses nothing"
    return f"{format_number(abs(lost))} points {'less' if lost > 0 else 'more'}"


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
    """The model with the highest attacked score beside the next one."""
    than, more = comparison["than"], format_number(comparison["scores_more"])
    if more == NOTHING:
        return f"{than}, the next, has the same score."
    intervals = [
        f"{format_interval(comparison[key])} over {what}"
        for key, what in (("examples_interval", "the test examples"), ("seeds_interval", "seeds"))
        if comparison[key]
    ]
    shown = f" (95% interval {', '.join(intervals)})" if intervals else ""
    end = "." if comparison["is_clear"] else ": that may be chance."
    return f"Its attacked score is {more} points above that of {than}, the next{shown}{end}"


def write_card_rows(content: Content, model: Content) -> dict[str, str]:
    """What a model card says of the robustness of a model."""
    measured = f"{name_measure(content)}, {content['examples']:,} examples of {Path(content['test']).name}"
    trainings = len(model["folders"])
    mean_of = f", mean of {trainings} trainings" * (trainings > 1)
    rows = {f"{measured}{mean_of}, clean": format_number(model["clean"]["mean"])}
    rate = content["main_attack"]["rate"]
    attacked = {f"{kind} at rate {rate:g}": scores for kind, scores in model["kinds"].items()}
    for name, scores in {**attacked, **model["files"]}.items():
        lost = format_number(scores["drop"]["mean"])
        rows[name] = f"{format_number(scores['score']['mean'])} ({lost} lost)"
    for row in (model["worst_case"] or {"by_edits": []})["by_edits"]:
        if row["edits"]:
            rows[f"accuracy under the worst {row['edits']} edits"] = format_number(row["robust_accuracy"])
    return rows
