"""Figures of a report: the positions of their marks for the SVG templates, in percent of their size."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil, floor
from typing import Any, NamedTuple

from finetune.robustness.sentences import format_number, rank_models

LONGEST_NAME = 30
LEFT, RIGHT = 15.0, 87.0  # of the first figure: outside of them are its labels
ROW, TOP = 64, 4  # pixels
CURVES_HEIGHT, LABEL_HEIGHT = 340, 18  # pixels
_VALUE, _LETTER = 56, 8.4  # pixels of the labels at the ends of the curves
_STEPS = (0.5, 1, 2, 5, 10, 20)
_MOST_TICKS = 6
_BAND, _BANDS = 0.17, 0.4  # opacity of the interval of a curve, and of all together
_FAINTEST, _STRONGEST = 6, 62  # percent of colour in a cell of the table
Content = Mapping[str, Any]
Point = tuple[float, float]


class Axis(NamedTuple):
    """Round numbers from the first tick to the last."""

    ticks: tuple[float, ...]

    def position(self, value: float) -> float:
        """The position of a value, from 0 to 100."""
        low, high = self.ticks[0], self.ticks[-1]
        return 100 * min(1.0, max(0.0, (value - low) / (high - low)))

    def labels(self, name: str, position: Any) -> list[dict[str, Any]]:
        """The position, under this name, and the text of each tick."""
        return [{name: position(tick), "text": f"{tick:g}".replace("-", "−")} for tick in self.ticks]


def make_axis(values: Iterable[float]) -> Axis:
    """An axis that holds these scores as far as there can be such."""
    known = [min(100.0, value) for value in values]
    low, high = min(known), max(known)
    step = next((each for each in _STEPS if (high - low) / each <= _MOST_TICKS - 1), _STEPS[-1])
    first, last = floor(low / step), ceil(high / step)
    return Axis(tuple(tick * step for tick in range(first, max(last, first + 1) + 1)))


def make_losses_figure(content: Content) -> dict[str, Any]:
    """Each model from its clean score to the attacked one, the highest attacked score first."""
    models = rank_models(content)
    axis = make_axis(
        value
        for model in models
        for value in (model["clean"]["mean"], model["attacked"]["mean"], *_limits(_interval(model)))
    )

    def x(value: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * axis.position(value) / 100, 2)

    rows = [
        {
            "name": model["name"],
            "label": _shorten(model["name"]),
            "colour": content["models"].index(model),
            "y": TOP + ROW * row,
            **{
                side: {"x": x(model[side]["mean"]), "text": format_number(model[side]["mean"])}
                for side in ("clean", "attacked")
            },
            "band": [x(_interval(model)[end]) for end in ("low", "high")] if _interval(model) else None,
            "lost": format_number(-model["drop"]["mean"], signed=True),
            "loses": model["attacked"]["mean"] <= model["clean"]["mean"],
        }
        for row, model in enumerate(models)
    ]
    bottom = TOP + ROW * len(rows)
    return {"rows": rows, "ticks": axis.labels("x", x), "bottom": bottom, "height": bottom + 24}


def make_curves_figure(content: Content) -> dict[str, Any]:
    """The score of each model over the rate of the main attack, with its interval as a band."""
    models = content["models"]
    scores = [point["score"] for model in models for point in model["curve"]]
    axis = make_axis(value for score in scores for value in (score["mean"], *_limits(score)))

    def y(score: float) -> float:
        return round(100 - axis.position(score), 2)

    lines = [_make_curve(model, colour, y) for colour, model in enumerate(models)]
    ends = _spread([line["points"][-1]["y"] for line in lines], 100 * LABEL_HEIGHT / CURVES_HEIGHT)
    for line, end in zip(lines, ends, strict=True):
        line["label_y"] = end
    last = [model["curve"][-1]["score"] for model in models]
    return {
        "lines": lines,
        "over": sorted({score["over"] for score in last if "over" in score}, reverse=True),
        "band_opacity": round(min(_BAND, _BANDS / len(lines)), 3),
        "height": CURVES_HEIGHT,
        "names_width": round(_VALUE + _LETTER * max(len(line["label"]) for line in lines)),
        "last_x": max(point["x"] for line in lines for point in line["points"]),
        "y_ticks": axis.labels("y", y),
        "x_ticks": [{"x": percent, "text": f"{percent}%"} for percent in range(0, 101, 20)],
    }


def _make_curve(model: Content, colour: int, y: Callable[[float], float]) -> dict[str, Any]:
    """The marks of one model."""
    curve = [(round(100 * point["rate"], 2), point["score"]) for point in model["curve"]]
    points = [
        {
            "x": x,
            "y": y(score["mean"]),
            "text": f"{model['name']}: {format_number(score['mean'])} at a rate of {point['rate']:.0%}",
        }
        for (x, score), point in zip(curve, model["curve"], strict=True)
    ]
    upper, lower = ([(x, y(score.get(end, score["mean"]))) for x, score in curve] for end in ("high", "low"))
    return {
        "name": model["name"],
        "label": _shorten(model["name"]),
        "colour": colour,
        "points": points,
        "line": _join((point["x"], point["y"]) for point in points),
        "band": _join([*upper, *reversed(lower)]) if any("low" in score for _, score in curve) else None,
        "end": format_number(curve[-1][1]["mean"]),
    }


def make_heat_table(content: Content) -> list[dict[str, Any]]:
    """A row for each kind of attack and each attacked file: the loss of each model, and a colour for it."""
    rows = [("kinds", kind) for kind in content["kinds"]]
    rows += [("files", name) for name in content["models"][0]["files"]]
    scores = {row: [model[row[0]][row[1]] for model in content["models"]] for row in rows}
    most = max(cell["drop"]["mean"] for cells in scores.values() for cell in cells)
    return [
        {
            "name": name,
            "is_file": group == "files",
            "cells": [_heat_cell(cell, cells, most) for cell in cells],
        }
        for (group, name), cells in scores.items()
    ]


def _heat_cell(cell: Content, row: Sequence[Content], most: float) -> dict[str, Any]:
    lost = cell["drop"]["mean"]
    remaining = [other["score"]["mean"] for other in row]
    return {
        "lost": format_number(-lost, signed=True),
        "score": format_number(cell["score"]["mean"]),
        "heat": round(_FAINTEST + (_STRONGEST - _FAINTEST) * max(0.0, lost) / most) if most > 0 else 0,
        "highest": cell["score"]["mean"] == max(remaining) > min(remaining),
        "spread": cell["drop"],
    }


def _shorten(name: str) -> str:
    """A name that fits into a figure."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _interval(model: Content) -> Content:
    """That of the attacked score over examples; empty where there is none."""
    return model["attacked"].get("examples_interval", {})  # type: ignore[no-any-return]


def _limits(interval: Content) -> list[float]:
    """The ends of an interval; no score, or only a negligible correlation, is below 0."""
    return [max(0.0, interval[end]) for end in ("low", "high") if end in interval]


def _join(points: Iterable[Point]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _spread(positions: Sequence[float], least: float) -> list[float]:
    """The positions, moved as little as keeps neighbours `least` apart, in the same order."""
    order = sorted(range(len(positions)), key=positions.__getitem__)
    moved = [positions[index] for index in order]
    for _ in range(100):
        for upper in range(len(moved) - 1):
            overlap = least - (moved[upper + 1] - moved[upper])
            if overlap > 1e-6:
                moved[upper] -= overlap / 2
                moved[upper + 1] += overlap / 2
    found = [0.0] * len(positions)
    for index, position in zip(order, moved, strict=True):
        found[index] = round(position, 2)
    return found
