"""transformers' tests of tokenizers, over `CharBertTokenizer` on both kinds of backbone."""

import tempfile
import unittest
from typing import Any

import tiny
from transformers_tests.test_tokenization_common import TokenizerTesterMixin

import charbert


class CharBertTokenizerTests(TokenizerTesterMixin):
    """What both kinds share."""

    tokenizer_class = charbert.CharBertTokenizer
    tokenizers_list = []
    kind: str

    @classmethod
    def setUpClass(cls) -> None:
        # Theirs reads a hub id and a file that is not in the distribution.
        cls.from_pretrained_id = [tempfile.mkdtemp()]
        cls.tmpdirname = cls.from_pretrained_id[0]
        cls._data = "\n".join(tiny.SENTENCES)
        tiny.tokenizer(cls.kind).save_pretrained(cls.tmpdirname)
        cls.tokenizers_list = [(cls.tokenizer_class, cls.tmpdirname, {})]

    def get_input_output_texts(self, tokenizer: Any) -> tuple[str, str]:
        text = "the quick brown fox jumps over"
        return text, text


class BertTokenizationTest(CharBertTokenizerTests, unittest.TestCase):
    kind = "bert"


class RobertaTokenizationTest(CharBertTokenizerTests, unittest.TestCase):
    kind = "roberta"
