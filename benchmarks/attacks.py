"""`python -m benchmarks attacks`: speed of the attacks on one core, in words per second of processor time.

Random examples are attacked by each kind: their texts alone, and they with their labels, contexts included.
Speed is the best of the rounds. `tests/data/examples/test_attack_checks.py` checks that labels stay valid.
"""

from dataclasses import dataclass
from functools import partial

import torch

from benchmarks.frame import BenchmarkSettings, Report, measure_seconds
from benchmarks.labelled import RandomExamples
from charbert.commands.settings import option
from charbert.noise import KINDS, Attack
from data.examples.types import attack_examples

VOCABULARY = 30_000
EXAMPLES = {"text": 4000, "tags": 4000, "answers": 700}
"""Some 100,000 words of each."""


@dataclass(kw_only=True)
class AttackSpeedSettings(BenchmarkSettings):
    kinds: list[str] = option(list(KINDS), "kinds of noise", choices=KINDS)
    examples: int | None = option(None, "random examples of each type, if not 4000 or 700", minimum=1)
    seed: int = option(0, "of the attacks")
    rounds: int = option(3, "timed calls", minimum=1)


def run(given: AttackSpeedSettings) -> None:
    """Measure each kind on each type of examples."""
    torch.set_num_threads(1)
    report = Report(given, f"{given.rounds} rounds")
    make = RandomExamples(VOCABULARY)
    sets = {name: make(name, given.examples or size) for name, size in EXAMPLES.items()}
    # A context once for all of its questions.
    texts = {
        name: list(dict.fromkeys(text for example in examples for text in example.texts))
        for name, examples in sets.items()
    }
    # Two misspellings of every second word, for the kind that takes a list.
    words = dict.fromkeys(word for each in texts.values() for text in each for word in text.split())
    misspellings = {word: (word + word[-1], word[0] + word) for word in list(words)[::2]}
    for name, examples in sets.items():
        for kind in given.kinds:
            attack = Attack(kind, seed=given.seed, misspellings=misspellings)
            attack_labelled = partial(attack_examples, examples, attack, contexts=True)
            attack_alone = (
                partial(attack.sentences, [example.words for example in examples])
                if name == "tags"
                else partial(attack.texts, texts[name])
            )
            _, counts = attack_labelled()
            report.add(
                "attacks",
                {
                    "examples": f"{name}, {kind}",
                    **counts._asdict(),
                    "changed, %": 100 * counts.changed / counts.words,
                    "alone, words/s": counts.words / measure_seconds(attack_alone, given.rounds),
                    "labelled, words/s": counts.words / measure_seconds(attack_labelled, given.rounds),
                },
            )
