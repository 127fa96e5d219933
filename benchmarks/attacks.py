"""Speed of the attacks on one core, in words per second of processor time.

    python benchmarks/attacks.py [--kinds KIND...] [--json FILE]

Random examples are attacked by each kind: their texts alone, and they with their labels, contexts included.
Speed is the best of the rounds. `tests/data/examples/test_attack_checks.py` checks that labels stay valid.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from benchmarks.frame import BenchmarkSettings, GrowingTable, machine, parse_benchmark, write_json
from benchmarks.labelled import RandomExamples
from charbert.commands.settings import option
from charbert.errors import run_command
from charbert.noise import KINDS, Attack
from data.examples.types import attack_examples

VOCABULARY = 30_000
EXAMPLES = {"text": 4000, "tags": 4000, "answers": 700}
"""Some 100,000 words of each."""
HEADING = ("examples", "kind    ", "    words", "changed %", "alone, words/s", "labelled, words/s")


@dataclass(kw_only=True)
class AttackSpeedSettings(BenchmarkSettings):
    kinds: list[str] = option(list(KINDS), "kinds of noise", choices=KINDS)
    examples: int | None = option(None, "random examples of each type, if not 4000 or 700", minimum=1)
    seed: int = option(0, "of the attacks")
    rounds: int = option(3, "timed calls", minimum=1)


def main(arguments: Sequence[str]) -> None:
    settings = parse_benchmark(AttackSpeedSettings, arguments, __file__, __doc__)
    torch.set_num_threads(1)
    print(f"{machine()}; {settings.rounds} rounds\n")
    make = RandomExamples(VOCABULARY)
    sets = {name: make(name, settings.examples or size) for name, size in EXAMPLES.items()}
    # Two misspellings of every second word, for the kind that takes a list.
    words = dict.fromkeys(word for each in sets.values() for word in _words(each))
    misspellings = {word: (word + word[-1], word[0] + word) for word in list(words)[::2]}
    table = GrowingTable(HEADING)
    lines = []
    for name, examples in sets.items():
        for kind in settings.kinds:
            attack = Attack(kind, seed=settings.seed, misspellings=misspellings)
            line = {"set": name, "kind": kind, **measure(examples, attack, settings.rounds)}
            lines.append(line)
            changed = f"{100 * line['changed'] / line['words']:.2f}"
            speeds = (f"{line[f'{way}_words_per_second']:,.0f}" for way in ("alone", "labelled"))
            table.add(name, kind, f"{line['words']:,}", changed, *speeds)
    write_json(settings.json, {"attacks": lines})


def measure(examples: Sequence[Any], attack: Attack, rounds: int) -> dict[str, Any]:
    """Words, and words per second, of texts alone and of examples with their labels."""
    contexts = hasattr(examples[0], "context")
    if hasattr(examples[0], "words"):
        alone = _best_seconds(partial(attack.sentences, [example.words for example in examples]), rounds)
    else:
        alone = _best_seconds(partial(attack.texts, _texts(examples)), rounds)
    labelled = _best_seconds(partial(attack_examples, examples, attack, contexts), rounds)
    _, counts = attack_examples(examples, attack, contexts)
    return {
        **counts._asdict(),
        "alone_words_per_second": counts.words / alone,
        "labelled_words_per_second": counts.words / labelled,
    }


def _texts(examples: Sequence[Any]) -> list[str]:
    """All texts that are attacked, a context once."""
    texts = [str(text) for example in examples for text in example.readable.values()]
    return texts + list(dict.fromkeys(example.context for example in examples if hasattr(example, "context")))


def _words(examples: Sequence[Any]) -> list[str]:
    if hasattr(examples[0], "words"):
        return [word for example in examples for word in example.words]
    return [word for text in _texts(examples) for word in text.split()]


def _best_seconds(work: Callable[[], Any], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


if __name__ == "__main__":
    sys.exit(run_command(main))
