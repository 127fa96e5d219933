"""Whether the fast path learns what the plain one does: the losses of one training run, made three times.

    python benchmarks/losses.py CONFIG.yaml --out DIR [--steps 200] [--json FILE] [--key value ...]

From the same weights, on the same batches: by the fast path in bf16 (the fused GRU, the folded interaction,
compiled where the config says so), by the plain path in bf16 (torch's GRU, each module called by itself,
nothing compiled), and by the plain path in fp32. How far the plain runs lie apart is what bf16 alone does;
the fast one has to lie as near. Dropout is off, since its draws would differ. DIR gets a figure of both.
"""

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import fmean

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import matplotlib
from matplotlib.figure import Figure
from transformers import TrainerState

from benchmarks.report import add_json_option, machine, table, write_json
from benchmarks.steps import on_plain_path
from charbert.commands.progress import at_least
from charbert.commands.settings import load_settings
from charbert.commands.training import STATE
from charbert.errors import CharBertError, run_command
from pretrain import run
from pretrain.settings import PretrainSettings

matplotlib.use("Agg")
FAST, PLAIN, EXACT = "fast path, bf16", "plain path, bf16", "plain path, fp32"
STYLES = {FAST: "-", PLAIN: "--", EXACT: ":"}
PAIRS = ((FAST, PLAIN), (PLAIN, EXACT), (FAST, EXACT))
FIGURE = "losses.png"


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python benchmarks/losses.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("config", metavar="CONFIG.yaml", help="as for python -m pretrain, from scratch")
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="folder for the three runs and the figure"
    )
    parser.add_argument("--steps", type=at_least(2), default=200, help="steps (default: %(default)s)")
    add_json_option(parser)
    given, keys = parser.parse_known_args(arguments)
    settings = load_settings(
        PretrainSettings, [given.config, *keys, "--output", given.out], parser.prog, "Keys of a config."
    )
    if settings.backbone or settings.model:
        raise CharBertError(f"{given.config}: must start from scratch, since dropout is switched off")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    never = given.steps + 1
    settings = replace(
        settings,
        dropout=0.0,
        max_steps=given.steps,
        logging_steps=1,
        eval_steps=never,
        save_steps=never,
        warmup_steps=min(settings.warmup_steps, given.steps // 10),
    )
    losses = {FAST: losses_of(replace(settings, bf16=True), f"{given.out}/fast")}
    with plain_path():
        for name, bf16 in ((PLAIN, True), (EXACT, False)):
            plain = replace(settings, bf16=bf16, torch_compile=False)
            losses[name] = losses_of(plain, f"{given.out}/{'bf16' if bf16 else 'fp32'}")
    report(losses, Path(given.out) / FIGURE, given.json)


@contextmanager
def plain_path() -> Iterator[None]:
    """Runs that begin meanwhile train with torch's GRU, and without folding."""
    build = run.build_model
    run.build_model = lambda *given: on_plain_path(build(*given))
    try:
        yield
    finally:
        run.build_model = build


def losses_of(settings: PretrainSettings, output: str) -> list[float]:
    """The sum of both tasks' losses at each step."""
    run.pretrain(replace(settings, output=output))
    history = TrainerState.load_from_json(f"{output}/{STATE}").log_history
    return [entry["mlm_loss"] + entry["nlm_loss"] for entry in history if "mlm_loss" in entry]


def report(losses: dict[str, list[float]], figure: Path, path: str | None) -> None:
    """Print the table, draw the figure, and write the JSON where it is wanted."""
    rows = [("", "mean", "largest", "last 20 steps")]
    numbers: dict[str, object] = {name: values for name, values in losses.items()}
    for one, other in PAIRS:
        apart = differences(losses[one], losses[other])
        rows.append(
            (f"|{one} - {other}|", f"{fmean(apart):.5f}", f"{max(apart):.5f}", f"{fmean(apart[-20:]):.5f}")
        )
        numbers[f"mean |{one} - {other}|"] = fmean(apart)
    draw(losses, figure)
    first, last = losses[FAST][0], fmean(losses[FAST][-20:])
    print(f"\n{machine()}; {len(losses[FAST])} steps, loss {first:.3f} -> {last:.3f}\n\n{table(rows)}")
    print(f"\nfigure in {figure}")
    if path:
        write_json(path, numbers)


def differences(losses: list[float], others: list[float]) -> list[float]:
    """How far two runs lie apart at each step."""
    return [abs(one - other) for one, other in zip(losses, others, strict=True)]


def draw(losses: dict[str, list[float]], path: Path) -> None:
    """The losses above, and below them how far apart they lie."""
    drawing = Figure(figsize=(8, 7), layout="constrained")
    above, below = drawing.subplots(2, sharex=True)
    steps = range(1, len(losses[FAST]) + 1)
    for name, style in STYLES.items():
        above.plot(steps, losses[name], style, label=name)
    for one, other in PAIRS[:2]:
        below.plot(steps, differences(losses[one], losses[other]), label=f"|{one} - {other}|")
    above.set_ylabel("MLM + NLM loss (nats)")
    below.set_ylabel("difference (nats)")
    below.set_xlabel("step")
    below.set_ylim(bottom=0)
    for axes in (above, below):
        axes.grid(alpha=0.3)
        axes.legend()
    drawing.savefig(path, dpi=150)


if __name__ == "__main__":
    sys.exit(run_command(main))
