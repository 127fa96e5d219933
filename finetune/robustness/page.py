"""`report.html`: one file with its figures inside, which needs neither a network nor scripts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from charbert.noise import KINDS
from finetune.robustness import figures, wording

TEMPLATES = Path(__file__).with_name("templates")


def page(content: Mapping[str, Any]) -> str:
    """The page of a report.

    Args:
        content: that of `report.json`.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        {
            "number": wording.number,
            "interval": wording.interval,
            "share": wording.share,
            "kind_in_words": wording.kind_in_words,
            "requirement": lambda kind: KINDS[kind].requirement,
        }
    )
    return environment.get_template("page.html").render(
        report=content,
        test=Path(content["test"]).name,
        measure=wording.measure(content),
        headline=wording.headline(content),
        summary=wording.summary(content),
        losses=figures.losses_figure(content),
        curves=figures.curves_figure(content),
        heat=figures.heat_table(content),
        left_out=content["models"][0]["sensitivity"].get("left_out"),
        ranked=wording.by_loss(content),
        settings=yaml.safe_dump(content["settings"], sort_keys=False, allow_unicode=True),
    )
