"""Tables of the pages: what was measured, beside what the paper has."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.reproduction.numbers import REPORT, RUN, Record
from finetune.metrics.seeds import summarize
from finetune.robustness.intervals import difference_interval


class Score(NamedTuple):
    """A number of a run: its name in results.json, what is percent of it, and its name on the page."""

    key: str
    points: float
    name: str


class Attacked(NamedTuple):
    """A model's scores in the paper."""

    clean: float
    attacked: float


SCORES = {
    "ner": Score("test_f1", 100, "CoNLL-2003, F1"),
    "pos": Score("test_accuracy", 100, "UD-EWT, accuracy"),
    "squad2": Score("test_f1", 1, "SQuAD 2.0, F1"),
    "qnli": Score("test_accuracy", 100, "QNLI, accuracy"),
    "sst2": Score("dev_accuracy", 100, "SST-2, accuracy"),
    "cola": Score("dev_matthews_correlation", 100, "CoLA, Matthews"),
    "mrpc": Score("test_accuracy", 100, "MRPC, accuracy"),
    "rte": Score("dev_accuracy", 100, "RTE, accuracy"),
}
# Of the paper (Tables 1 and 2): BERT and CharBERT.
PUBLISHED = {
    "ner": ("91.24", "91.81"),
    "pos": ("97.93", "98.05"),
    "squad2": ("76.3", "78.6"),
    "qnli": ("90.7", "91.7"),
    "cola": ("57.4", "59.1"),
    "mrpc": ("86.7", "87.8"),
}
# Of the paper: F1 on NER of an LSTM on frozen features.
PROBES = {
    "bert-probe-token": ("BERT", "90.28"),
    "charbert-probe-token": ("CharBERT, token channel", "90.23"),
    "charbert-probe-character": ("CharBERT, characters", "88.69"),
    "charbert-probe-sum": ("CharBERT, sum of both", "90.13"),
    "charbert-probe-concatenation": ("CharBERT, both side by side", "90.39"),
}
NAMES = {
    "bert": "BERT",
    "clean": "BERT, continued",
    "advbert": "AdvBERT",
    "charbert": "CharBERT",
    "paper": "CharBERT (`paper`)",
    "WordRec": "BERT + WordRec",
    "WordRec-pruthi": "BERT + WordRec, Pruthi's noise",
    "full": "CharBERT, 1,600 steps",
    "no-gru": "- no GRU",
    "no-interaction": "- no interaction",
    "no-nlm": "- no noisy LM",
    "roberta": "RoBERTa",
    "charbert-roberta": "CharBERT from RoBERTa",
    "plus": "charbert-plus",
    "plus-augmented": "charbert-plus + augmentation",
    "plus-corrected": "charbert-plus + correction",
    "plus-augmented-corrected": "charbert-plus + augmentation + correction",
    "plus-advbert": "AdvBERT (`plus`)",
    "plus-advbert-augmented": "AdvBERT (`plus`) + augmentation",
    "plus-advbert-corrected": "AdvBERT (`plus`) + correction",
    "plus-advbert-augmented-corrected": "AdvBERT (`plus`) + augmentation + correction",
    "ablation-noise": "+ noise in 0 to 60%",
    "ablation-start": "+ start as the backbone",
    "ablation-rate": "+ rate of its own for what is fresh",
    "ablation-kinds": "+ noise in 0 to 60%, of more kinds",
    "ablation-labels": "+ noise in 0 to 60%, clean words named",
    "ablation-advbert": "AdvBERT (`plus`), 1,600 steps",
    "ablation-all": "charbert-plus, 1,600 steps",
    "ablation-alignment": "+ alignment with the backbone",
    "ablation-alignment-20": "+ alignment, four times the weight",
    "ablation-continued": "charbert-plus, 1,600 more steps, alignment with itself",
}
# Of a report: its kinds of attacks, and the attacked file that was released with the paper.
ATTACKS = {
    "paper": "attacked",
    "released": "released file",
    "natural": "`natural`",
    "ocr": "`ocr`",
    "space": "`space`",
    "case": "`case`, unseen",
    "unicode": "`unicode`, unseen",
}
ROBUSTNESS = {
    "ner": {
        "bert": Attacked(91.24, 60.79),
        "advbert": Attacked(90.68, 71.47),
        "WordRec": Attacked(82.52, 67.79),
        "charbert": Attacked(91.81, 76.14),
    },
    "qnli": {
        "bert": Attacked(90.7, 63.4),
        "advbert": Attacked(90.8, 75.8),
        "WordRec": Attacked(84.0, 76.1),
        "charbert": Attacked(91.7, 80.1),
    },
    "squad2": {
        "bert": Attacked(76.3, 50.1),
        "advbert": Attacked(76.6, 52.4),
        "WordRec": Attacked(63.5, 55.2),
        "charbert": Attacked(78.6, 56.3),
    },
    "sst2": {},
}


class Numbers:
    """The records, by what they are of."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = list(records)

    def values(self, what: str, task: str, model: str, key: str) -> list[float]:
        """A number of all seeds, by seed."""
        found = {
            record["seed"]: record[key]
            for record in self._records
            if (record["what"], record["task"], record["model"]) == (what, task, model) and key in record
        }
        return [found[seed] for seed in sorted(found)]

    def mean(self, what: str, task: str, model: str, key: str) -> float:
        return summarize(self.values(what, task, model, key))["mean"]

    def models(self, task: str) -> list[str]:
        """Those that a task has reports of, in the order of the page."""
        found = [
            record["model"] for record in self._records if (record["what"], record["task"]) == (REPORT, task)
        ]
        order = {name: place for place, name in enumerate(NAMES)}
        return sorted(dict.fromkeys(found), key=lambda name: order.get(name, len(order)))

    def kept(self, task: str, model: str) -> float:
        """The score under the paper's attack as a share of the clean one."""
        return self.mean(REPORT, task, model, "paper") / self.mean(REPORT, task, model, "clean")

    def compares(self, task: str, model: str, than: str, key: str) -> bool:
        """Whether both models have the several trainings that `difference` takes."""
        return all(len(self.values(REPORT, task, name, key)) > 1 for name in (model, than))

    def difference(self, task: str, model: str, than: str, key: str) -> tuple[float, float, float]:
        """How far the mean of one model is above that of another, and the 95% interval over seeds (Welch)."""
        ours, theirs = (np.array(self.values(REPORT, task, name, key))[:, None] for name in (model, than))
        interval = difference_interval(ours, theirs)
        return float(ours.mean() - theirs.mean()), interval["low"], interval["high"]

    def closed(self, task: str, model: str) -> float:
        """The share of the gap between BERT's attacked and clean score that a model closes under attack."""
        clean, attacked = (self.mean(REPORT, task, "bert", key) for key in ("clean", "paper"))
        return (self.mean(REPORT, task, model, "paper") - attacked) / (clean - attacked)


def make_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def describe(values: Sequence[float], points: float = 1) -> str:
    """The mean, and with several seeds the standard deviation; of nothing, nothing."""
    if not values:
        return ""
    found = summarize([points * value for value in values])
    return f"{found['mean']:.1f}" + (f" ± {found['std']:.1f}" if "std" in found else "")


def describe_difference(found: tuple[float, float, float]) -> str:
    """A difference, and its interval."""
    more, low, high = found
    return f"{more:+.1f} ({low:+.1f} to {high:+.1f})"


def make_scores_table(numbers: Numbers, models: Sequence[str]) -> str:
    """Clean scores of every task (the paper, Tables 1 and 2)."""
    rows = [
        [
            name,
            *(describe(numbers.values(RUN, task, model, key), points) for model in models),
            " -> ".join(PUBLISHED.get(task, ())),
        ]
        for task, (key, points, name) in SCORES.items()
        if numbers.values(RUN, task, models[0], key)
    ]
    header = ["", *(NAMES[model] for model in models), "the paper's BERT -> CharBERT"]
    return make_table(header, rows)


def make_robustness_table(
    numbers: Numbers, task: str, models: Iterable[str], published: Mapping[str, Attacked]
) -> str:
    """Scores of a task, clean and under each attack that was measured, and those of the paper (Table 3)."""
    models = [model for model in models if numbers.values(REPORT, task, model, "paper")]
    attacks = [each for each in ATTACKS if any(numbers.values(REPORT, task, model, each) for model in models)]
    rows = [
        [
            NAMES[model],
            str(len(numbers.values(REPORT, task, model, "clean"))),
            *(describe(numbers.values(REPORT, task, model, each)) for each in ("clean", *attacks)),
            f"{numbers.kept(task, model):.1%}",
            *([_describe_published(published.get(model))] if published else []),
        ]
        for model in models
    ]
    last = ["the paper's"] if published else []
    return make_table(["", "seeds", "clean", *(ATTACKS[each] for each in attacks), "kept", *last], rows)


def _describe_published(scores: Attacked | None) -> str:
    if scores is None:
        return ""
    return f"{scores.clean} -> {scores.attacked}, {scores.attacked / scores.clean:.1%}"


def make_differences_table(numbers: Numbers, task: str, pairs: Iterable[tuple[str, str]]) -> str:
    """How far the first of each pair is above the second, where both have several trainings; or nothing."""
    pairs = [pair for pair in pairs if numbers.compares(task, *pair, "paper")]
    if not pairs:
        return ""
    keys = [key for key in ("clean", *ATTACKS) if any(numbers.compares(task, *pair, key) for pair in pairs)]
    rows = [
        [
            " above ".join(NAMES[model] for model in pair),
            *(
                describe_difference(numbers.difference(task, *pair, key))
                if numbers.compares(task, *pair, key)
                else ""
                for key in keys
            ),
        ]
        for pair in pairs
    ]
    return make_table(["", *(ATTACKS.get(key, key) for key in keys)], rows)


def make_words_table(numbers: Numbers, models: Sequence[str]) -> str:
    """F1 of words that the tokenizer keeps whole and of those that it divides, and sensitivity, on NER."""
    keys = [
        f"{condition}_{part}" for condition in ("clean", "attacked") for part in ("word_f1", "subword_f1")
    ]
    rows = [
        [
            NAMES[model],
            *(describe(numbers.values(REPORT, "ner", model, key), 100) for key in keys),
            *(
                f"{summarize(found)['mean']:.3f}" if found else ""
                for channel in ("token", "character")
                for found in [numbers.values(REPORT, "ner", model, f"sensitivity_{channel}_channel")]
            ),
        ]
        for model in models
    ]
    header = ["", "Word", "Subword", "Word, attacked", "Subword, attacked", "S", "S of the characters"]
    return make_table(header, rows)


def make_probe_table(numbers: Numbers) -> str:
    """F1 on NER of an LSTM on frozen features (as in the paper: Bi-LSTM, encoder not trained)."""
    rows = [
        [name, describe(numbers.values(RUN, "ner", probe, "test_f1"), 100), paper]
        for probe, (name, paper) in PROBES.items()
    ]
    return make_table(["", "F1", "the paper's"], rows)


def make_ablation_table(numbers: Numbers) -> str:
    """Of CharBERT without each part (the paper, Table 4)."""
    paper = {
        "full": "91.81, 91.7 -> 80.1",
        "no-gru": "91.45, 90.8 -> 76.9",
        "no-interaction": "91.28, 90.9 -> 77.7",
        "no-nlm": "91.69, 91.4 -> 68.3",
    }
    rows = [
        [
            NAMES[model],
            *(
                describe(numbers.values(REPORT, task, model, key))
                for task in ("ner", "qnli")
                for key in ("clean", "paper", "natural")
            ),
            paper[model],
        ]
        for model in paper
    ]
    header = [
        *("", "NER", "attacked", "`natural`", "QNLI", "attacked", "`natural`"),
        "the paper's NER, QNLI",
    ]
    return make_table(header, rows)
