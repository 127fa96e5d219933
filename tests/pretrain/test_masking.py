from collections import Counter
from typing import Any

import numpy as np
import pytest
import tiny

from charbert.losses import IGNORED
from charbert.noise import PRETRAINING_EDITS
from charbert.randomness import derive_keys
from charbert.vocabulary import Vocabulary
from data.pretraining.blocks import TokenBlocks, join_blocks
from data.pretraining.packing import Packer
from pretrain.masking import MaskedBatch, Masking, MaskingSettings
from pretrain.noise_schedule import Noise

WORDS = Vocabulary(["the", "quick", "brown", "fox", "over", "lazy", "dog", "token", "word", "<unk>"])
LONG_TEXT = " ".join(tiny.SENTENCES) + " "
KEYS = derive_keys(0, np.arange(100))


def blocks_of(kind: str, texts: list[str], block_size: int = 20_000) -> TokenBlocks:
    return join_blocks(
        [block for text in texts for block in Packer(tiny.tokenizer(kind), block_size).blocks([text])]
    )


def corrupt(
    kind: str,
    texts: list[str],
    key: int = 0,
    noise: float = 0,
    edits: Any = PRETRAINING_EDITS,
    **settings: Any,
) -> MaskedBatch:
    corruption = Masking(tiny.tokenizer(kind), WORDS, MaskingSettings(**{"max_length": 100_000, **settings}))
    blocks = blocks_of(kind, texts)
    keys = derive_keys(key, np.arange(len(blocks.row_offsets) - 1))
    return corruption(blocks, keys, Noise(noise, tuple(edits)))


def examples(batch: MaskedBatch) -> list[tuple[list[int], ...]]:
    """Each example without its padding."""
    lengths = batch.attention_mask.sum(axis=1)
    fields = (batch.input_ids, batch.labels, batch.nlm_labels, batch.hidden)
    return [tuple(field[row, :length].tolist() for field in fields) for row, length in enumerate(lengths)]


def words_of(kind: str, ids: list[int]) -> list[str]:
    """The words of an example, which stand apart in the texts here."""
    decoded = tiny.tokenizer(kind).decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return decoded.split()


def test_nothing_to_do_leaves_the_text(kind: str) -> None:
    tokenizer = tiny.tokenizer(kind)
    texts = [LONG_TEXT, tiny.SENTENCES[0]]
    for text, example in zip(texts, examples(corrupt(kind, texts, mlm_probability=0)), strict=True):
        ids, labels, nlm_labels, hidden = example
        clean = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert ids == [tokenizer.cls_token_id, *clean, tokenizer.sep_token_id]
        assert set(labels) == set(nlm_labels) == {IGNORED}
        assert not any(hidden)


def test_a_batch_is_padded_to_a_multiple_of_eight(kind: str) -> None:
    tokenizer = tiny.tokenizer(kind)
    batch = corrupt(kind, [LONG_TEXT, "the dog"])
    assert batch.input_ids.shape[1] % 8 == 0
    length = int(batch.attention_mask[1].sum())
    assert batch.attention_mask[1].tolist() == [1] * length + [0] * (batch.input_ids.shape[1] - length)
    assert set(batch.input_ids[1, length:].tolist()) == {tokenizer.pad_token_id}


def test_a_mask_shows_neither_token_nor_characters(kind: str) -> None:
    tokenizer = tiny.tokenizer(kind)
    [(ids, labels, _, hidden)] = examples(corrupt(kind, [LONG_TEXT * 20], mlm_probability=0.5))
    [(clean, *_)] = examples(corrupt(kind, [LONG_TEXT * 20], mlm_probability=0))
    assert [label != IGNORED for label in labels] == hidden
    assert all(label in (IGNORED, original) for label, original in zip(labels, clean, strict=True))
    masked = [token for token, is_hidden in zip(ids, hidden, strict=True) if is_hidden]
    assert masked.count(tokenizer.mask_token_id) / len(masked) == pytest.approx(0.8, abs=0.04)


def test_words_are_masked_whole(kind: str) -> None:
    blocks = blocks_of(kind, [LONG_TEXT * 10])
    [(_, _, _, hidden)] = examples(corrupt(kind, [LONG_TEXT * 10], mlm_probability=0.3))
    words = np.split(np.array(hidden[1:-1]), blocks.word_offsets[1:-1])
    assert all(word.all() or not word.any() for word in words)


def test_the_share_of_masked_tokens_is_the_one_asked_for(kind: str) -> None:
    batch = corrupt(kind, [LONG_TEXT * 20] * 20, noise=0.15, mlm_probability=0.10)
    assert batch.hidden.sum() / batch.attention_mask.sum() == pytest.approx(0.10, abs=0.01)


def test_the_share_of_noised_words_is_the_one_asked_for(kind: str) -> None:
    text = " ".join(WORDS.entries[:-1]) + " "
    batch = corrupt(kind, [(text * 50).strip()] * 20, noise=0.15, mlm_probability=0)
    pairs = [
        pair
        for ids, *_ in examples(batch)
        for pair in zip(words_of(kind, ids), text.split() * 50, strict=True)
    ]
    assert sum(ours != theirs for ours, theirs in pairs) / (9 * 50 * 20) == pytest.approx(0.15, abs=0.01)


def test_every_piece_of_a_noised_word_predicts_the_word(kind: str) -> None:
    tokenizer = tiny.tokenizer(kind)
    [(ids, _, labels, _)] = examples(corrupt(kind, [" quick"], noise=1, mlm_probability=0))
    assert labels == [IGNORED, *[WORDS.id("quick")] * (len(ids) - 2), IGNORED]
    assert tokenizer.decode(ids, skip_special_tokens=True).strip() != "quick"


def test_the_word_to_restore_is_lower_cased() -> None:
    [(_, _, labels, _)] = examples(corrupt("roberta", ["Quick"], noise=1, mlm_probability=0))
    assert set(labels[1:-1]) == {WORDS.id("quick")}


def test_a_word_outside_the_vocabulary_is_noised_without_a_label(kind: str) -> None:
    [(clean, *_)] = examples(corrupt(kind, ["jumping"], mlm_probability=0))
    [(ids, _, labels, _)] = examples(corrupt(kind, ["jumping"], noise=1, mlm_probability=0))
    assert ids != clean
    assert set(labels) == {IGNORED}


def test_a_word_outside_the_vocabulary_can_be_labelled_unknown(kind: str) -> None:
    batch = corrupt(kind, ["jumping"], noise=1, mlm_probability=0, label_unknown_words=True)
    [(_, _, labels, _)] = examples(batch)
    assert set(labels[1:-1]) == {WORDS.unknown_id}


def test_what_has_no_letter_gets_no_noise(kind: str) -> None:
    text = "# . ### ."
    clean = corrupt(kind, [text], mlm_probability=0)
    assert corrupt(kind, [text], noise=1, mlm_probability=0).input_ids.tolist() == clean.input_ids.tolist()


def test_words_without_noise_keep_their_pieces(kind: str) -> None:
    text = " ".join(tiny.SENTENCES[:2] * 5).replace(" .", "")
    blocks = blocks_of(kind, [text])
    clean = np.split(blocks.token_ids, blocks.word_offsets[1:-1])
    [(ids, *_)] = examples(corrupt(kind, [text], noise=0.3, mlm_probability=0))
    pairs = list(zip(words_of(kind, ids), text.split(), strict=True))
    kept = [word.tolist() for word, (ours, theirs) in zip(clean, pairs, strict=True) if ours == theirs]
    assert 0.5 < len(kept) / len(clean) < 0.95
    place = 0
    for word in kept:
        place = next(at for at in range(place, len(ids)) if ids[at : at + len(word)] == word) + len(word)


def test_the_space_before_a_word_outlives_its_noise() -> None:
    tokenizer = tiny.tokenizer("roberta")
    [(ids, *_)] = examples(corrupt("roberta", ["the quick dog"], noise=1, mlm_probability=0))
    assert len(tokenizer.decode(ids, skip_special_tokens=True).split(" ")) == 3


def test_a_noised_word_is_never_masked(kind: str) -> None:
    batch = corrupt(kind, [LONG_TEXT * 10], noise=0.5, mlm_probability=1)
    assert ((batch.labels == IGNORED) | (batch.nlm_labels == IGNORED)).all()


def test_special_tokens_are_never_masked(kind: str) -> None:
    tokenizer = tiny.tokenizer(kind)
    ids = np.array([tokenizer.sep_token_id, tokenizer.unk_token_id])
    blocks = TokenBlocks(ids, np.array([0, 1, 2]), np.array([0, 2]))
    corruption = Masking(tokenizer, WORDS, MaskingSettings(mlm_probability=1))
    assert corruption(blocks, KEYS[:1], Noise(1.0)).input_ids[0, 1:3].tolist() == ids.tolist()


def test_a_long_example_is_cut_between_words(kind: str) -> None:
    text = " ".join(tiny.SENTENCES[:2]).replace(" .", "")
    [(whole, *_)] = examples(corrupt(kind, [text], noise=1, mlm_probability=0))
    [(ids, *_)] = examples(corrupt(kind, [text], noise=1, mlm_probability=0, max_length=21))
    assert 12 <= len(ids) <= 21
    assert words_of(kind, ids) == words_of(kind, whole)[: len(words_of(kind, ids))]


@pytest.mark.parametrize("noise", (0, 1))
def test_a_word_longer_than_an_example_is_cut_itself(kind: str, noise: float) -> None:
    [(ids, *_)] = examples(corrupt(kind, ["jumping" * 8 + " dog"], noise=noise, max_length=10))
    assert len(ids) == 10


def test_a_word_that_noise_makes_unknown_stays_as_it_is() -> None:
    text = "j" * 100  # the longest that WordPiece takes for a word
    [(ids, *_)] = examples(corrupt("bert", [text], noise=1, edits=("add",), mlm_probability=0))
    assert tiny.tokenizer("bert").decode(ids, skip_special_tokens=True) == text


def test_an_example_is_the_same_alone_and_among_others(kind: str) -> None:
    blocks = blocks_of(kind, [LONG_TEXT, *tiny.SENTENCES])
    corruption = Masking(tiny.tokenizer(kind), WORDS, MaskingSettings(max_length=60))
    together = examples(corruption(blocks, KEYS[:4], Noise(0.3)))
    for row in range(4):
        first, last = blocks.row_offsets[row : row + 2]
        offsets = blocks.word_offsets[first : last + 1]
        ids = blocks.token_ids[offsets[0] : offsets[-1]]
        alone = TokenBlocks(ids, offsets - offsets[0], np.array([0, last - first]))
        assert examples(corruption(alone, KEYS[row : row + 1], Noise(0.3))) == [together[row]]


def test_other_keys_give_other_examples(kind: str) -> None:
    assert examples(corrupt(kind, [LONG_TEXT], key=3, noise=0.3)) == examples(
        corrupt(kind, [LONG_TEXT], key=3, noise=0.3)
    )
    assert examples(corrupt(kind, [LONG_TEXT], key=3, noise=0.3)) != examples(
        corrupt(kind, [LONG_TEXT], key=4, noise=0.3)
    )


def test_kinds_of_noise_are_drawn_evenly() -> None:
    tokenizer = tiny.tokenizer("bert")
    batch = corrupt("bert", ["abcdefgh " * 400] * 10, noise=1, mlm_probability=0)
    lengths = Counter(
        len(word)
        for row in batch.input_ids
        for word in tokenizer.decode(row, skip_special_tokens=True).split()
    )
    shares = [lengths[length] / lengths.total() for length in (7, 8, 9)]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.03)


@pytest.mark.parametrize(
    ("noises", "word", "forms", "share"),
    (
        ("natural", "quick", {"quik"}, 1),
        ("natural", "lazy", {"lazy"}, 1),  # which no list has, and there is no other noise
        ("natural add", "lazy", set(), 0),
        ("natural natural add", "quick", {"quik"}, 2 / 3),
        ("ocr", "quick", {"guick", "qnick", "qiiick", "qujck", "qulck", "quiek"}, 1),
        ("space", "lazy", {"l azy", "la zy", "laz y"}, 1),
    ),
)
def test_other_kinds_of_noise_change_words(
    kind: str, noises: str, word: str, forms: set[str], share: float
) -> None:
    tokenizer = tiny.tokenizer(kind)
    masking = Masking(tokenizer, WORDS, MaskingSettings(mlm_probability=0), {"quick": ["quik"]})
    batch = masking(blocks_of(kind, [f" {word}"] * 100), KEYS, Noise(1.0, tuple(noises.split())))
    rows = [row[mask == 1] for row, mask in zip(batch.input_ids, batch.attention_mask, strict=True)]
    found = Counter(tokenizer.decode(row, skip_special_tokens=True).strip() for row in rows)
    assert sum(found[form] for form in forms) == pytest.approx(100 * share, abs=15 if share % 1 else 0)
    label = IGNORED if found[word] else WORDS.id(word)
    assert all(
        set(labels[1 : len(row) - 1]) == {label} for labels, row in zip(batch.nlm_labels, rows, strict=True)
    )


def test_a_share_of_the_clean_words_is_named_too() -> None:
    text = " ".join(["the quick brown fox jumping # over"] * 200)
    masking = Masking(tiny.tokenizer("bert"), WORDS, MaskingSettings(mlm_probability=0.2, max_length=100_000))
    blocks = blocks_of("bert", [text])
    without, batch = (masking(blocks, KEYS[:1], Noise(0.2, labelled=share)) for share in (0, 0.3))
    assert np.array_equal(batch.input_ids, without.input_ids)
    assert np.array_equal(batch.labels, without.labels)
    added = (batch.nlm_labels != IGNORED) & (without.nlm_labels == IGNORED)
    assert not batch.hidden[added].any()
    own = {tiny.tokenizer("bert").convert_tokens_to_ids(word): WORDS.id(word) for word in WORDS.entries[:5]}
    assert [own[token] for token in batch.input_ids[added]] == batch.nlm_labels[added].tolist()
    free = (without.nlm_labels == IGNORED) & ~batch.hidden & np.isin(batch.input_ids, list(own))
    assert added.sum() / free.sum() == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("clean", ("unmasked", "all"))
def test_tokens_are_found_in_the_clean_text(kind: str, clean: Any) -> None:
    tokenizer = tiny.tokenizer(kind)
    texts = ["the quick brown fox jumping over the lazy dog", "dog"]
    settings = MaskingSettings(mlm_probability=0.3, clean=clean)
    batch = Masking(tokenizer, WORDS, settings)(blocks_of(kind, texts), KEYS[:2], Noise(0.5))
    assert batch.clean_input_ids is not None
    assert batch.clean_positions is not None
    for row, text in enumerate(texts):
        ids, [here] = batch.clean_input_ids[row], np.nonzero(batch.clean_positions[row] >= 0)
        assert tokenizer.decode(ids, skip_special_tokens=True).split() == text.split()
        masked, noised = batch.labels[row, here] != IGNORED, batch.nlm_labels[row, here] != IGNORED
        there = batch.clean_positions[row, here]
        known = ~masked & ~noised & (batch.input_ids[row, here] == ids[there])
        assert (known | masked | noised).all()
        offsets = blocks_of(kind, [text]).word_offsets + 1
        if clean == "unmasked":
            assert not masked.any()
        else:  # every token but the last special one, which none of the words has
            assert here.tolist() == list(range(batch.attention_mask[row].sum() - 1))
            firsts = dict(enumerate(offsets[:-1]))
            owners = np.searchsorted(offsets, there[1:], side="right") - 1
            assert owners.tolist() == sorted(owners)
            assert set(owners) == set(firsts)
            assert there[1:][noised[1:]].tolist() == [firsts[owner] for owner in owners[noised[1:]]]
            for owner in set(owners[~noised[1:]]):
                assert there[1:][owners == owner].tolist() == list(range(*offsets[owner : owner + 2]))


def test_a_clean_text_longer_than_the_batch_is_cut() -> None:
    settings = MaskingSettings(mlm_probability=0, max_length=16, clean="all")
    masking = Masking(tiny.tokenizer("bert"), WORDS, settings, {"abcdefghij": ["fox"]})
    blocks = blocks_of("bert", ["the abcdefghij dog"])
    batch = masking(blocks, KEYS[:1], Noise(1.0, ("natural",)))
    assert batch.clean_input_ids is not None
    assert batch.clean_positions is not None
    length = batch.input_ids.shape[1]
    clean = [tiny.tokenizer("bert").cls_token_id, *blocks.token_ids]
    assert length < len(clean)  # which the noise has made shorter
    assert batch.clean_input_ids[0].tolist() == [*clean[: length - 1], tiny.tokenizer("bert").sep_token_id]
    # "dog" is beyond the cut.
    assert batch.clean_positions[0].tolist() == [0, 1, 2] + [-1] * (length - 3)


def test_a_word_that_does_not_fit_is_left_out_of_the_clean_text_too() -> None:
    settings = MaskingSettings(mlm_probability=0, max_length=8, clean="all")
    masking = Masking(tiny.tokenizer("bert"), WORDS, settings)
    batch = masking(blocks_of("bert", ["abcdefghij dog"]), KEYS[:1], Noise(0.0))
    assert batch.clean_input_ids is not None
    assert batch.clean_input_ids[0, 1:-1].tolist() == batch.input_ids[0, 1:-1].tolist()


def test_the_clean_text_ends_after_its_last_token_though_it_names_the_padding(kind: str) -> None:
    tokenizer = tiny.tokenizer(kind)
    settings = MaskingSettings(mlm_probability=0, clean="all")
    masking = Masking(tokenizer, WORDS, settings)
    batch = masking(blocks_of(kind, [f"the {tokenizer.pad_token} dog"]), KEYS[:1], Noise(0.0))
    assert batch.clean_input_ids is not None
    assert batch.clean_input_ids.tolist() == batch.input_ids.tolist()


def test_replacements_are_ordinary_tokens(kind: str) -> None:
    tokenizer = tiny.tokenizer(kind)
    batch = corrupt(kind, [LONG_TEXT * 40], mlm_probability=1)
    shown = batch.input_ids[batch.hidden]
    others = shown[shown != tokenizer.mask_token_id]
    assert not set(others.tolist()) & set(tokenizer.all_special_ids)
    kept = (shown == batch.labels[batch.hidden]).mean()
    assert kept == pytest.approx(0.1, abs=0.03)
