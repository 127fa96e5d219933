from random import Random

import pytest
import tiny

from charbert.errors import CharBertError
from data.corpus import files
from data.pretraining.packing import Packer


def packed(kind: str, texts: list[str], block_size: int) -> list[tuple[list[int], list[int]]]:
    blocks = Packer(tiny.tokenizer(kind), block_size).blocks(texts)
    return [(block.token_ids.tolist(), block.word_starts.tolist()) for block in blocks]


def test_a_long_document_is_cut_into_blocks_in_order(kind: str) -> None:
    text = " ".join(tiny.SENTENCES)
    tokens = [token for ids, _ in packed(kind, [text], 14) for token in ids]
    assert tokens == tiny.tokenizer(kind)(text, add_special_tokens=False)["input_ids"]


def test_a_document_that_is_tokenised_in_pieces_gives_the_same_blocks(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = Random(3)
    spaces = (" ", " ", "\n", "  ", " \n", "\n\n", "\n  ", "\u00a0", "\t")
    words = [*" ".join(tiny.SENTENCES).split(), "don't", "Été", "日本", "#!", "🙂"]
    texts = [
        "".join(generator.choice(words) + generator.choice(spaces) for _ in range(length))
        for length in (0, 3, 50, 400, 1)
    ]
    whole = packed(kind, texts, 14)
    monkeypatch.setattr(files, "PIECE_CHARACTERS", 23)
    assert packed(kind, texts, 14) == whole


def test_no_block_is_longer_than_asked_for(kind: str) -> None:
    assert all(
        len(ids) <= 12 for ids, _ in packed(kind, [*tiny.SENTENCES] * 5 + [" ".join(tiny.SENTENCES)], 14)
    )


def test_a_block_begins_with_a_word(kind: str) -> None:
    assert all(starts[0] == 0 for _, starts in packed(kind, [" ".join(tiny.SENTENCES)] * 5, 14))


def test_word_starts_are_those_of_the_tokenizer(kind: str) -> None:
    [(_, starts)] = packed(kind, [tiny.SENTENCES[2]], 100)
    assert len(starts) == len(tiny.SENTENCES[2].split())


def test_documents_in_a_block_are_separated(kind: str) -> None:
    tokenizer = tiny.tokenizer(kind)
    [(ids, starts)] = packed(kind, ["the dog", "the fox"], 100)
    place = ids.index(tokenizer.sep_token_id)
    assert place in starts
    assert place + 1 in starts
    assert tokenizer.decode(ids[place + 1 :]).strip() == "the fox"


def test_a_document_that_fits_into_a_block_is_never_cut(kind: str) -> None:
    tokenizer = tiny.tokenizer(kind)
    texts = [tiny.SENTENCES[0], "the dog", tiny.SENTENCES[1], "the fox", "a word"] * 4
    found = []
    for ids, _ in packed(kind, texts, 40):
        while tokenizer.sep_token_id in ids:
            place = ids.index(tokenizer.sep_token_id)
            found.append(ids[:place])
            ids = ids[place + 1 :]
        found.append(ids)
    whole = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    assert sorted(found) == sorted(whole)


def test_blocks_are_filled(kind: str) -> None:
    blocks = packed(kind, [*tiny.SENTENCES, "the dog", "a fox"] * 40, 64)
    assert sum(len(ids) for ids, _ in blocks) / (62 * len(blocks)) > 0.9


@pytest.mark.parametrize("text", ("jumping" * 14, "the " + "jumping" * 14 + " dog"))
def test_a_word_longer_than_a_block_is_cut_and_all_of_it_kept(kind: str, text: str) -> None:
    blocks = packed(kind, [text], 14)
    assert all(starts[0] == 0 and len(ids) <= 12 for ids, starts in blocks)
    tokens = [token for ids, _ in blocks for token in ids]
    assert tokens == tiny.tokenizer(kind)(text, add_special_tokens=False)["input_ids"]


def test_blocks_follow_the_order_of_the_documents(kind: str) -> None:
    texts = [" ".join(tiny.SENTENCES), "the dog", " ".join(reversed(tiny.SENTENCES)), "a fox"]
    alone = [ids for text in texts for ids, _ in packed(kind, [text], 14)]
    together = [ids for ids, _ in packed(kind, texts, 14)]
    places = [alone.index(ids) for ids in together if ids in alone]
    assert places == sorted(places)
    assert len(places) > 5


def test_empty_documents_give_nothing(kind: str) -> None:
    assert packed(kind, ["", ""], 14) == []


def test_a_special_token_in_the_text_is_a_word(kind: str) -> None:
    tokenizer = tiny.tokenizer(kind)
    [(ids, starts)] = packed(kind, [f"the {tokenizer.mask_token} {tokenizer.mask_token} dog"], 40)
    assert [start for start in starts if ids[start] == tokenizer.mask_token_id] == [
        place for place, token in enumerate(ids) if token == tokenizer.mask_token_id
    ]


def test_truncation_saved_with_a_tokenizer_cuts_no_text(kind: str) -> None:
    tokenizer = tiny.tokenizer(kind)
    clean = tokenizer(tiny.SENTENCES[0], add_special_tokens=False)["input_ids"]
    tokenizer(tiny.SENTENCES[0], truncation=True, max_length=4, padding="max_length")
    [block] = Packer(tokenizer, 40).blocks([tiny.SENTENCES[0]])
    assert block.token_ids.tolist() == clean


@pytest.mark.parametrize("block_size", (0, 2, 70_000))
def test_a_block_size_out_of_range_is_refused(kind: str, block_size: int) -> None:
    with pytest.raises(CharBertError, match="must lie between 3"):
        Packer(tiny.tokenizer(kind), block_size)
