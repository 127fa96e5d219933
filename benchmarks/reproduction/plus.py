"""charbert-plus: its arms, the tables that only its page has, and its goals against what was measured."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from benchmarks.reproduction.numbers import REPORT, RUN
from benchmarks.reproduction.tables import ATTACKS, NAMES, Numbers, describe_difference, make_table

TASKS = {"ner": "CoNLL-2003", "sst2": "SST-2"}
MEASURES = {"ner": "F1", "sst2": "accuracy on the dev set"}
PRETRAINING = "pretraining"  # the task of a run of pre-training, among the records
EXAMPLE = 128  # tokens of an example of pre-training
# What may stand beside pre-training, by the ends of names: of charbert-plus, and of AdvBERT on its noise.
DEFENCES = {
    "": "by pre-training alone",
    "-augmented": "with augmentation",
    "-corrected": "with correction",
    "-augmented-corrected": "with both",
}
ARMS = tuple(f"{name}{end}" for end in DEFENCES for name in ("plus-advbert", "plus"))
MODELS = ("bert", "advbert", "charbert", *ARMS[:4], "WordRec", *ARMS[4:])
PAIRS = (*((f"plus{end}", f"plus-advbert{end}") for end in DEFENCES), ("plus", "charbert"))
# Pre-training of 1,600 steps: the paper's, parts of that of charbert-plus, all of it; and what is compared.
PARTS = (
    *("full", "ablation-noise", "ablation-start", "ablation-rate"),
    *("ablation-kinds", "ablation-labels", "ablation-advbert", "ablation-all"),
    *("ablation-alignment", "ablation-alignment-20", "ablation-continued"),
)
PART_PAIRS = (
    *((part, "full") for part in ("ablation-noise", "ablation-start", "ablation-rate", "ablation-all")),
    *((f"ablation-{part}", "ablation-noise") for part in ("kinds", "labels")),
    ("ablation-all", "ablation-advbert"),
    *((f"ablation-{part}", "ablation-all") for part in ("alignment", "alignment-20")),
    ("ablation-continued", "plus"),
)
# Goals under the paper's attack: the share of the clean score that charbert-plus keeps, and how far it
# is above AdvBERT on the same noise, in points; 0: by an interval without 0.
SHARES = {
    "ner": {"": 0.82, "-augmented": 0.90, "-corrected": 0.92},
    "sst2": {"": 0.88, "-augmented": 0.95},
}
LEADS = {"": 4, "-augmented": 0, "-corrected": 0}
_MLM, _NLM = ("eval_mlm_loss", "eval_mlm_accuracy"), ("eval_nlm_loss", "eval_nlm_hit_1")


class Goal(NamedTuple):
    """A goal, what was measured, and whether that is enough."""

    text: str
    here: str
    held: bool


def make_pretraining_table(numbers: Numbers) -> str:
    """Losses of held-out text, and the time that training took, evaluation left out."""
    rows = []
    for model in ("plus", "plus-advbert", *PARTS):
        found = {
            key: values[0]
            for key in ("steps", "samples_seen", "tokens_per_second", *_MLM, *_NLM)
            if (values := numbers.values(RUN, PRETRAINING, model, key))
        }
        if found:
            losses = [_describe_loss(found, names) for names in (_MLM, _NLM)]
            rows.append([NAMES[model], f"{found['steps']:,}", *losses, _describe_time(found)])
    return make_table(["", "steps", "masked LM: loss, accuracy", "noisy LM: loss, hit@1", "one H200"], rows)


def _describe_time(found: dict[str, float]) -> str:
    """Minutes of training; nothing where a run that had been stopped after its last step was resumed."""
    speed = found["tokens_per_second"]
    return f"{found['samples_seen'] * EXAMPLE / speed / 60:.0f} min" if speed else ""


def _describe_loss(found: dict[str, float], names: tuple[str, str]) -> str:
    return f"{found[names[0]]:.4f}, {found[names[1]]:.1%}" if names[0] in found else ""


def check_goals(numbers: Numbers) -> Iterator[Goal]:
    """The goals of which there are numbers."""
    for task, name in TASKS.items():
        for end, how in DEFENCES.items():
            model, than = f"plus{end}", f"plus-advbert{end}"
            share, lead = SHARES[task].get(end), LEADS.get(end)
            if share is not None and numbers.values(REPORT, task, model, "paper"):
                kept = numbers.kept(task, model)
                yield Goal(f"{name}, {how}: keeps {share:.0%}", f"{kept:.1%}", kept >= share)
            if lead is not None and numbers.compares(task, model, than, "paper"):
                found = numbers.difference(task, model, than, "paper")
                more, low, _ = found
                by = f"{lead} points above" if lead else "by an interval without 0 above"
                text = f"{name}, {how}: {by} {NAMES['plus-advbert']}"
                yield Goal(text, describe_difference(found), more >= lead if lead else low > 0)


def make_goals_table(goals: Iterable[Goal]) -> str:
    """The goals, what was measured, and whether they are held."""
    rows = [(goal.text, goal.here, "held" if goal.held else "missed") for goal in goals]
    return make_table(["goal, under attack", "here", ""], rows)


def find_tasks(numbers: Numbers, models: Iterable[str]) -> dict[str, str]:
    """The tasks, and their names, that have a report of any of the models."""
    return {task: name for task, name in TASKS.items() if not set(models).isdisjoint(numbers.models(task))}


def find_leads(numbers: Numbers, task: str, model: str, than: str) -> list[str]:
    """Where the first model is above the second by an interval without 0: clean, and the kinds of attacks."""
    return [
        ATTACKS.get(key, key)
        for key in ("clean", *ATTACKS)
        if numbers.compares(task, model, than, key) and numbers.difference(task, model, than, key)[1] > 0
    ]


def find_missing(numbers: Numbers) -> dict[str, list[str]]:
    """The models without a report: those that the goals of a task are about, and the parts in every task."""
    wanted: dict[str, tuple[Sequence[str], Sequence[str]]] = {
        name: ([task], [f"{model}{end}" for end in SHARES[task] for model in ("plus", "plus-advbert")])
        for task, name in TASKS.items()
    }
    wanted["What each part gives"] = ([*TASKS], PARTS)
    missing = {
        name: [NAMES[model] for model in models if not any(model in numbers.models(task) for task in tasks)]
        for name, (tasks, models) in wanted.items()
    }
    return {name: models for name, models in missing.items() if models}
