"""Speed of the attacks on one core, and whether all labels go on holding.

    python benchmarks/attacks.py [--json FILE]
    python benchmarks/attacks.py --files ner=eng.testb squad2=dev-v2.0.json --misspellings LIST

Random examples, or those of files, are attacked by each kind: their texts alone, and they with their labels,
contexts included. Speed is in words per second of processor time, the best of the rounds. Then each example
is compared with what became of it: whether its tags fit its words, its answers stand where they stood, and
all else is the same. Of a file, the command writes the attacked one, which must read as the result of the
function.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from benchmarks.attack_checks import checked
from benchmarks.labelled import RandomExamples
from benchmarks.report import add_json_option, machine, write_json
from benchmarks.timing import GrowingTable
from charbert.commands.progress import at_least
from charbert.errors import CharBertError, run_command
from charbert.noise import KINDS, Attack, read_misspellings
from data.examples import attack as command
from data.examples.readers import READERS, Columns, read_examples
from data.examples.rows import BadRows
from data.examples.types import TaggedExample, TextExample, attack_examples

VOCABULARY = 30_000
RANDOM = {"text": 4000, "tags": 4000, "answers": 700}
"""Examples: some 100,000 words of each."""
HEADING = (
    "kind    ",
    "    words",
    "changed %",
    "alone, words/s",
    "labelled, words/s",
    "   tags",
    "answers",
    "faults",
)
SHOWN = 3  # faults


class Given(NamedTuple):
    """Examples, and the task and file that they come from."""

    examples: list[Any]
    task: str = ""
    path: str = ""


def main(arguments: Sequence[str]) -> None:
    given = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    sets = _sets_of_files(given.files) if given.files else _random_sets(given.examples)
    misspellings = read_misspellings(given.misspellings) if given.misspellings else None
    if not given.files and misspellings is None:
        misspellings = _random_misspellings(sets)
    width = max(map(len, sets))
    print(f"{machine()}; {given.rounds} rounds\n")
    shown = GrowingTable(("".ljust(width), *HEADING))
    lines, faults = [], []
    for name, here in sets.items():
        for kind in given.kinds:
            attack = Attack(kind, seed=given.seed, misspellings=misspellings)
            line, found = _measured(here, attack, given)
            lines.append({"set": name, "kind": kind, **line})
            faults += found
            shown.add(name, kind, *_cells(line))
    if given.json:
        write_json(given.json, {"attacks": lines})
    if faults:
        raise CharBertError(f"{len(faults)} faults, the first: {'; '.join(faults[:SHOWN])}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python benchmarks/attacks.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--files", nargs="+", metavar="TASK=FILE", help="labelled files (default: none)")
    parser.add_argument("--misspellings", metavar="FILE", help="for the kind natural (of files: codespell's)")
    parser.add_argument(
        "--kinds", nargs="+", choices=KINDS, default=KINDS, metavar="KIND", help="default: all"
    )
    parser.add_argument("--examples", type=at_least(1), metavar="N", help="random examples of each type")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    parser.add_argument("--rounds", type=at_least(1), default=3, metavar="N", help="default: %(default)s")
    add_json_option(parser)
    return parser


def _random_sets(count: int | None) -> dict[str, Given]:
    make = RandomExamples(VOCABULARY)
    return {f"random {name}": Given(make(name, count or size)) for name, size in RANDOM.items()}


def _random_misspellings(sets: Mapping[str, Given]) -> dict[str, tuple[str, ...]]:
    """Two for every second word that occurs."""
    words = dict.fromkeys(
        word for here in sets.values() for text in _texts(here.examples) for word in text.split()
    )
    return {word: (word + word[-1], word[0] + word) for word in list(words)[::2]}


def _sets_of_files(files: Sequence[str]) -> dict[str, Given]:
    sets = {}
    for file in files:
        task, _, path = file.partition("=")
        if task not in READERS or not path:
            raise CharBertError(f"--files {file}: give TASK=FILE, where TASK is one of {', '.join(READERS)}")
        examples = list(read_examples(Columns(task=task), path, BadRows(skip=True)))
        sets[f"{task} {Path(path).name}"] = Given(examples, task, path)
    return sets


def _measured(here: Given, attack: Attack, given: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """The numbers of a kind of attack, and what was wrong."""
    examples = here.examples
    work = (
        partial(attack.sentences, [example.words for example in examples])
        if isinstance(examples[0], TaggedExample)
        else partial(attack.texts, _texts(examples))
    )
    alone, _ = _best_time(work, given.rounds)
    contexts = hasattr(examples[0], "context")
    labelled, (new, counts) = _best_time(partial(attack_examples, examples, attack, contexts), given.rounds)
    found = checked(examples, new, counts.changed, spaced=attack.kind == "space")
    if here.path:
        found.faults.extend(_faults_of_file(here, new, attack, contexts, given.misspellings))
    line = {
        **counts._asdict(),
        "alone_words_per_second": counts.words / alone,
        "labelled_words_per_second": counts.words / labelled,
        "tags": found.tags,
        "answers": found.answers,
        "faults": len(found.faults),
    }
    return line, found.faults


def _texts(examples: Sequence[Any]) -> list[str]:
    """All that is attacked, a context once."""
    found: list[str] = []
    for example in examples:
        if isinstance(example, TextExample):
            found += [str(text) for text in example.readable.values()]
        else:
            found.append(" ".join(example.words) if isinstance(example, TaggedExample) else example.question)
    return found + list(dict.fromkeys(example.context for example in examples if hasattr(example, "context")))


def _best_time(work: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """Seconds of the processor, and what the work gave."""
    times = []
    for _ in range(rounds):
        started = time.process_time()
        result = work()
        times.append(time.process_time() - started)
    return min(times), result


def _faults_of_file(
    here: Given, new: Sequence[Any], attack: Attack, contexts: bool, misspellings: str | None
) -> list[str]:
    """Whether what the command writes reads as the new examples."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / Path(here.path).name
        command.run(
            command.AttackSettings(
                file=here.path,
                output=str(out),
                task=here.task,
                kind=attack.kind,
                seed=attack.seed,
                skip_bad_rows=True,
                contexts=contexts,
                misspellings=misspellings if attack.kind == "natural" else None,
            )
        )
        read_again: list[Any] = list(read_examples(Columns(task=here.task), str(out), BadRows()))
    if len(read_again) != len(new):
        return [f"{here.path}: {len(new)} examples, and {len(read_again)} in the file"]
    return [
        f"{example.location}: {example} reads as {again}"
        for example, again in zip(new, read_again, strict=True)
        if example._replace(location="") != again._replace(location="")
    ]


def _cells(line: Mapping[str, Any]) -> list[str]:
    return [
        f"{line['words']:,}",
        f"{100 * line['changed'] / line['words']:.2f}",
        f"{line['alone_words_per_second']:,.0f}",
        f"{line['labelled_words_per_second']:,.0f}",
        *(f"{line[name]:,}" for name in ("tags", "answers", "faults")),
    ]


if __name__ == "__main__":
    sys.exit(run_command(main))
