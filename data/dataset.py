"""`python -m data tokenize`: text -> blocks of tokens, as a memory-mapped `datasets` dataset."""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from datasets import Dataset, Features, List, Value, disable_progress_bars, load_from_disk
from datasets.exceptions import DatasetGenerationError
from tokenizers import Tokenizer
from tqdm import tqdm

from charbert.errors import CharBertError
from charbert.results import check_output_folder, write_results
from charbert.tokenization import CharBertTokenizer
from data.sources import read_documents

FEATURES = Features({"input_ids": List(Value("int32")), "word_starts": List(Value("bool"))})
DOCUMENTS_AT_ONCE = 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "text", metavar="TEXT", help="folder of text shards, or a .parquet, .txt or .jsonl file"
    )
    parser.add_argument("--tokenizer", required=True, metavar="DIR", help="tokenizer folder of `vocabulary`")
    parser.add_argument("--out", required=True, metavar="DIR", help="dataset folder to write")
    parser.add_argument(
        "--block-size", type=int, default=384, help="tokens of a block (default: %(default)s)"
    )
    parser.add_argument("--overwrite", action="store_true", help="write into a folder that holds something")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Tokenise the text and return the number of blocks and tokens."""
    started = time.monotonic()
    check_output_folder(arguments.out, arguments.overwrite)
    if arguments.block_size < 3:
        raise CharBertError("--block-size must leave room for two special tokens and one of text")
    tokenizer = CharBertTokenizer.from_pretrained(arguments.tokenizer)
    count = {"blocks": 0, "tokens": 0, "documents": 0}

    def rows() -> Iterator[dict[str, list[Any]]]:
        texts = (document.text for document in read_documents(Path(arguments.text)))
        for block, starts in blocks(tokenizer, _counted(texts, count), arguments.block_size - 2):
            count["blocks"] += 1
            count["tokens"] += len(block)
            yield {"input_ids": block, "word_starts": starts}

    disable_progress_bars()  # one bar, of documents, is enough
    read_documents(arguments.text)  # a path that cannot be read ends here, before anything is written
    out = Path(arguments.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent, prefix=".tokenize-") as cache:
        try:
            dataset = Dataset.from_generator(rows, features=FEATURES, cache_dir=cache)
        except DatasetGenerationError as error:
            raise error.__cause__ or error from None  # datasets wraps what our own reader raised
        dataset.save_to_disk(out)
    results = {**count, "seconds": time.monotonic() - started}
    write_results(out, results, vars(arguments))
    return results


def blocks(
    tokenizer: CharBertTokenizer, texts: Iterator[str], size: int
) -> Iterator[tuple[list[int], list[bool]]]:
    """Blocks of at most `size` tokens and, for each token, whether a word begins there.

    A block ends between words; only a word longer than a block is cut. Documents follow each other in a block
    with the separator between them.
    """
    block: list[int] = []
    starts: list[bool] = []
    for document in _tokenised(tokenizer, texts):
        if 0 < len(block) < size:
            block.append(tokenizer.sep_token_id)
            starts.append(True)
        for word in document:
            word = word[:size]
            if len(block) + len(word) > size:
                yield block, starts
                block, starts = [], []
            block += word
            starts += [True] + [False] * (len(word) - 1)
    if block:
        yield block, starts


def load_blocks(path: str) -> Dataset:
    """The dataset that `run` wrote.

    Raises:
        CharBertError: it is none, or it is empty.
    """
    try:
        dataset = load_from_disk(path)
    except (OSError, ValueError) as error:
        raise CharBertError(f"{path}: no dataset there; `python -m data tokenize` makes one") from error
    if not isinstance(dataset, Dataset) or set(FEATURES) - set(dataset.column_names):
        raise CharBertError(f"{path}: not a dataset of `python -m data tokenize`")
    if not len(dataset):
        raise CharBertError(f"{path}: the dataset is empty")
    return dataset


def _tokenised(tokenizer: CharBertTokenizer, texts: Iterator[str]) -> Iterator[list[list[int]]]:
    """The words of each document, each a list of token ids."""
    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.no_truncation()  # a tokenizer.json may have been saved with either
    backend.no_padding()
    batch: list[str] = []

    def encoded() -> Iterator[list[list[int]]]:
        for encoding in backend.encode_batch(batch, add_special_tokens=False):
            words: list[list[int]] = []
            previous: int | None = None
            for token_id, word_id in zip(encoding.ids, encoding.word_ids, strict=True):
                if word_id != previous or not words:
                    words.append([])
                words[-1].append(token_id)
                previous = word_id
            yield words

    for text in texts:
        batch.append(text)
        if len(batch) == DOCUMENTS_AT_ONCE:
            yield from encoded()
            batch = []
    yield from encoded()


def _counted(texts: Iterator[str], count: dict[str, int]) -> Iterator[str]:
    for text in tqdm(texts, desc="tokenize", unit=" documents"):
        count["documents"] += 1
        yield text
