import pytest
import tiny

from data.words import Word, WordPieces

TEXT = "the foxes jumped over naïve token # word"


def words_of(kind: str, text: str) -> tuple[WordPieces, list[list[int]]]:
    tokenizer = tiny.tokenizer(kind)
    encoding = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
    words: dict[int, list[int]] = {}
    for token_id, word_id in zip(encoding.ids, encoding.word_ids, strict=True):
        words.setdefault(word_id, []).append(token_id)
    return WordPieces(tokenizer), list(words.values())


@pytest.mark.parametrize(("kind", "text"), (("bert", TEXT.replace("ï", "i")), ("roberta", TEXT)))
def test_pieces_give_the_words_of_the_text(kind: str, text: str) -> None:
    pieces, words = words_of(kind, text)
    assert [pieces.word(word).text for word in words] == text.split()


@pytest.mark.parametrize(("kind", "text"), (("bert", TEXT.replace("ï", "i")), ("roberta", TEXT)))
def test_a_word_gives_its_pieces_back(kind: str, text: str) -> None:
    pieces, words = words_of(kind, text)
    assert [pieces.pieces(pieces.word(word)) for word in words] == words


def test_the_space_before_a_byte_level_word_stands_apart() -> None:
    pieces, words = words_of("roberta", "over there")
    assert [pieces.word(word) for word in words] == [Word("over", False), Word("there", True)]


def test_an_unknown_word_has_no_text() -> None:
    pieces, words = words_of("bert", f"the {tiny.EMOJI}")
    assert pieces.word(words[1]) is None


def test_a_special_token_is_no_word(kind: str) -> None:
    tokenizer = tiny.tokenizer(kind)
    assert WordPieces(tokenizer).word([tokenizer.sep_token_id]) is None
