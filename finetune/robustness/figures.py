"""Where the marks of a report's figures stand, in percent of their width and height."""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, floor
from typing import Any, NamedTuple

from finetune.robustness.wording import by_loss, number, short

LEFT, RIGHT = 15.0, 87.0  # of the first figure: outside of them stand its labels
ROW, TOP = 64, 4  # pixels
CURVES_HEIGHT, LABEL_HEIGHT = 340, 18  # pixels
_VALUE, _LETTER = 56, 8.4  # pixels of what stands at the ends of the curves
_STEPS = (0.5, 1, 2, 5, 10, 20)
_MOST_TICKS = 6
_BAND, _BANDS = 0.17, 0.4  # opacity of the interval of a curve, and of all together
_FAINTEST, _STRONGEST = 6, 62  # percent of colour in a cell of the table
Content = Mapping[str, Any]


class Axis(NamedTuple):
    """Round numbers from the first tick to the last."""

    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Where a value stands, from 0 to 100."""
        low, high = self.ticks[0], self.ticks[-1]
        return 100 * min(1.0, max(0.0, (value - low) / (high - low)))


def axis_over(values: Iterable[float]) -> Axis:
    """An axis that holds these scores as far as there can be such."""
    known = [min(100.0, value) for value in values]
    low, high = min(known), max(known)
    step = next((each for each in _STEPS if (high - low) / each <= _MOST_TICKS - 1), _STEPS[-1])
    first, last = floor(low / step), ceil(high / step)
    return Axis(tuple(tick * step for tick in range(first, max(last, first + 1) + 1)))


def losses_figure(content: Content) -> dict[str, Any]:
    """Each model from its clean score to the attacked one, that which loses least first."""
    models = by_loss(content)
    limits = [model["attacked"].get("examples_interval", {}) for model in models]
    axis = axis_over(
        value
        for model, limit in zip(models, limits, strict=True)
        for value in (model["clean"]["mean"], model["attacked"]["mean"], *_scores_of(limit))
    )

    def place(value: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * axis.place(value) / 100, 2)

    rows = []
    for row, (model, limit) in enumerate(zip(models, limits, strict=True)):
        clean, attacked = model["clean"]["mean"], model["attacked"]["mean"]
        rows.append(
            {
                "name": model["name"],
                "label": short(model["name"]),
                "colour": content["models"].index(model),
                "y": TOP + ROW * row,
                "clean": {"x": place(clean), "text": number(clean)},
                "attacked": {"x": place(attacked), "text": number(attacked)},
                "band": [place(limit[end]) for end in ("low", "high")] if limit else None,
                "lost": number(-model["drop"]["mean"], signed=True),
                "loses": attacked <= clean,
            }
        )
    ticks = [{"x": place(tick), "text": f"{tick:g}".replace("-", "−")} for tick in axis.ticks]
    return {
        "rows": rows,
        "ticks": ticks,
        "bottom": TOP + ROW * len(rows),
        "height": TOP + ROW * len(rows) + 24,
    }


def curves_figure(content: Content) -> dict[str, Any]:
    """The score of each model over the rate of the main attack, with its interval as a band."""
    curves = [[(point["rate"], point["score"]) for point in model["curve"]] for model in content["models"]]
    axis = axis_over(
        value for curve in curves for _, score in curve for value in (score["mean"], *_scores_of(score))
    )

    def at(rate: float, score: float) -> tuple[float, float]:
        return round(100 * rate, 2), round(100 - axis.place(score), 2)

    lines = []
    for number_of_model, (model, curve) in enumerate(zip(content["models"], curves, strict=True)):
        points = [at(rate, score["mean"]) for rate, score in curve]
        upper = [at(rate, score.get("high", score["mean"])) for rate, score in curve]
        lower = [at(rate, score.get("low", score["mean"])) for rate, score in curve]
        lines.append(
            {
                "name": model["name"],
                "label": short(model["name"]),
                "colour": number_of_model,
                "points": [
                    {
                        "x": x,
                        "y": y,
                        "text": f"{model['name']}: {number(score['mean'])} at a rate of {rate:.0%}",
                    }
                    for (x, y), (rate, score) in zip(points, curve, strict=True)
                ],
                "line": _joined(points),
                "band": _joined([*upper, *reversed(lower)])
                if any("low" in score for _, score in curve)
                else None,
                "end": number(curve[-1][1]["mean"]),
            }
        )
    ends = _apart([line["points"][-1]["y"] for line in lines], 100 * LABEL_HEIGHT / CURVES_HEIGHT)
    for line, end in zip(lines, ends, strict=True):
        line["label_y"] = end
    return {
        "lines": lines,
        "over": sorted({curve[-1][1]["over"] for curve in curves if "over" in curve[-1][1]}, reverse=True),
        "band_opacity": round(min(_BAND, _BANDS / len(lines)), 3),
        "height": CURVES_HEIGHT,
        "names_width": round(_VALUE + _LETTER * max(len(line["label"]) for line in lines)),
        "last_x": max(point["x"] for line in lines for point in line["points"]),
        "y_ticks": [
            {"y": round(100 - axis.place(tick), 2), "text": f"{tick:g}".replace("-", "−")}
            for tick in axis.ticks
        ],
        "x_ticks": [{"x": 20 * tick, "text": f"{20 * tick}%"} for tick in range(6)],
    }


def heat_table(content: Content) -> list[dict[str, Any]]:
    """A row for each kind of attack and each attacked file: what each model loses, and a colour for it."""
    rows = [("kinds", kind) for kind in content["kinds"]]
    rows += [("files", name) for name in content["models"][0]["files"]]
    found = {row: [model[row[0]][row[1]] for model in content["models"]] for row in rows}
    most = max(cell["drop"]["mean"] for cells in found.values() for cell in cells)
    return [
        {
            "name": name,
            "is_file": group == "files",
            "cells": [_heat_cell(cell, cells, most) for cell in cells],
        }
        for (group, name), cells in found.items()
    ]


def _heat_cell(cell: Content, row: Sequence[Content], most: float) -> dict[str, Any]:
    lost = cell["drop"]["mean"]
    losses = [other["drop"]["mean"] for other in row]
    return {
        "lost": number(-lost, signed=True),
        "score": number(cell["score"]["mean"]),
        "heat": round(_FAINTEST + (_STRONGEST - _FAINTEST) * max(0.0, lost) / most) if most > 0 else 0,
        "least": lost == min(losses) < max(losses),
        "spread": cell["drop"],
    }


def _scores_of(interval: Content) -> list[float]:
    """The ends of an interval; what lies below 0 is no score, or so low a correlation that none cares."""
    return [max(0.0, interval[end]) for end in ("low", "high") if end in interval]


def _joined(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _apart(places: Sequence[float], least: float) -> list[float]:
    """The places, moved as little as keeps neighbours `least` apart, in the same order."""
    order = sorted(range(len(places)), key=places.__getitem__)
    moved = [places[index] for index in order]
    for _ in range(100):
        for upper in range(len(moved) - 1):
            overlap = least - (moved[upper + 1] - moved[upper])
            if overlap > 1e-6:
                moved[upper] -= overlap / 2
                moved[upper + 1] += overlap / 2
    found = [0.0] * len(places)
    for index, place in zip(order, moved, strict=True):
        found[index] = round(place, 2)
    return found
