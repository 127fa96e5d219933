"""Speed of the data: extraction from a dump, and training examples beside the fast tokenizer alone.

    python benchmarks/data.py [--json FILE]

Each round measures everything once, one after the other. The table shows the medians over the rounds, and
those of the ratios between two measures of one round. Examples are made by one process with one thread, as in
each data loading process of a run, and so is the tokenizer's work on the paragraphs of the same text.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

# Before the library starts its threads.
os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from benchmarks.frame import BenchmarkSettings, machine, parse_benchmark, table, write_json
from charbert.commands.results import read_results
from charbert.commands.settings import option
from charbert.errors import run_command
from charbert.spelling import SpellingTable, token_spellings
from charbert.tokenization import CharBertTokenizer
from data.__main__ import main as data
from data.corpus.sources import read_documents
from data.pretraining.blocks import Blocks
from pretrain.collator import PretrainingBatches, PretrainingCollator
from pretrain.masking import Masking, MaskingSettings
from pretrain.noise_schedule import Noise, NoiseSchedule
from pretrain.quickstart import find_dump
from pretrain.sampler import TrainingSampler

MAX_LENGTH, BATCH_SIZE = 384, 32
TEXTS_AT_ONCE = 1000
Measure = Callable[[], float]


@dataclass(kw_only=True)
class DataSpeedSettings(BenchmarkSettings):
    dump: str | None = option(None, "Wikipedia dump; if none, the one in the package gensim")
    tokenizer: list[str] = option(
        ["wordpiece", "bpe"], "wordpiece or bpe, trained on the text, or folders and hub ids"
    )
    copies: int = option(8, "how often the dump is read", minimum=1)
    rounds: int = option(5, "rounds", minimum=1)


def main(arguments: Sequence[str]) -> None:
    given = parse_benchmark(DataSpeedSettings, arguments, __file__, __doc__)
    torch.set_num_threads(1)
    dump = given.dump or str(find_dump())
    with TemporaryDirectory() as folder:
        work = Path(folder)
        data(["wikipedia", dump, "--output", str(work / "text")])
        measures: dict[str, Measure] = {
            f"extraction, {workers} worker{'s' * (workers > 1)}": extraction(
                work, [dump] * given.copies, workers
            )
            for workers in (1, 2)
        }
        for name in given.tokenizer:
            measures |= of_tokenizer(work, name)
        rounds = [{name: measure() for name, measure in measures.items()} for _ in range(given.rounds)]
    report(rounds, given.tokenizer, given.json)


def extraction(work: Path, dumps: list[str], workers: int) -> Measure:
    """MB/s of XML, from the dump to the shards."""
    out = str(work / f"extracted-{workers}")

    def measure() -> float:
        data(["wikipedia", *dumps, "--output", out, "--workers", str(workers), "--overwrite"])
        return read_results(out)["megabytes_per_second"]

    return measure


def of_tokenizer(work: Path, name: str) -> dict[str, Measure]:
    """Tokens a second of the tokenizer alone, of tokenising for a dataset, and of training examples."""
    folder, text = str(work / name.replace("/", "-")), str(work / "text")
    tokenizer_folder, blocks_folder = f"{folder}-tokenizer", f"{folder}-blocks"
    data(["vocabulary", text, "--tokenizer", name, "--output", tokenizer_folder])
    tokenizer = CharBertTokenizer.from_pretrained(tokenizer_folder)
    texts = [part for document in read_documents(text) for part in document.text.split("\n\n")]
    tokenise = ["tokenize", text, "--tokenizer", tokenizer_folder, "--output", blocks_folder, "--overwrite"]
    data(tokenise)

    def alone() -> float:
        backend = tokenizer.backend_tokenizer
        started = time.perf_counter()
        tokens = 0
        for first in range(0, len(texts), TEXTS_AT_ONCE):
            # Without special tokens, which cost it a third of its speed.
            encodings = backend.encode_batch(texts[first : first + TEXTS_AT_ONCE], add_special_tokens=False)
            tokens += sum(map(len, encodings))
        return tokens / (time.perf_counter() - started)

    def dataset() -> float:
        data(tokenise)
        numbers = read_results(blocks_folder)
        return numbers["tokens"] / numbers["seconds"]

    blocks = Blocks(blocks_folder)
    order = TrainingSampler(len(blocks), BATCH_SIZE, seed=0)
    maker = PretrainingCollator(
        Masking(tokenizer, tokenizer.words, MaskingSettings(max_length=MAX_LENGTH)),
        SpellingTable.from_spellings(token_spellings(tokenizer, tokenizer.characters)),
        NoiseSchedule.constant(Noise()),
        seed=0,
    )
    batches = PretrainingBatches(blocks, maker)
    keys = iter(order)  # each round goes on to another epoch, with other noise

    def examples() -> float:
        started = time.perf_counter()
        tokens = 0
        for key in islice(keys, len(blocks) // BATCH_SIZE):
            tokens += int(batches[key]["attention_mask"].sum())
        return tokens / (time.perf_counter() - started)

    return {
        f"{name}: fast tokenizer alone": alone,
        f"{name}: tokenize command, its start included": dataset,
        f"{name}: training examples": examples,
    }


def report(rounds: list[dict[str, float]], tokenizers: Sequence[str], path: str | None) -> None:
    """Print the table, and write the JSON if a file is given."""
    numbers = {name: median(measured[name] for measured in rounds) for name in rounds[0]}
    ratios = {
        "two workers / one": ("extraction, 2 workers", "extraction, 1 worker"),
        **{
            f"{name}: examples / tokenizer": (f"{name}: training examples", f"{name}: fast tokenizer alone")
            for name in tokenizers
        },
    }
    for name, (over, under) in ratios.items():
        numbers[name] = median(measured[over] / measured[under] for measured in rounds)
    rows = [("", "median", "unit")]
    for name, number in numbers.items():
        if name in ratios:
            rows.append((name, f"{number:.2f}", "times"))
        elif name.startswith("extraction"):
            rows.append((name, f"{number:.2f}", "MB/s of XML"))
        else:
            rows.append((name, f"{number:,.0f}", "tokens/s"))
    print(f"\n{machine()}; {len(rounds)} rounds\n\n{table(rows)}")
    write_json(path, numbers)


if __name__ == "__main__":
    sys.exit(run_command(main))
