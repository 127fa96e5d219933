"""The log-probabilities of the words of a text equal those of the model itself."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from small_correction import WORDS, saved_model

import charbert
from charbert import CharBertError, Vocabulary
from charbert.correction.reader import WordReader, WordSpan

TEXT = "the quick foxxes jumped over a dog ."
POSITIONS = 24


@pytest.fixture
def model(kind: str) -> Any:
    positions = POSITIONS + (2 if kind == "roberta" else 0)
    return tiny.build(
        charbert.CharBertForPreTraining,
        kind,
        word_vocabulary_size=len(WORDS),
        backbone={"max_position_embeddings": positions},
    )


@pytest.fixture
def words_tokenizer(kind: str) -> Any:
    return tiny.tokenizer(kind, Vocabulary(WORDS))


@pytest.fixture
def reader(model: Any, words_tokenizer: Any) -> WordReader:
    return WordReader(model, words_tokenizer)


def everything(_: WordSpan) -> bool:
    return True


def read(reader: WordReader, *texts: str) -> dict[WordSpan, Any]:
    return dict(reader.score_words(texts, everything))


class _Spy:
    """Keeps the rows of tokens that the model reads."""

    def __init__(self, compute: Any) -> None:
        self.rows: list[Sequence[int]] = []
        self._compute = compute

    def __call__(self, rows: Sequence[Sequence[int]]) -> Any:
        self.rows += rows
        return self._compute(rows)


def pieces_of_word(encoding: Any, start: int) -> list[int]:
    """The positions of all pieces of the word at a place in the text."""
    word = encoding.char_to_word(start)
    return [position for position, number in enumerate(encoding.word_ids) if number == word]


@torch.no_grad()
def predicted(model: Any, ids: list[int], positions: list[int]) -> torch.Tensor:
    """The log of the mean of what these positions predict, in one row of tokens."""
    logits = model(torch.tensor([ids])).nlm_logits[0, positions]
    return logits.softmax(-1).mean(0).log()


def test_words_are_found_with_their_positions(reader: WordReader) -> None:
    places = sorted(place[1:] for place in read(reader, f"  {TEXT}"))
    assert places == [match.span() for match in re.finditer(r"\S+", f"  {TEXT}")]


def test_a_word_is_the_mean_of_what_its_pieces_predict(
    reader: WordReader, model: Any, words_tokenizer: Any
) -> None:
    encoded = words_tokenizer(TEXT)
    for (_, start, _), scores in read(reader, TEXT).items():
        wanted = predicted(model, encoded["input_ids"], pieces_of_word(encoded.encodings[0], start))
        assert np.allclose(scores, wanted, atol=1e-5)


def test_only_wanted_words_are_read(reader: WordReader) -> None:
    found = reader.score_words([TEXT, TEXT], lambda place: place.text == 1 and place.start == 4)
    assert [place for place, _ in found] == [WordSpan(1, 4, 9)]


def test_a_text_is_read_alike_alone_and_beside_others(reader: WordReader) -> None:
    alone = read(reader, TEXT)
    beside = read(reader, "a dog", TEXT, "", "the quick brown fox jumps over the lazy dog . " * 3)
    for (_, start, end), scores in alone.items():
        assert np.allclose(scores, beside[WordSpan(1, start, end)], atol=1e-5)


def test_a_word_is_read_with_the_tokens_beside_it_and_no_others(
    reader: WordReader, model: Any, words_tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charbert.correction.reader, "_CONTEXT", 4)
    text = " ".join(["the quick brown fox jumps over the lazy dog ."] * 9)
    encoding = words_tokenizer(text, add_special_tokens=False).encodings[0]
    ids, words = encoding.ids, list(re.finditer(r"\S+", text))
    wanted = {words[number].start(): pieces_of_word(encoding, words[number].start()) for number in (2, 6, 70)}
    monkeypatch.setattr(reader, "_read", spy := _Spy(reader._read))
    found = dict(reader.score_words([text], lambda place: place.start in wanted))
    # The contexts of the first two overlap; that of the third stands alone.
    (first, second, third) = wanted.values()
    windows = [(max(first[0] - 4, 0), second[-1] + 5), (third[0] - 4, third[-1] + 5)]
    assert sorted(map(len, spy.rows)) == sorted(end - start for start, end in windows)
    for (_, begin, _), scores in found.items():
        pieces = wanted[begin]
        [(start, end)] = [window for window in windows if window[0] <= pieces[0] < window[1]]
        row = [words_tokenizer.cls_token_id, *ids[start:end], words_tokenizer.sep_token_id]
        assert np.allclose(scores, predicted(model, row, [piece - start + 1 for piece in pieces]), atol=1e-5)


@torch.no_grad()
def test_originals_are_scored_in_place_of_the_word(
    reader: WordReader, model: Any, words_tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charbert.correction.reader, "_MASKED_CONTEXT", 6)
    start = TEXT.index("foxxes")
    place = WordSpan(1, start, start + 6)
    originals = ["fox", "fox dog", " ".join(["fox"] * 4)]
    [(found, scores)] = reader.score_in_place(["a dog", TEXT], {place: originals}).items()
    ids, pieces = (
        words_tokenizer(TEXT)["input_ids"],
        pieces_of_word(words_tokenizer(TEXT).encodings[0], start),
    )
    first, wanted = max(pieces[0] - 6, 1), []
    for original in originals[:2]:
        tokens = words_tokenizer(f" {original}", add_special_tokens=False)["input_ids"]
        masks = [words_tokenizer.mask_token_id] * len(tokens)
        row = [ids[0], *ids[first : pieces[0]], *masks, *ids[pieces[-1] + 1 :][:6]]
        row += [ids[-1]] * (row[-1] != ids[-1])
        logits = model(torch.tensor([row])).mlm_logits[0, pieces[0] - first + 1 :].log_softmax(-1)
        wanted.append(sum(float(logits[k, token]) for k, token in enumerate(tokens)) / len(tokens) ** 0.5)
    assert found == place
    assert scores.tolist() == pytest.approx([*wanted, -np.inf], abs=1e-5)
    assert reader.score_in_place([TEXT], {}) == {}


def test_every_word_of_a_text_longer_than_the_model_is_read_in_context(
    reader: WordReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = " ".join(["the quick brown fox jumps over the lazy dog ."] * 9)
    monkeypatch.setattr(reader, "_read", spy := _Spy(reader._read))
    assert len(read(reader, text)) == 90
    assert max(map(len, spy.rows)) <= POSITIONS - 2


def test_a_word_of_capitals_is_read_in_small_letters(reader: WordReader) -> None:
    shouted, said = (read(reader, text) for text in ("the JUMPING dog", "the jumping dog"))
    assert all(np.allclose(shouted[place], said[place], atol=1e-6) for place in said)


def test_a_model_in_training_is_read_without_dropout_and_stays_in_training(
    model: Any, reader: WordReader
) -> None:
    wanted = read(reader, TEXT)
    model.charbert.backbone.embeddings.dropout.p = 0.5
    model.train()
    found = read(reader, TEXT)
    assert model.training
    assert all(np.array_equal(found[place], wanted[place]) for place in wanted)


def test_half_of_a_surrogate_pair_is_read_too(reader: WordReader) -> None:
    assert WordSpan(0, 2, 5) in read(reader, "\ud83d dog")
    assert reader.normalize("do\ud83dg") in ("dog", "do\ufffdg")  # BERT drops what it cannot read


def test_no_text_no_words(reader: WordReader) -> None:
    assert read(reader) == read(reader, "", " \n") == {}


def test_a_word_is_looked_up_as_the_tokenizer_reads_it() -> None:
    stock = tiny.stock_tokenizer("bert", do_lower_case=True)
    tokens = charbert.CharBertTokenizer.from_stock(stock, words=Vocabulary(WORDS))
    model = tiny.build(charbert.CharBertForPreTraining, "bert", word_vocabulary_size=len(WORDS))
    assert WordReader(model, tokens).normalize("Café") == "cafe"


def test_a_model_with_another_number_of_words_is_refused(model: Any, kind: str) -> None:
    other = tiny.tokenizer(kind, Vocabulary([*WORDS[:-1], "more", "<unk>"]))
    with pytest.raises(CharBertError, match="has 13 words, and the model predicts 12"):
        WordReader(model, other)


def test_a_tokenizer_without_words_is_refused(model: Any, kind: str) -> None:
    with pytest.raises(CharBertError, match=r"no words\.txt"):
        WordReader(model, tiny.tokenizer(kind))
    with pytest.raises(CharBertError, match="has no words to restore: give a CharBertTokenizer"):
        WordReader(model, tiny.stock_tokenizer(kind))


def test_a_tokenizer_without_special_tokens_is_refused(kind: str, tmp_path: Path) -> None:
    folder = Path(saved_model(tmp_path / "model", kind, {"brown": 0.9}))
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(CharBertError, match=r"tokenizer_config\.json lacks a cls_token"):
        WordReader(str(folder))


def test_a_model_from_no_folder_needs_its_tokenizer(model: Any) -> None:
    with pytest.raises(CharBertError, match="give its tokenizer"):
        WordReader(model)
