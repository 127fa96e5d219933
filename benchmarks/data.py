"""`python -m benchmarks data`: speed of extraction from a dump and of making training examples.

Each round measures everything once, one after the other. The table shows the medians over the rounds, and
those of the ratios between two measures of one round. Examples are made by one process with one thread, as in
each data loading process of a run, and so is the tokenizer's work on the paragraphs of the same text.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch

from benchmarks.frame import BenchmarkSettings, Report
from charbert.commands.results import read_results
from charbert.commands.settings import option
from charbert.spelling import SpellingTable, token_spellings
from charbert.tokenization import CharBertTokenizer
from data.__main__ import main as run_data
from data.corpus.sources import read_documents
from data.pretraining.blocks import Blocks
from pretrain.collator import PretrainingBatches, PretrainingCollator
from pretrain.masking import Masking, MaskingSettings
from pretrain.noise_schedule import Noise, NoiseSchedule
from pretrain.quickstart import find_dump
from pretrain.sampler import TrainingSampler

MAX_LENGTH, BATCH_SIZE = 384, 32
TEXTS_AT_ONCE = 1000
XML, TOKENS, TIMES = "MB/s of XML", "tokens/s", "times"
Measure = Callable[[], float]


@dataclass(kw_only=True)
class DataSpeedSettings(BenchmarkSettings):
    dump: str | None = option(None, "Wikipedia dump; if none, the one in the package gensim")
    tokenizer: list[str] = option(
        ["wordpiece", "bpe"], "wordpiece or bpe, trained on the text, or folders and hub ids"
    )
    copies: int = option(8, "how often the dump is read", minimum=1)
    rounds: int = option(5, "rounds", minimum=1)


def run(given: DataSpeedSettings) -> None:
    """Measure extraction by one and by two workers, and each tokenizer."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.set_num_threads(1)
    report = Report(given, f"{given.rounds} rounds")
    dump = given.dump or str(find_dump())
    with TemporaryDirectory() as folder:
        text = str(Path(folder) / "text")
        run_data(["wikipedia", dump, "--output", text])
        one, two = "extraction, 1 worker", "extraction, 2 workers"
        dumps, out = [dump] * given.copies, str(Path(folder) / "extracted")
        measures = {
            one: (measure_extraction(dumps, out, 1), XML),
            two: (measure_extraction(dumps, out, 2), XML),
        }
        ratios = {"two workers / one": (two, one)}
        for name in given.tokenizer:
            alone, examples = f"{name}: fast tokenizer alone", f"{name}: training examples"
            tokenizer, blocks = prepare(name, text, Path(folder) / name.replace("/", "-"))
            texts = [part for document in read_documents(text) for part in document.text.split("\n\n")]
            measures[alone] = measure_tokenizer(tokenizer, texts), TOKENS
            measures[examples] = measure_examples(tokenizer, blocks), TOKENS
            ratios[f"{name}: examples / tokenizer"] = examples, alone
        rounds = [{name: measure() for name, (measure, _) in measures.items()} for _ in range(given.rounds)]
    rows = [(name, median(each[name] for each in rounds), unit) for name, (_, unit) in measures.items()]
    rows += [
        (name, median(each[over] / each[under] for each in rounds), TIMES)
        for name, (over, under) in ratios.items()
    ]
    report.add("speed", *({"": name, "median": number, "unit": unit} for name, number, unit in rows))


def prepare(name: str, text: str, folder: Path) -> tuple[CharBertTokenizer, Blocks]:
    """A tokenizer with its vocabularies, and the text in blocks of its tokens."""
    run_data(["vocabulary", text, "--tokenizer", name, "--output", f"{folder}-tokenizer"])
    run_data(["tokenize", text, "--tokenizer", f"{folder}-tokenizer", "--output", f"{folder}-blocks"])
    return CharBertTokenizer.from_pretrained(f"{folder}-tokenizer"), Blocks(f"{folder}-blocks")


def measure_extraction(dumps: list[str], out: str, workers: int) -> Measure:
    """Measures MB/s of XML, from the dump to the shards."""

    def measure() -> float:
        run_data(["wikipedia", *dumps, "--output", out, "--workers", str(workers), "--overwrite"])
        return read_results(out)["megabytes_per_second"]

    return measure


def measure_tokenizer(tokenizer: CharBertTokenizer, texts: list[str]) -> Measure:
    """Measures tokens a second of the fast tokenizer alone."""

    encode, firsts = tokenizer.backend_tokenizer.encode_batch, range(0, len(texts), TEXTS_AT_ONCE)
    # Without special tokens, which cost it a third of its speed.
    return lambda: measure_rate(
        sum(map(len, encode(texts[first : first + TEXTS_AT_ONCE], add_special_tokens=False)))
        for first in firsts
    )


def measure_examples(tokenizer: CharBertTokenizer, blocks: Blocks) -> Measure:
    """Measures tokens a second of training examples; each round has other noise, as another epoch has."""
    collator = PretrainingCollator(
        Masking(tokenizer, tokenizer.words, MaskingSettings(max_length=MAX_LENGTH)),
        SpellingTable.from_spellings(token_spellings(tokenizer, tokenizer.characters)),
        NoiseSchedule.constant(Noise()),
        seed=0,
    )
    batches = PretrainingBatches(blocks, collator)
    tokens = (
        int(batches[key]["attention_mask"].sum()) for key in TrainingSampler(len(blocks), BATCH_SIZE, seed=0)
    )
    return lambda: measure_rate(islice(tokens, len(blocks) // BATCH_SIZE))


def measure_rate(counts: Iterator[int]) -> float:
    """The sum of the counts per second that they take."""
    started = time.perf_counter()
    return sum(counts) / (time.perf_counter() - started)
