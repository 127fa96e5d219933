"""`python -m data vocabulary`: characters, words and a tokenizer from text, as one tokenizer folder."""

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerFast

from charbert.commands.progress import progress_bar
from charbert.commands.results import RESULTS, check_output_folder, write_results
from charbert.errors import CharBertError
from charbert.spelling import BLANK, DEFAULT_CHARACTERS
from charbert.tokenization import CharBertTokenizer
from charbert.vocabulary import UNKNOWN, Vocabulary
from data.corpus import sources
from data.corpus.shards import Document
from data.vocabulary.counting import count_units
from data.vocabulary.tokenizers import FORMS

LEAST = {"vocab_size": 50, "characters": 1, "words": 1, "max_length": 3, "workers": 1}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT", nargs="+", help=sources.HELP)
    parser.add_argument("--out", required=True, metavar="DIR", help="tokenizer folder to write")
    parser.add_argument(
        "--tokenizer",
        default="wordpiece",
        help="'wordpiece' or 'bpe' (byte-level) to train one, or the folder or hub id of one that is there",
    )
    parser.add_argument("--vocab-size", type=int, default=30_000, help="tokens (default: %(default)s)")
    parser.add_argument("--lowercase", action="store_true", help="WordPiece without case and accents")
    for plural, singular, default in (
        ("characters", "character", DEFAULT_CHARACTERS),
        ("words", "word", 30_000),
    ):
        group = parser.add_mutually_exclusive_group()
        group.add_argument(f"--{plural}", type=int, default=default, help=f"{plural} (default: %(default)s)")
        group.add_argument(
            f"--{singular}-vocabulary", metavar="FILE", help=f"take the {plural} of this file, as it stands"
        )
    parser.add_argument("--max-length", type=int, default=512, help="longest input (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes that count (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="write into a folder that holds something")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Build the three vocabularies and return their sizes, and their coverage of the text in percent.

    The text is counted, and read once more where a tokenizer is trained. The folder is written at the end.

    Raises:
        CharBertError: a size is too small, the folder holds something, a file or tokenizer cannot be read, or
            there is no word in the text.
    """
    started = time.monotonic()
    for name, least in LEAST.items():
        if getattr(arguments, name) < least:
            raise CharBertError(f"--{name.replace('_', '-')} must be at least {least}")
    check_output_folder(arguments.out, arguments.overwrite)
    out = Path(arguments.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    # Made first: a place where nothing can be written must not be found after hours of counting.
    with TemporaryDirectory(dir=out.parent, prefix=".vocabulary-") as made:
        tokenizer, results = _built(arguments)
        results["seconds"] = time.monotonic() - started
        tokenizer.save_pretrained(made)
        write_results(made, results, vars(arguments))
        _move(Path(made), out)
    return results


def _built(arguments: argparse.Namespace) -> tuple[CharBertTokenizer, dict[str, Any]]:
    character_vocabulary = _loaded(arguments.character_vocabulary)
    word_vocabulary = _loaded(arguments.word_vocabulary)
    form = FORMS.get(arguments.tokenizer)
    stock: Any = None if form else _stock(arguments.tokenizer)
    backend = form.untrained(arguments.lowercase) if form else stock.backend_tokenizer
    length = sources.known_length(arguments.text)

    counts = count_units(backend, _documents(arguments.text, "counting words", length), arguments.workers)
    characters, words = counts.characters(), counts.words()
    if not words:
        raise CharBertError(f"{', '.join(arguments.text)}: holds no words")
    if form:
        texts = (document.text for document in _documents(arguments.text, "training the tokenizer", length))
        form.train(backend, texts, counts, arguments.vocab_size)
        stock = PreTrainedTokenizerFast(
            tokenizer_object=backend, model_max_length=arguments.max_length, **form.settings
        )
    if character_vocabulary is None:
        character_vocabulary = _ranked(characters, arguments.characters, first=[BLANK])
    if word_vocabulary is None:
        word_vocabulary = _ranked(words, arguments.words)
    tokenizer = CharBertTokenizer.from_stock(stock, character_vocabulary, word_vocabulary)
    return tokenizer, {
        "tokens": len(tokenizer),
        "characters": len(character_vocabulary),
        "words": len(word_vocabulary),
        "character_coverage": _coverage(characters, character_vocabulary, characters.total()),
        "word_coverage": _coverage(words, word_vocabulary, words.total() + counts.pruned_words),
    }


def _loaded(path: str | None) -> Vocabulary | None:
    return None if path is None else Vocabulary.load(path)


def _stock(name: str) -> Any:
    try:
        stock = AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise CharBertError(
            f"{name}: no tokenizer there; give wordpiece, bpe, a folder or a hub id"
        ) from error
    if not stock.is_fast or stock.backend_tokenizer.pre_tokenizer is None:
        raise CharBertError(
            f"{name}: does not cut text into words first, as the tokenizers of BERT and RoBERTa do"
        )
    return stock


def _documents(text: list[str], what: str, length: int | None) -> Iterator[Document]:
    return progress_bar(sources.read_all(text), what, length, unit=" documents")


def _ranked(counts: Counter[str], size: int, first: list[str] | None = None) -> Vocabulary:
    first = first or []
    ranked = sorted(counts.keys() - first, key=lambda entry: (-counts[entry], entry))
    # A file holds an entry a line, so none can have a line feed in it.
    return Vocabulary([*first, *[entry for entry in ranked if "\n" not in entry][:size], UNKNOWN])


def _coverage(counts: Counter[str], vocabulary: Vocabulary, total: int) -> float:
    """Percent of all occurrences that the vocabulary has."""
    return round(100 * sum(count for entry, count in counts.items() if entry in vocabulary) / total, 3)


def _move(made: Path, out: Path) -> None:
    """Move the content of a finished folder: what is interrupted before leaves the other one as it was."""
    out.mkdir(exist_ok=True)
    (out / RESULTS).unlink(missing_ok=True)  # results stand for a folder that is complete
    for path in sorted(made.iterdir(), key=lambda path: path.name == RESULTS):
        path.replace(out / path.name)
