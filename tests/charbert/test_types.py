"""What a type checker sees of the constructors: `make test` lets mypy check this file too."""

from pathlib import Path
from typing import assert_type

from charbert import CharBertConfig, CharBertModel, CharBertTokenizer, Vocabulary, WordRecognizer


def test_constructors_give_their_own_class(tmp_path: Path) -> None:
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    CharBertModel(CharBertConfig(backbone_config={**sizes, "vocab_size": 9})).save_pretrained(tmp_path)
    model = assert_type(CharBertModel.from_pretrained(tmp_path), CharBertModel)
    both = CharBertModel.from_pretrained(tmp_path, output_loading_info=True)
    assert type(model) is type(assert_type(both[0], CharBertModel)) is CharBertModel


def constructors_that_read_more(folder: Path) -> None:
    """Not run: types alone."""
    assert_type(CharBertModel.from_backbone(folder), CharBertModel)
    assert_type(CharBertTokenizer.from_pretrained(folder), CharBertTokenizer)
    assert_type(CharBertTokenizer.from_stock(folder), CharBertTokenizer)
    assert_type(WordRecognizer.from_pretrained(folder), WordRecognizer)
    assert_type(Vocabulary.load(folder), Vocabulary)
