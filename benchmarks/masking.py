"""`python -m benchmarks masking`: shares of masks and noise in a text, and how well blocks fit into examples.

Blocks are packed, masked and noised as for training. Choose the block size by the last rows: what noise makes
longer than an example is cut, what stays shorter is padding.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from benchmarks.frame import BenchmarkSettings, Report
from charbert.commands.paths import DATA
from charbert.commands.settings import REQUIRED, option, positional
from charbert.errors import CharBertError
from charbert.noise import EDITS, PRETRAINING_EDITS, SHORTEST_EDITED
from charbert.ragged import Array, Ragged
from charbert.randomness import derive_keys
from charbert.tokenization import CharBertTokenizer
from data.corpus.sources import batches, read_all
from data.pretraining.blocks import TokenBlocks, join_blocks
from data.pretraining.packing import SPECIAL_TOKENS, Packer
from data.pretraining.tokenize import CHARACTERS_AT_ONCE
from data.pretraining.words import WordPieces
from pretrain.masking import Masking, MaskingSettings, is_noisable
from pretrain.noise_schedule import Noise


@dataclass(kw_only=True)
class MaskingSharesSettings(BenchmarkSettings):
    text: list[str] = positional("any text that `python -m data` reads", DATA)
    tokenizer: str = option(REQUIRED, "tokenizer folder")
    block_size: int = option(328, "tokens of a block")
    max_length: int = option(384, "tokens of an example", minimum=SPECIAL_TOKENS + 1)
    noise: float = option(0.15, "share of words that get a typo", minimum=0, maximum=1)
    edits: list[str] = option(list(PRETRAINING_EDITS), "kinds of typos", choices=EDITS)
    documents: int | None = option(None, "read the first so many alone", minimum=1)


def run(given: MaskingSharesSettings) -> None:
    """Count the examples made of a text."""
    report = Report(given, f"{', '.join(given.text)} with {given.tokenizer}")
    tokenizer = CharBertTokenizer.from_pretrained(given.tokenizer)
    if not len(tokenizer.words or ()):
        raise CharBertError(f"{given.tokenizer}: has no words.txt; `python -m data vocabulary` makes one")
    packer, pieces = Packer(tokenizer, given.block_size), WordPieces(tokenizer)
    # One that cuts nothing, for a token can become as many as it has characters; one as in training.
    whole_masking = _RecordingMasking(tokenizer, tokenizer.words, MaskingSettings(max_length=1 << 20))
    masking = Masking(tokenizer, tokenizer.words, MaskingSettings(max_length=given.max_length))
    noise = Noise(given.noise, tuple(given.edits))
    counts: Counter[str] = Counter()
    for documents in batches(islice(read_all(given.text), given.documents), CHARACTERS_AT_ONCE):
        blocks = join_blocks(packer.blocks([document.text for document in documents]))
        keys = derive_keys(counts["blocks"], np.arange(len(blocks.row_offsets) - 1))
        whole, cut = whole_masking(blocks, keys, noise), masking(blocks, keys, noise)
        shown, hidden = cut.input_ids[cut.hidden], cut.labels[cut.hidden]
        counts["blocks"] += len(keys)
        counts["clean"] += len(blocks.token_ids) + SPECIAL_TOKENS * len(keys)
        counts["whole"] += int(whole.attention_mask.sum())
        counts["tokens"] += int(cut.attention_mask.sum())
        counts["masked"] += len(hidden)
        counts["as mask"] += int((shown == tokenizer.mask_token_id).sum())
        counts["as they were"] += int((shown == hidden).sum())
        counts["words"] += _count_noisable(blocks, pieces)
        counts.update(_find_edit(before, after) for before, after in whole_masking.edited)
        whole_masking.edited.clear()
    longer = sum(counts[edit] for edit in EDITS)
    noised = longer + counts["short"]
    as_another = counts["masked"] - counts["as mask"] - counts["as they were"]
    room = given.max_length * counts["blocks"]
    shares = {
        "noised, % of the words with a letter": (noised, counts["words"]),
        "  of fewer than four characters, % of the noised": (counts["short"], noised),
        **{f"  {edit}, % of the longer noised": (counts[edit], longer) for edit in EDITS},
        "masked, % of the tokens": (counts["masked"], counts["tokens"]),
        "  shown as the mask, % of the masked": (counts["as mask"], counts["masked"]),
        "  shown as another token": (as_another, counts["masked"]),
        "  shown as they were": (counts["as they were"], counts["masked"]),
        "blocks filled, %": (counts["clean"], given.block_size * counts["blocks"]),
        "longer by noise, %": (counts["whole"] - counts["clean"], counts["clean"]),
        "cut, % of the tokens": (counts["whole"] - counts["tokens"], counts["whole"]),
        "padding, % of the places": (room - counts["tokens"], room),
    }
    numbers: dict[str, float] = {"tokens": counts["tokens"], "words with a letter": counts["words"]}
    numbers |= {name: round(100 * part / max(all_, 1), 2) for name, (part, all_) in shares.items()}
    report.add("shares", *({"": name, "number": number} for name, number in numbers.items()))


class _RecordingMasking(Masking):
    """Remembers the words that it noised, before and after."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.edited: list[tuple[str, str]] = []

    def _add_noise(self, words: Ragged, keys: Array, noise: Noise) -> tuple[Array, Ragged, Array]:
        drawn, pieces, labels = super()._add_noise(words, keys, noise)
        self.edited += zip(self._pieces.texts(words.take(drawn)), self._pieces.texts(pieces), strict=True)
        return drawn, pieces, labels


def _count_noisable(blocks: TokenBlocks, pieces: WordPieces) -> int:
    words = Ragged(blocks.token_ids, blocks.word_offsets)
    unreadable = np.add.reduceat(~pieces.is_readable[words.values], words.offsets[:-1])
    return sum(map(is_noisable, pieces.texts(words.take(np.flatnonzero(unreadable == 0)))))


def _find_edit(before: str, after: str) -> str:
    if len(before) < SHORTEST_EDITED:
        return "short"
    if len(before) != len(after):
        return "drop" if len(after) < len(before) else "add"
    return "swap" if sorted(before) == sorted(after) else "keyboard"
