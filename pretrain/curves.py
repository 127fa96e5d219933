"""The figure of a run: both losses over the steps."""

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

matplotlib.use("Agg")
COLOURS = {"mlm_loss": "tab:blue", "nlm_loss": "tab:orange"}
NAMES = {"mlm_loss": "masked LM", "nlm_loss": "noisy LM"}


def draw_curves(history: list[dict[str, Any]], path: Path) -> Path:
    """Draw the losses of a Trainer's log history, on training and held-out text, into a PNG."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for name, colour in COLOURS.items():
        for key, style, text in ((name, "-", "training"), (f"eval_{name}", "o--", "held out")):
            points = [(entry["step"], entry[key]) for entry in history if key in entry]
            if points:
                axes.plot(*zip(*points, strict=True), style, color=colour, label=f"{NAMES[name]}, {text}")
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats)")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)
    return path
