"""`report.html`: one file with its figures inside, which needs neither a network nor scripts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from finetune.robustness import figures, sentences

TEMPLATES = Path(__file__).with_name("templates")


def render_page(content: Mapping[str, Any]) -> str:
    """The page of a report, from the content of `report.json`."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        number=sentences.format_number,
        interval=sentences.format_interval,
        share=sentences.format_share,
        kind_in_words=sentences.describe_kind,
    )
    first = content["models"][0]
    budgets = [row["edits"] for row in (first["worst_case"] or {"by_edits": []})["by_edits"]]
    return environment.get_template("page.html").render(
        report=content,
        test=Path(content["test"]).name,
        measure=sentences.name_measure(content),
        preset=sentences.describe_preset(content),
        headline=sentences.write_headline(content),
        notes=sentences.write_notes(content),
        summary=sentences.write_summary(content),
        losses=figures.make_losses_figure(content),
        curves=figures.make_curves_figure(content),
        heat=figures.make_heat_table(content),
        budgets=[f"{edits or 'No'} edit{'s' * (edits > 1)}" for edits in budgets],
        left_out=max(each["sensitivity"].get("left_out", 0) for each in content["models"]),
        ranked=sentences.rank_models(content),
        settings=yaml.safe_dump(content["settings"], sort_keys=False, allow_unicode=True),
    )
