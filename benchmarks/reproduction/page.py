"""`python -m benchmarks reproduction`: `docs/reproduction.md`, `docs/charbert-plus.md`, and their figures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from benchmarks.reproduction import plus, tables
from benchmarks.reproduction.numbers import REPORT, RUN, Record, gather_records, read_records, write_records
from charbert.commands.paths import FOLDER
from charbert.commands.settings import Settings, option
from finetune.robustness.sentences import format_number

HERE = Path(__file__).parent
DOCUMENTS = HERE.parents[1] / "docs"
RECORDS, PAGE = DOCUMENTS / "runs" / "reproduction.jsonl", DOCUMENTS / "reproduction.md"
PLUS_RECORDS, PLUS_PAGE = DOCUMENTS / "runs" / "plus.jsonl", DOCUMENTS / "charbert-plus.md"
FIGURE, DELTAS = PAGE.with_suffix(".png"), DOCUMENTS / "delta-tuning.png"
LABEL: dict[str, Any] = {"textcoords": "offset points", "rotation": 90, "ha": "center", "fontsize": 7}
MODELS = ("bert", "advbert", "charbert")


@dataclass(kw_only=True)
class ReproductionSettings(Settings):
    """Where the runs are."""

    runs: str | None = option(
        None, "folder of runs, whose numbers are put into docs/runs/reproduction.jsonl first", reads=FOLDER
    )
    plus: str | None = option(
        None, "folder of runs of charbert-plus, whose numbers are put into docs/runs/plus.jsonl", reads=FOLDER
    )


def run(given: ReproductionSettings) -> None:
    """Write the pages."""
    for folder, path in ((given.runs, RECORDS), (given.plus, PLUS_RECORDS)):
        if folder:
            write_records(gather_records(Path(folder)), path)
    records = read_records(RECORDS)
    for page, known in ((PAGE, records), (PLUS_PAGE, records + read_records(PLUS_RECORDS))):
        page.write_text(render_page(page.name, known), encoding="utf-8")
    draw_scores(tables.Numbers(records), FIGURE)
    draw_deltas(tables.Numbers(records), DELTAS)
    print(PAGE, PLUS_PAGE, FIGURE, DELTAS, sep="\n")


def render_page(name: str, records: list[Record]) -> str:
    """A page, whose text is in the file of its name here."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    numbers = tables.Numbers(records)
    return environment.get_template(name).render(
        numbers=numbers, tables=tables, plus=plus, number=format_number
    )


def draw_scores(numbers: tables.Numbers, path: Path) -> None:
    """Clean and attacked scores of both tasks, here and in the paper."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    for axes, (task, title) in zip(
        figure.subplots(1, 2), (("ner", "CoNLL-2003, F1"), ("qnli", "QNLI, accuracy")), strict=True
    ):
        here = [
            tables.Attacked(*(numbers.mean(REPORT, task, model, key) for key in ("clean", "paper")))
            for model in MODELS
        ]
        paper = [tables.ROBUSTNESS[task][model] for model in MODELS]
        for scores, shift, color, label in (
            (here, -0.2, "tab:blue", "here"),
            (paper, 0.2, "tab:gray", "the paper"),
        ):
            places = np.arange(len(MODELS)) + shift
            axes.bar(
                places, [each.clean for each in scores], 0.36, color=color, alpha=0.3, label=f"{label}, clean"
            )
            bars = axes.bar(
                places, [each.attacked for each in scores], 0.36, color=color, label=f"{label}, attacked"
            )
            axes.bar_label(bars, fmt="%.1f", label_type="center", color="white", fontsize=8)
        axes.set_title(title, fontsize=10)
        axes.set_xticks(range(len(MODELS)), [tables.NAMES[model] for model in MODELS])
        axes.set_ylim(0, 119)
        axes.set_yticks(range(0, 101, 20))
        axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, ncols=2, loc="upper left", frameon=False)
    figure.savefig(path, dpi=150, metadata={"Software": None})


def draw_deltas(numbers: tables.Numbers, path: Path) -> None:
    """Scores of two tasks, clean and attacked, by the number of parameters that each method trains."""
    figure = Figure(figsize=(9, 7), layout="constrained")
    titles = {"ner": "CoNLL-2003, F1", "sst2": "SST-2, accuracy"}
    for axes, (task, title) in zip(figure.subplots(len(titles)), titles.items(), strict=True):
        runs = {"all of it": (task, "charbert")}
        for method in numbers.models(f"delta-{task}"):  # METHOD, or METHOD-RATE of a second try
            name, now = method.removesuffix("-2e-4"), (f"delta-{task}", method)
            if name not in runs or _clean(numbers, now) > _clean(numbers, runs[name]):
                runs[name] = now
        sizes = {name: numbers.values(RUN, *of, "trainable_parameters")[0] for name, of in runs.items()}
        for key, color, label in (("clean", "tab:blue", "clean"), ("paper", "tab:red", "attacked")):
            scores = [numbers.values(REPORT, *of, key)[0] for of in runs.values()]
            axes.scatter(list(sizes.values()), scores, color=color, label=label)
        for number, name in enumerate(sorted(sizes, key=sizes.__getitem__)):
            axes.annotate(name, (sizes[name], _clean(numbers, runs[name])), ((-3, 3)[number % 2], 6), **LABEL)
        axes.set_xscale("log")
        axes.set_ylim(40, 109)
        axes.set_yticks(range(40, 101, 20))
        axes.set_title(title, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("parameters trained")
    axes.legend(frameon=False, loc="lower left")
    figure.savefig(path, dpi=150, metadata={"Software": None})


def _clean(numbers: tables.Numbers, of: tuple[str, str]) -> float:
    return numbers.values(REPORT, *of, "clean")[0]
