"""`python -m data tokenize`: text -> blocks of tokens, in files that training maps into memory."""

import time
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from charbert.commands.output import output_folder
from charbert.commands.progress import progress_bar
from charbert.commands.results import format_numbers
from charbert.errors import CharBertError
from charbert.tokenization import CharBertTokenizer
from data.corpus.jobs import ShardedJob
from data.corpus.sources import batches, identities, known_length, read_all
from data.pretraining.blocks import fingerprint, join_blocks, make_table
from data.pretraining.packing import Packer
from data.settings import TokenizeSettings

CHARACTERS_AT_ONCE = 2_000_000
_TOKENS_PER_FILE = 32_000_000


def run(settings: TokenizeSettings) -> None:
    """Tokenise the text, and print the number of blocks, tokens and documents.

    A run that was stopped goes on after its last complete file.
    """
    tokenizer = CharBertTokenizer.from_pretrained(settings.tokenizer)
    packer = Packer(tokenizer, settings.block_size)
    job_settings = {
        "text": identities(settings.text),
        "tokenizer": fingerprint(tokenizer),
        "block_size": settings.block_size,
    }
    with output_folder(settings, goes_on=True) as output:
        job = ShardedJob(output, "blocks", job_settings, settings.overwrite)
        numbers = _fill_folder(settings, tokenizer, packer, job)
    print(format_numbers(numbers))


def _fill_folder(
    settings: TokenizeSettings, tokenizer: CharBertTokenizer, packer: Packer, job: ShardedJob
) -> dict[str, Any]:
    started = time.monotonic()
    if job.results is not None:
        return job.results
    done = job.cursor["documents"] if job.cursor else 0
    counts = {name: job.counts[name] for name in ("blocks", "tokens", "documents")}
    tables: list[pa.Table] = []

    def write() -> None:
        # One batch a file: however large the corpus, training has few to open.
        job.write(pa.concat_tables(tables).combine_chunks(), {"documents": counts["documents"]}, counts)
        tables.clear()

    total = known_length(settings.text)
    with progress_bar(desc="tokenize", unit=" documents", initial=done, total=total) as bar:
        # What is packed together; so a run that goes on packs as one never stopped.
        for documents in batches(read_all(settings.text, start=done), CHARACTERS_AT_ONCE):
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
        raise CharBertError(f"{', '.join(settings.text)}: no text to tokenise")
    numbers = {**counts, "seconds": time.monotonic() - started}
    job.finish(numbers, asdict(settings))
    return numbers
