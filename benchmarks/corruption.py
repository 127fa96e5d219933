"""Masking and noise of a text: their shares and speed, and how well blocks fit into examples.

    python benchmarks/corruption.py TEXT... --tokenizer DIR [--block-size N] [--max-length N] [--json FILE]

Blocks are packed and corrupted as for training. Choose the block size by the last rows: what noise makes
longer than an example is cut, what stays shorter is padding.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.frame import BenchmarkSettings, parse_benchmark, table, write_json
from charbert.commands.settings import REQUIRED, option, positional
from charbert.errors import CharBertError, run_command
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
class CorruptionSettings(BenchmarkSettings):
    text: list[str] = positional("any text that `python -m data` reads")
    tokenizer: str = option(REQUIRED, "tokenizer folder")
    block_size: int = option(328, "tokens of a block")
    max_length: int = option(384, "tokens of an example", minimum=SPECIAL_TOKENS + 1)
    noise: float = option(0.15, "share of words that get a typo", minimum=0, maximum=1)
    edits: list[str] = option(list(PRETRAINING_EDITS), "kinds of typos", choices=EDITS)
    documents: int | None = option(None, "read the first so many alone", minimum=1)


def main(arguments: Sequence[str]) -> None:
    given = parse_benchmark(CorruptionSettings, arguments, __file__, __doc__)
    tokenizer = CharBertTokenizer.from_pretrained(given.tokenizer)
    if not len(tokenizer.words or ()):
        raise CharBertError(f"{given.tokenizer}: has no words.txt; `python -m data vocabulary` makes one")
    counted = _Counted(tokenizer, given.block_size, given.max_length)
    noise = Noise(given.noise, tuple(given.edits))
    for documents in batches(islice(read_all(given.text), given.documents), CHARACTERS_AT_ONCE):
        counted.add([document.text for document in documents], noise)
    numbers = counted.numbers()
    rows = [("", ""), *((name, _shown(number)) for name, number in numbers.items())]
    print(table(rows))
    write_json(given.json, numbers)


class _Counted:
    """What was counted in the examples of some texts."""

    def __init__(self, tokenizer: CharBertTokenizer, block_size: int, max_length: int) -> None:
        self._tokenizer = tokenizer
        self._room = (block_size, max_length)
        self._packer = Packer(tokenizer, block_size)
        self._pieces = WordPieces(tokenizer)
        # A token can become as many as it has characters.
        self._whole = _Watched(tokenizer, tokenizer.words, MaskingSettings(max_length=1 << 20))
        self._cut = Masking(tokenizer, tokenizer.words, MaskingSettings(max_length=max_length))
        self._counts: Counter[str] = Counter()

    def add(self, texts: Sequence[str], noise: Noise) -> None:
        """Corrupt the texts."""
        blocks = join_blocks(self._packer.blocks(texts))
        keys = derive_keys(self._counts["blocks"], np.arange(len(blocks.row_offsets) - 1))
        whole, cut = (corruption(blocks, keys, noise) for corruption in (self._whole, self._cut))
        hidden = cut.hidden
        shown_mask = cut.input_ids[hidden] == self._tokenizer.mask_token_id
        counts = {
            "blocks": len(keys),
            "clean tokens": len(blocks.token_ids) + SPECIAL_TOKENS * len(keys),
            "tokens": int(whole.attention_mask.sum()),
            "tokens that fit": int(cut.attention_mask.sum()),
            "masked": int(hidden.sum()),
            "shown as the mask": int(shown_mask.sum()),
            "shown as they were": int((cut.input_ids[hidden] == cut.labels[hidden]).sum()),
            "words with a letter": self._words_with_a_letter(blocks),
        }
        self._counts.update(counts)
        for before, after in self._whole.edited:
            self._counts["noised"] += 1
            self._counts[_kind(before, after) if len(before) >= SHORTEST_EDITED else "short"] += 1
        self._whole.edited.clear()

    def numbers(self) -> dict[str, float]:
        """The shares, in percent where the name says so."""
        counts = self._counts
        block_size, max_length = self._room
        long = max(sum(counts[edit] for edit in EDITS), 1)

        def percent(part: float, whole: float) -> float:
            return round(100 * part / max(whole, 1), 2)

        shown = counts["shown as the mask"], counts["shown as they were"]
        return {
            "tokens": counts["tokens that fit"],
            "words with a letter": counts["words with a letter"],
            "noised, % of the words with a letter": percent(counts["noised"], counts["words with a letter"]),
            "  of fewer than four characters, % of the noised": percent(counts["short"], counts["noised"]),
            **{f"  {edit}, % of the longer noised": percent(counts[edit], long) for edit in EDITS},
            "masked, % of the tokens": percent(counts["masked"], counts["tokens that fit"]),
            "  shown as the mask, % of the masked": percent(shown[0], counts["masked"]),
            "  shown as another token": percent(counts["masked"] - sum(shown), counts["masked"]),
            "  shown as they were": percent(shown[1], counts["masked"]),
            "blocks filled, %": percent(counts["clean tokens"], block_size * counts["blocks"]),
            "longer by noise, %": percent(counts["tokens"] - counts["clean tokens"], counts["clean tokens"]),
            "cut, % of the tokens": percent(counts["tokens"] - counts["tokens that fit"], counts["tokens"]),
            "padding, % of the places": percent(
                max_length * counts["blocks"] - counts["tokens that fit"], max_length * counts["blocks"]
            ),
        }

    def _words_with_a_letter(self, blocks: TokenBlocks) -> int:
        words = Ragged(blocks.token_ids, blocks.word_offsets)
        unreadable = np.add.reduceat(~self._pieces.is_readable[words.values], words.offsets[:-1])
        return sum(map(is_noisable, self._pieces.texts(words.take(np.flatnonzero(unreadable == 0)))))


class _Watched(Masking):
    """Remembers the words that it noised, before and after."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.edited: list[tuple[str, str]] = []

    def _add_noise(self, words: Ragged, keys: Array, noise: Noise) -> tuple[Array, Ragged, Array]:
        drawn, pieces, labels = super()._add_noise(words, keys, noise)
        self.edited += zip(self._pieces.texts(words.take(drawn)), self._pieces.texts(pieces), strict=True)
        return drawn, pieces, labels


def _kind(before: str, after: str) -> str:
    if len(before) != len(after):
        return "drop" if len(after) < len(before) else "add"
    return "swap" if sorted(before) == sorted(after) else "keyboard"


def _shown(number: float) -> str:
    return f"{number:.2f}" if isinstance(number, float) else f"{number:,}"


if __name__ == "__main__":
    sys.exit(run_command(main))
