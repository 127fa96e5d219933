"""How tokens are spelled: the rules, the table, and that every way of spelling agrees."""

from typing import Any

import pytest
import tiny
import torch
from tokenizers import AddedToken
from transformers import AutoModelForTokenClassification

import charbert
from charbert import CharBertError, CharBertTokenizer, Vocabulary
from charbert.spelling import (
    SpellingTable,
    check_tokens,
    frequent_characters,
    lay_out,
    spell,
    token_spellings,
)

ABC = Vocabulary([" ", "a", "b", "c", "<unk>"])
BLANK, A, B, C, UNKNOWN = range(5)


def letters(tokenizer: Any, piece: str) -> str:
    """The piece as the table spells it, in characters again."""
    characters = frequent_characters(tokenizer)
    spelling = token_spellings(tokenizer, characters)[tokenizer.convert_tokens_to_ids(piece)]
    return "".join(characters[character] for character in spelling)


class TestString:
    def test_is_its_characters(self) -> None:
        assert spell("cab", ABC) == [C, A, B]

    def test_character_outside_the_vocabulary_is_unknown(self) -> None:
        assert spell("aé" + tiny.EMOJI, ABC) == [A, UNKNOWN, UNKNOWN]

    def test_empty_one_is_a_blank(self) -> None:
        assert spell("", ABC) == [BLANK]


class TestLayout:
    def test_one_blank_follows_each_token(self) -> None:
        characters, _, _ = lay_out([[A, B], [C]])
        assert characters == [A, B, BLANK, C, BLANK]

    def test_positions_are_those_of_first_and_last_character(self) -> None:
        _, starts, ends = lay_out([[A, B], [C], [A, A, A]])
        assert starts == [0, 3, 5]
        assert ends == [1, 3, 7]

    def test_of_nothing_is_nothing(self) -> None:
        assert lay_out([]) == ([], [], [])


class TestPieces:
    @pytest.mark.parametrize(
        ("piece", "wanted"),
        [("token", "token"), ("##ing", "ing"), ("#", "#"), ("##", "##"), ("###", "#"), ("##s", "s")],
    )
    def test_wordpiece_loses_the_prefix_of_a_continuation_and_no_more(self, piece: str, wanted: str) -> None:
        assert letters(tiny.stock_tokenizer("bert"), piece) == wanted

    def test_byte_level_piece_stands_as_it_is(self) -> None:
        tokenizer = tiny.stock_tokenizer("roberta")
        assert "Ġfox" in tokenizer.get_vocab()
        assert letters(tokenizer, "Ġfox") == "Ġfox"
        assert letters(tokenizer, "#") == "#"

    def test_special_tokens_are_one_blank_each(self, kind: str, stock: Any) -> None:
        spellings = token_spellings(stock, frequent_characters(stock))
        assert [spellings[index] for index in stock.all_special_ids] == [[BLANK]] * len(stock.all_special_ids)

    def test_every_token_has_a_spelling(self, stock: Any) -> None:
        spellings = token_spellings(stock, frequent_characters(stock))
        assert len(spellings) == len(stock)
        assert all(spellings)

    def test_rows_of_a_padded_embedding_are_blank(self, stock: Any) -> None:
        spellings = token_spellings(stock, frequent_characters(stock), vocab_size=len(stock) + 2)
        assert spellings[len(stock) :] == [[BLANK], [BLANK]]

    def test_added_token_is_spelled_in_the_letters_of_the_pieces(self, kind: str, stock: Any) -> None:
        stock.add_tokens(["new dog"])
        assert letters(stock, "new dog") == {"bert": "new dog", "roberta": "newĠdog"}[kind]

    def test_added_special_token_is_a_blank(self, stock: Any) -> None:
        stock.add_tokens([AddedToken("<mark>", special=True)], special_tokens=True)
        assert letters(stock, "<mark>") == " "

    def test_slow_tokenizer_is_refused(self) -> None:
        with pytest.raises(CharBertError, match="not a fast tokenizer"):
            token_spellings(object(), ABC)


class TestCharactersOfPieces:
    def test_stand_between_blank_and_unknown(self, stock: Any) -> None:
        characters = frequent_characters(stock)
        assert characters[0] == " "
        assert characters[len(characters) - 1] == "<unk>"
        assert list(characters).count(" ") == 1

    def test_are_those_of_most_pieces(self) -> None:
        # Were the prefix of a continuation a part of it, # would be the first.
        assert list(frequent_characters(tiny.stock_tokenizer("bert"), size=2)) == [" ", "o", "e", "<unk>"]

    def test_line_feed_is_none_for_it_would_break_the_file(self) -> None:
        tokenizer = tiny.stock_tokenizer("bert")
        tokenizer.backend_tokenizer.normalizer = None
        tokenizer.add_tokens([AddedToken("\n", normalized=False)])
        assert "\n" not in frequent_characters(tokenizer)


class TestTable:
    SPELLINGS = ([A, B], [BLANK], [C], [A, B, C])

    @pytest.fixture
    def table(self) -> SpellingTable:
        return SpellingTable.from_spellings(self.SPELLINGS)

    def test_keeps_the_spellings(self, table: SpellingTable) -> None:
        assert tuple(table.spellings()) == self.SPELLINGS

    def test_spells_as_laid_out(self, table: SpellingTable) -> None:
        ids = [3, 0, 1, 2, 2]
        spelled = table(torch.tensor([ids]))
        assert [tensor[0].tolist() for tensor in spelled] == list(
            lay_out([self.SPELLINGS[index] for index in ids])
        )

    def test_padding_is_nothing_at_all(self, table: SpellingTable) -> None:
        spelled = table(torch.tensor([[3, 2, 0], [2, 0, 0]]), torch.tensor([[1, 1, 0], [1, 0, 0]]))
        assert spelled.char_input_ids.tolist() == [[A, B, C, BLANK, C, BLANK], [C, *[BLANK] * 5]]
        assert spelled.start_ids.tolist() == [[0, 4, 0], [0, 0, 0]]
        assert spelled.end_ids.tolist() == [[2, 4, 0], [0, 0, 0]]

    def test_padding_on_the_left_is_nothing_too(self, table: SpellingTable) -> None:
        spelled = table(torch.tensor([[0, 0, 2], [3, 2, 2]]), torch.tensor([[0, 0, 1], [1, 1, 1]]))
        assert spelled.char_input_ids[0].tolist() == [C, *[BLANK] * 7]
        assert spelled.start_ids.tolist() == [[0, 0, 0], [0, 4, 6]]

    def test_hidden_token_is_one_blank(self, table: SpellingTable) -> None:
        spelled = table(torch.tensor([[3, 0, 2]]), hidden=torch.tensor([[False, True, False]]))
        assert [tensor[0].tolist() for tensor in spelled] == list(lay_out([[A, B, C], [BLANK], [C]]))

    def test_hidden_token_of_one_character_is_a_blank_too(self, table: SpellingTable) -> None:
        spelled = table(torch.tensor([[2]]), hidden=torch.tensor([[True]]))
        assert spelled.char_input_ids.tolist() == [[BLANK, BLANK]]

    def test_characters_are_rounded_up_with_blanks(self, table: SpellingTable) -> None:
        ids = torch.tensor([[3, 2], [2, 2]])
        spelled, wanted = table(ids, multiple=4), table(ids)
        assert wanted.char_input_ids.shape == (2, 6)
        assert torch.equal(spelled.char_input_ids[:, :6], wanted.char_input_ids)
        assert spelled.char_input_ids[:, 6:].tolist() == [[BLANK, BLANK]] * 2
        for name in ("start_ids", "end_ids"):
            assert torch.equal(getattr(spelled, name), getattr(wanted, name))
        assert table(ids, multiple=6).char_input_ids.shape == (2, 6)

    def test_row_of_padding_alone(self, table: SpellingTable) -> None:
        spelled = table(torch.tensor([[2]]), torch.tensor([[0]]))
        assert [tensor.tolist() for tensor in spelled] == [[[BLANK]], [[0]], [[0]]]

    def test_is_saved_with_the_model(self) -> None:
        state = tiny.build(charbert.CharBertModel, "bert").state_dict()
        assert {"spelling.characters", "spelling.offsets"} <= state.keys()


class TestAgreement:
    TEXTS = (*tiny.SENTENCES, "# ## ###", "", "dog" * 20)

    def test_of_table_and_tokenizer(self, kind: str, tokenizer: CharBertTokenizer) -> None:
        model = tiny.build(charbert.CharBertModel, kind)
        batch = tokenizer(list(self.TEXTS), padding=True, return_tensors="pt", return_spelling=True)
        by_table = model.spelling(batch["input_ids"], batch["attention_mask"])
        assert tokenizer.unk_token_id not in batch["input_ids"]
        assert all(torch.equal(tensor, batch[name]) for name, tensor in by_table._asdict().items())

    def test_of_the_model_with_either_tokenizer(self, kind: str, stock: Any) -> None:
        model, ours = tiny.build(charbert.CharBertModel, kind), tiny.tokenizer(kind)
        outputs = [
            model(**tokenizer(list(self.TEXTS), padding=True, return_tensors="pt", **settings))
            for tokenizer, settings in ((stock, {}), (ours, {}), (ours, {"return_spelling": True}))
        ]
        for name in ("last_hidden_state", "char_last_hidden_state"):
            assert all(torch.equal(output[name], outputs[0][name]) for output in outputs[1:])

    def test_ends_at_an_unknown_token_which_the_table_cannot_spell(self) -> None:
        model, tokenizer = tiny.build(charbert.CharBertModel, "bert"), tiny.tokenizer("bert")
        batch = tokenizer("a bäd dog", return_tensors="pt", return_spelling=True)
        by_table = model.spelling(batch["input_ids"])
        unknown = batch["input_ids"][0].tolist().index(tokenizer.unk_token_id)
        spelled = tiny.spellings_of(*(batch[name][0] for name in tiny.SPELLED))
        assert tiny.spellings_of(*(tensor[0] for tensor in by_table))[unknown] == [BLANK]
        assert spelled[unknown] == spell("bäd", tokenizer.characters)


class TestSetSpelling:
    def test_takes_the_tokenizers_own_characters(self, kind: str, tokenizer: CharBertTokenizer) -> None:
        model = charbert.CharBertModel(tiny.config(kind))
        model.set_spelling(tokenizer)
        assert model.spelling.spellings() == token_spellings(tokenizer, tokenizer.characters)

    def test_stock_tokenizer_needs_characters(self, stock: Any, kind: str) -> None:
        with pytest.raises(CharBertError, match="give a character vocabulary, or a CharBertTokenizer"):
            charbert.CharBertModel(tiny.config(kind)).set_spelling(stock)

    def test_other_number_of_characters_is_refused(self, stock: Any, kind: str) -> None:
        with pytest.raises(CharBertError, match="vocabulary of 5 characters does not fit"):
            tiny.build(charbert.CharBertModel, kind).set_spelling(stock, ABC)

    def test_more_tokens_than_embeddings_are_refused(self, kind: str, tokenizer: CharBertTokenizer) -> None:
        model = tiny.build(charbert.CharBertModel, kind)
        tokenizer.add_tokens(["newdog"])
        with pytest.raises(CharBertError, match="resize_token_embeddings first"):
            model.set_spelling(tokenizer)

    def test_is_there_for_models_with_a_head(self, kind: str, tokenizer: CharBertTokenizer) -> None:
        model = charbert.CharBertForTokenClassification(tiny.config(kind))
        model.set_spelling(tokenizer)
        assert model.spelling_table is model.charbert.spelling
        assert model.config.spelling_length == len(model.spelling_table.characters)

    def test_is_wanted_before_there_is_a_table(self, kind: str) -> None:
        with pytest.raises(CharBertError, match="no spelling table"):
            _ = charbert.CharBertForTokenClassification(tiny.config(kind)).spelling_table


class TestEmptyTable:
    """Of a model that was made from the configuration of one that could spell."""

    @staticmethod
    def configuration(kind: str) -> charbert.CharBertConfig:
        return tiny.build(charbert.CharBertForTokenClassification, kind).config

    @pytest.mark.parametrize("made", ["from_config", "to_empty", "init_weights"])
    def test_spells_nothing(self, kind: str, made: str) -> None:
        with torch.device("cpu" if made == "from_config" else "meta"):
            model = AutoModelForTokenClassification.from_config(self.configuration(kind))
        if made != "from_config":
            model.to_empty(device="cpu")
            for buffer in model.charbert.spelling.buffers():
                buffer.fill_(2**30)  # what may be in memory that is not initialised
        if made == "init_weights":
            model.init_weights()
            assert not any(buffer.any() for buffer in model.charbert.spelling.buffers())
        with pytest.raises(CharBertError, match=r"no spelling table.*set_spelling"):
            model(**tiny.ragged_batch(kind))

    def test_is_none_after_resizing_and_can_be_replaced(self, kind: str) -> None:
        model = AutoModelForTokenClassification.from_config(self.configuration(kind))
        model.resize_token_embeddings(model.config.vocab_size + 8)
        assert (model.charbert.spelling, model.config.spelling_length) == (None, 0)
        model.set_spelling(tiny.tokenizer(kind))
        assert model(**tiny.ragged_batch(kind)).logits.shape[-1] == 3


class TestTokensThatFit:
    """`check_tokens`, for a tokenizer of 100 tokens."""

    @pytest.mark.parametrize("rows", [100, 104, 128])
    def test_rows_padded_to_a_round_number(self, rows: int) -> None:
        check_tokens(range(100), rows)

    @pytest.mark.parametrize("rows", [99, 101, 111, 136])
    def test_other_numbers_are_refused(self, rows: int) -> None:
        with pytest.raises(CharBertError, match=f"100 tokens does not fit this model, which has {rows}"):
            check_tokens(range(100), rows)

    def test_a_table_says_which_rows_no_token_has(self) -> None:
        check_tokens(range(100), 107, SpellingTable.from_spellings([[5]] * 100 + [[0]] * 7))
        with pytest.raises(CharBertError, match="does not fit"):
            check_tokens(range(100), 104, SpellingTable.from_spellings([[5]] * 104))
