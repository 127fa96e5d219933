"""Quickstart: from a small Wikipedia dump to a pre-trained model and misspelled words that it restores.

`python -m pretrain quickstart --output DIR` runs the four commands of the README one after the other, prints
each, and ends with words that the model restores in text it has not been trained on.
"""

import importlib.metadata
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from random import Random

from charbert.commands.output import output_folder
from charbert.commands.results import read_results, write_results
from charbert.commands.tables import format_table
from charbert.commands.training_log import FIGURE
from charbert.correction.reader import WordReader
from charbert.errors import CharBertError, run_command
from charbert.noise import SHORTEST_EDITED, noise_word
from charbert.tokenization import CharBertTokenizer
from charbert.vocabulary import UNKNOWN
from data.__main__ import main as data_main
from data.pretraining.blocks import Blocks
from pretrain.__main__ import main as pretrain_main
from pretrain.settings import QuickstartSettings

DUMP = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
CONFIG = Path(__file__).parent / "configs" / "tiny.yaml"
VOCABULARY = ("--vocab-size", "8000", "--words", "8000", "--characters", "300")
BLOCKS = ("--block-size", "50")  # noise on 30% of the words makes them 64 tokens long
SENTENCES = 12
WORDS_OF_A_SENTENCE = 12
SEED = 7
HEADER = (
    "a held-out sentence with one *misspelled* word",
    "original",
    "restored: this model's likeliest three",
    "charbert-mini's",
)


def find_dump() -> Path:
    """The shortened English Wikipedia dump among the files of the `gensim` package, which is not imported.

    Raises:
        CharBertError: the package is not installed.
    """
    try:
        files = importlib.metadata.files("gensim") or []
    except importlib.metadata.PackageNotFoundError as error:
        raise CharBertError(
            "no dump: install the package gensim, which carries one, or give --dump"
        ) from error
    found = [file for file in files if file.name == DUMP]
    if not found:
        raise CharBertError(f"no dump: the installed gensim has no {DUMP}; give --dump")
    return Path(str(found[0].locate()))


def run(settings: QuickstartSettings) -> None:
    """Make everything, and print what the model restores."""
    with output_folder(settings) as output:
        _run(settings, output)


def _run(settings: QuickstartSettings, output: Path) -> None:
    started = time.monotonic()
    dump = Path(settings.dump) if settings.dump else find_dump()
    text, tokenizer, blocks, model = (str(output / name) for name in ("text", "tokenizer", "blocks", "model"))

    pages = [] if settings.max_pages is None else ["--max-pages", str(settings.max_pages)]
    steps = [] if settings.max_steps is None else ["--max-steps", str(settings.max_steps)]
    folders = ["--data", blocks, "--tokenizer", tokenizer, "--output", model]
    _step(data_main, "data", "wikipedia", str(dump), "--output", text, *pages, "--overwrite")
    _step(data_main, "data", "vocabulary", text, "--output", tokenizer, *VOCABULARY, "--overwrite")
    _step(
        data_main,
        "data",
        "tokenize",
        text,
        "--tokenizer",
        tokenizer,
        "--output",
        blocks,
        *BLOCKS,
        "--overwrite",
    )
    _step(pretrain_main, "pretrain", str(CONFIG), *folders, *steps, "--overwrite")

    print(f"\n{restored_table(model, blocks)}\n\nloss curves: {Path(model) / FIGURE}")
    seconds = time.monotonic() - started
    write_results(output, {**read_results(model), "seconds": seconds}, asdict(settings), SEED)
    print(f"took {seconds:.0f} s")


def _step(command: Callable[[Sequence[str]], None], package: str, *arguments: str) -> None:
    print(f"\n$ python -m {package} {' '.join(arguments)}", flush=True)
    command(arguments)


def restored_table(model_folder: str, blocks_folder: str) -> str:
    """Misspelled words of held-out sentences, and the words by which this model and mini restore them."""
    tokenizer = CharBertTokenizer.from_pretrained(model_folder)
    readers = WordReader(model_folder, tokenizer), WordReader()
    blocks = Blocks(blocks_folder)
    results = read_results(model_folder)
    random = Random(SEED)
    held_out = random.sample(range(len(blocks))[-results["settings"]["eval_examples"] :], 4 * SENTENCES)
    rows: list[tuple[str, ...]] = []
    for index in held_out:
        words = tokenizer.decode(blocks.take([index]).token_ids).split()[:WORDS_OF_A_SENTENCE]
        eligible = [
            position
            for position, word in enumerate(words)
            if len(word) >= SHORTEST_EDITED and word.isalpha() and word.lower() in tokenizer.words
        ]
        if not eligible:
            continue
        position = random.choice(eligible)
        original, words[position] = words[position], noise_word(words[position], random)
        restored = []
        for reader in readers:
            guesses = restore(reader, words, position)
            restored.append(f"{'+' if guesses[0] == original.lower() else '-'} {', '.join(guesses)}")
        words[position] = f"*{words[position]}*"
        rows.append((" ".join(words), original, *restored))
        if len(rows) == SENTENCES:
            break
    share = f"{results['eval_nlm_hit_1']:.0%}"
    return (
        f"{format_table(HEADER, rows)}\n"
        f"Of all misspelled words held out, this model restores {share} by the first guess.\n"
        "charbert-mini comes with the package; it has read Wikipedia of 2019, these articles perhaps too."
    )


def restore(reader: WordReader, words: list[str], position: int, count: int = 3) -> list[str]:
    """The words that the noisy LM holds likeliest at one position of a sentence."""
    start = len(" ".join([*words[:position], ""]))
    [(_, scores)] = reader.score_words([" ".join(words)], lambda word: word.start == start)
    likeliest = (reader.words[index] for index in scores.argsort()[::-1].tolist())
    return list(islice((word for word in likeliest if word != UNKNOWN), count))


if __name__ == "__main__":  # `python -m pretrain.quickstart`, as it was started before it was a command
    sys.exit(run_command(pretrain_main, ["quickstart", *sys.argv[1:]]))
