"""`python -m data tokenize`: text -> blocks of tokens, in files that training maps into memory."""

import argparse
import time
from typing import Any

import pyarrow as pa

from charbert.commands.progress import progress_bar
from charbert.errors import CharBertError
from charbert.tokenization import CharBertTokenizer
from data.corpus.jobs import ShardedJob
from data.corpus.sources import HELP, batches, identities, known_length, read_all
from data.pretraining.blocks import fingerprint, join_blocks, make_table
from data.pretraining.packing import Packer

CHARACTERS_AT_ONCE = 2_000_000
_TOKENS_PER_FILE = 32_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT", nargs="+", help=HELP)
    parser.add_argument("--tokenizer", required=True, metavar="DIR", help="tokenizer folder of `vocabulary`")
    parser.add_argument("--out", required=True, metavar="DIR", help="dataset folder to write")
    parser.add_argument(
        "--block-size",
        type=int,
        default=328,
        help="tokens of a block with its two special tokens, before noise makes it about a sixth longer "
        "(default: %(default)s, for examples of 384)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the dataset that DIR holds")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Tokenise the text and return the number of blocks, tokens and documents.

    A run that was stopped goes on behind its last complete file.
    """
    started = time.monotonic()
    tokenizer = CharBertTokenizer.from_pretrained(arguments.tokenizer)
    packer = Packer(tokenizer, arguments.block_size)
    settings = {
        "text": identities(arguments.text),
        "tokenizer": fingerprint(tokenizer),
        "block_size": arguments.block_size,
    }
    job = ShardedJob(arguments.out, "blocks", settings, arguments.overwrite)
    if job.results is not None:
        return job.results
    done = job.cursor["documents"] if job.cursor else 0
    counts = {name: job.counts[name] for name in ("blocks", "tokens", "documents")}
    tables: list[pa.Table] = []

    def write() -> None:
        # One batch a file: however large the corpus, training has few to open.
        job.write(pa.concat_tables(tables).combine_chunks(), {"documents": counts["documents"]}, counts)
        tables.clear()

    total = known_length(arguments.text)
    with progress_bar(desc="tokenize", unit=" documents", initial=done, total=total) as bar:
        # What is packed together; so a run that goes on packs as one never stopped.
        for documents in batches(read_all(arguments.text, start=done), CHARACTERS_AT_ONCE):
            blocks = join_blocks(packer.blocks([document.text for document in documents]))
            tables.append(make_table(blocks, len(tokenizer)))
            counts["blocks"] += len(blocks.row_offsets) - 1
            counts["tokens"] += len(blocks.token_ids)
            counts["documents"] += len(documents)
            bar.update(len(documents))
            if counts["tokens"] - job.counts["tokens"] >= _TOKENS_PER_FILE:
                write()
    if tables:
        write()
    if not counts["blocks"]:
        raise CharBertError(f"{', '.join(arguments.text)}: no text to tokenise")
    numbers = {**counts, "seconds": time.monotonic() - started}
    job.finish(numbers, vars(arguments))
    return numbers
