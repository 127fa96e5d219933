"""What a word recogniser learns from: words of blocks, some with a typo, and what they are."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch

from charbert import CharBertTokenizer, WordRecognizerConfig
from charbert.noise import EDITS
from charbert.vocabulary import Vocabulary
from data.__main__ import main as data_main
from data.pretraining.blocks import Blocks
from pretrain.collator import Batch, BatchKey
from pretrain.noise_schedule import Noise
from pretrain.recognizer.batches import RecognizerBatches, known_words

KNOWN = ("the", "quick", "fox", "lazy", "#", ",", ".", "word")
TEXT = "the quick fox, # brown dogs. the lazy word"
NAMES = ("letter_ids", "word_starts", "sentence_lengths", "labels", "changed")


@pytest.fixture(scope="module", params=tiny.KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer, and blocks of several documents, each of them `TEXT`."""
    return with_blocks(tmp_path_factory.mktemp(request.param), request.param, TEXT)


def with_blocks(folder: Path, kind: str, text: str) -> Path:
    tokenizer = tiny.tokenizer(kind, words=Vocabulary([*KNOWN, "<unk>"]))
    tokenizer.save_pretrained(folder / "tokenizer")
    (folder / "text.txt").write_text("\n\n".join([text] * 40), encoding="utf-8")
    places = ["--tokenizer", str(folder / "tokenizer"), "--output", str(folder / "blocks")]
    data_main(["tokenize", str(folder / "text.txt"), *places, "--block-size", "120"])
    return folder


def batches(folder: Path, probability: float = 0.0, seed: int = 0) -> RecognizerBatches:
    tokenizer = CharBertTokenizer.from_pretrained(folder / "tokenizer")
    config = WordRecognizerConfig(**known_words(tokenizer.words))
    return RecognizerBatches(
        Blocks(folder / "blocks"), tokenizer, config, Noise(probability, tuple(EDITS)), seed
    )


def words_of(batch: Batch) -> list[tuple[str, str, str]]:
    """Each word's first letter, those inside in the order of the alphabet, and its last; `?` for unknown."""
    characters = sorted(set("".join(KNOWN)))
    size = len(characters) + 1
    bounds = [*batch["word_starts"].tolist(), len(batch["letter_ids"])]
    words = []
    for start, end in pairwise(bounds):
        places: list[list[str]] = [[], [], []]
        for number in batch["letter_ids"][start:end].tolist():
            place, letter = divmod(number, size)
            places[place].append([*characters, "?"][letter])
        first, inside, last = ("".join(sorted(letters)) for letters in places)
        words.append((first, inside, last))
    return words


def test_only_words_of_letters_are_recognised_but_all_characters_seen() -> None:
    known = known_words(Vocabulary(["the", ",", "1990s", "the", "été", "<unk>"]))
    assert known["words"] == ["the", "été", "<unk>"]
    assert known["characters"] == ",019ehst" + "é"


def test_words_have_their_ids_in_sentences_that_end_with_a_mark_or_a_document(folder: Path) -> None:
    batch = batches(folder)[BatchKey(0, np.array([0]))]
    assert set(batch) == set(NAMES)
    assert batch["sentence_lengths"][:4].tolist() == [8, 3, 8, 3]
    assert words_of(batch)[:8] == [
        ("t", "h", "e"),
        ("q", "ciu", "k"),
        ("f", "o", "x"),
        (",", "", ","),
        ("#", "", "#"),
        ("?", "orw", "?"),
        ("d", "?o", "?"),
        (".", "", "."),
    ]
    # the quick fox lazy word <unk>
    assert batch["labels"][:11].tolist() == [0, 1, 2, -100, -100, 5, 5, -100, 0, 3, 4]
    assert len(batch["labels"]) == len(batch["word_starts"]) == batch["sentence_lengths"].sum()


def test_a_word_that_the_tokenizer_does_not_know_ends_a_sentence(tmp_path: Path) -> None:
    folder = with_blocks(tmp_path, "bert", "the quick ☃ lazy word fox")
    batch = batches(folder)[BatchKey(0, np.array([0]))]
    assert batch["sentence_lengths"][:4].tolist() == [2, 3, 2, 3]
    assert batch["labels"][:5].tolist() == [0, 1, 3, 4, 2]


def test_without_noise_no_word_is_changed(folder: Path) -> None:
    assert not batches(folder)[BatchKey(0, np.array([0, 1]))]["changed"].any()


def test_all_words_of_four_letters_or_more_can_get_a_typo_and_no_others(folder: Path) -> None:
    key = BatchKey(0, np.array([0, 1]))
    clean, noised = batches(folder)[key], batches(folder, 1.0)[key]
    lengths = np.diff([*clean["word_starts"].tolist(), len(clean["letter_ids"])])
    assert (noised["changed"].numpy() == (lengths >= 4)).all()
    assert torch.equal(noised["labels"], clean["labels"])
    pairs = list(zip(words_of(clean), words_of(noised), lengths, strict=True))
    assert all(new == old for old, new, length in pairs if length < 4)
    assert any(new != old for old, new, length in pairs if length >= 4)


def test_a_share_of_them_gets_one(folder: Path) -> None:
    key = BatchKey(0, np.array([0, 1]))
    most = batches(folder, 1.0)[key]["changed"].sum()
    assert 0.3 < batches(folder, 0.5)[key]["changed"].sum() / most < 0.7


def test_the_typos_of_a_block_depend_on_nothing_beside_it(folder: Path) -> None:
    made = batches(folder, 0.5)
    together, first, second = (made[BatchKey(3, np.array(rows))] for rows in ([1, 0], [1], [0]))
    assert words_of(together) == words_of(first) + words_of(second)
    for name in ("sentence_lengths", "labels", "changed"):
        assert torch.equal(together[name], torch.cat([first[name], second[name]]))


def test_other_epochs_and_seeds_have_other_typos(folder: Path) -> None:
    rows = np.array([0, 1])
    usual = words_of(batches(folder, 0.5)[BatchKey(0, rows)])
    assert usual == words_of(batches(folder, 0.5)[BatchKey(0, rows)])
    assert usual != words_of(batches(folder, 0.5)[BatchKey(1, rows)])
    assert usual != words_of(batches(folder, 0.5, seed=1)[BatchKey(0, rows)])
