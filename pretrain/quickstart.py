"""The whole way on a small real dump: text, vocabularies, blocks, pre-training, restored words.

`python -m pretrain.quickstart --out DIR` runs the four commands of the README one after the other, prints
each, and ends with words that the model restores in text it has not been trained on.
"""

import argparse
import importlib.metadata
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from charbert.commands.results import check_output_folder, read_results, write_results
from charbert.correction.reader import WordReader
from charbert.errors import CharBertError, run_command
from charbert.noise import SHORTEST_EDITED, noise_word
from charbert.tokenization import CharBertTokenizer
from data.__main__ import main as data_main
from data.pretraining.blocks import Blocks
from pretrain.__main__ import main as pretrain_main
from pretrain.run import FIGURE

DUMP = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
CONFIG = Path(__file__).parent / "configs" / "tiny.yaml"
VOCABULARY = ("--vocab-size", "8000", "--words", "8000", "--characters", "300")
BLOCKS = ("--block-size", "50")  # noise on 30% of the words makes them 64 tokens long
SENTENCES = 12
WORDS_OF_A_SENTENCE = 12
SEED = 7


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


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m pretrain.quickstart", description=__doc__)
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for everything")
    parser.add_argument("--dump", metavar="FILE", help="a Wikipedia dump (default: the one gensim carries)")
    parser.add_argument("--max-pages", type=int, metavar="N", help="pages to read (default: all)")
    parser.add_argument(
        "--max-steps", type=int, metavar="N", help="steps of training (default: the config's)"
    )
    parser.add_argument("--overwrite", action="store_true", help="write into a folder that holds something")
    given = parser.parse_args(arguments)
    started = time.monotonic()
    out = Path(given.out)
    check_output_folder(out, given.overwrite)
    dump = Path(given.dump) if given.dump else find_dump()
    text, tokenizer, blocks, model = (str(out / name) for name in ("text", "tokenizer", "blocks", "model"))

    pages = [] if given.max_pages is None else ["--max-pages", str(given.max_pages)]
    steps = [] if given.max_steps is None else ["--max_steps", str(given.max_steps)]
    folders = ["--data", blocks, "--tokenizer", tokenizer, "--output", model]
    _step(data_main, "data", "wikipedia", str(dump), "--out", text, *pages, "--overwrite")
    _step(data_main, "data", "vocabulary", text, "--out", tokenizer, *VOCABULARY, "--overwrite")
    _step(
        data_main, "data", "tokenize", text, "--tokenizer", tokenizer, "--out", blocks, *BLOCKS, "--overwrite"
    )
    _step(pretrain_main, "pretrain", str(CONFIG), *folders, *steps, "--overwrite")

    print(f"\n{restored_table(model, blocks)}\n\nloss curves: {Path(model) / FIGURE}")
    seconds = time.monotonic() - started
    write_results(out, {**read_results(model), "seconds": seconds}, vars(given), SEED)
    print(f"took {seconds:.0f} s")


def _step(command: Callable[[Sequence[str]], None], package: str, *arguments: str) -> None:
    print(f"\n$ python -m {package} {' '.join(arguments)}", flush=True)
    command(arguments)


def restored_table(model_folder: str, blocks_folder: str) -> str:
    """Misspelled words in held-out sentences, and what the noisy LM makes of them."""
    tokenizer = CharBertTokenizer.from_pretrained(model_folder)
    reader = WordReader(model_folder, tokenizer)
    blocks = Blocks(blocks_folder)
    results = read_results(model_folder)
    random = Random(SEED)
    held_out = random.sample(range(len(blocks))[-results["settings"]["eval_examples"] :], 4 * SENTENCES)
    rows = [("a held-out sentence with one *misspelled* word", "original", "restored: the three likeliest")]
    for index in held_out:
        words = tokenizer.decode(blocks.take([index]).token_ids).split()[:WORDS_OF_A_SENTENCE]
        eligible = [
            place
            for place, word in enumerate(words)
            if len(word) >= SHORTEST_EDITED and word.isalpha() and word.lower() in tokenizer.words
        ]
        if not eligible:
            continue
        place = random.choice(eligible)
        original, words[place] = words[place], noise_word(words[place], random)
        guesses = restore(reader, words, place)
        words[place] = f"*{words[place]}*"
        mark = "+" if guesses[0] == original.lower() else "-"
        rows.append((" ".join(words), original, f"{mark} {', '.join(guesses)}"))
        if len(rows) > SENTENCES:
            break
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    whole = (
        f"Of all misspelled words held out, {results['eval_nlm_hit_1']:.0%} are restored by the first guess."
    )
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:], whole])


def restore(reader: WordReader, words: list[str], place: int, count: int = 3) -> list[str]:
    """The words that the noisy LM holds likeliest at one place of a sentence."""
    start = len(" ".join([*words[:place], ""]))
    [(_, scores)] = reader.score_words([" ".join(words)], lambda word: word.start == start)
    return [reader.words[index] for index in scores.argsort()[::-1][:count].tolist()]


if __name__ == "__main__":
    sys.exit(run_command(main))
