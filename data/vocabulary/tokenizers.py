"""Training a tokenizer: WordPiece as BERT's, byte-level BPE as RoBERTa's."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from charbert.errors import CharBertError

# Of a WordPiece vocabulary: 1,000 letters, as BERT's own has, or more where a script needs them.
LEAST_LETTERS = 1_000
LETTERS_COVER = 0.999
LONGEST_WORD = 256  # letters; BERT's 100 are too few where no spaces divide the words, as in Thai
BERT_SPECIALS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
ROBERTA_SPECIALS = {
    "cls_token": "<s>",
    "pad_token": "<pad>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
    "bos_token": "<s>",
    "eos_token": "</s>",
}
# RoBERTa's own expression, but a word keeps its marks: the vowels of Hindi and Thai, the points of Arabic.
_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}[\p{L}\p{M}]*| ?\p{N}[\p{N}\p{M}]*| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


class TrainableTokenizer(NamedTuple):
    """A kind of tokenizer that can be trained here."""

    make: Callable[[bool], Tokenizer]
    """Whether without case and accents -> an untrained tokenizer, which can normalise and pre-tokenise."""
    train: Callable[[Tokenizer, Iterator[str], Counter[str], set[str], int], None]
    """Arguments: the tokenizer, the texts, the counts of their characters, those that continue a word, and
    the number of tokens."""
    settings: dict[str, Any]


def make_wordpiece(lowercase: bool) -> Tokenizer:
    """WordPiece as BERT's: without case and accents, or with both."""
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    return backend


def train_wordpiece(
    backend: Tokenizer, texts: Iterator[str], characters: Counter[str], inner: set[str], size: int
) -> None:
    # The trainer numbers the letters inside words in a random order, which then decides between equal pairs.
    # As special tokens they get their numbers here; the model is built anew, without special letters.
    alphabet = _choose_alphabet(characters, inner, (size - len(BERT_SPECIALS)) // 2)
    letters = sorted(f"##{letter}" for letter in alphabet if letter in inner)
    trained = Tokenizer.from_str(backend.to_str())
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        special_tokens=[*BERT_SPECIALS.values(), *letters],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    trained.train_from_iterator(texts, trainer)
    backend.model = models.WordPiece(
        trained.get_vocab(), unk_token="[UNK]", max_input_chars_per_word=LONGEST_WORD
    )
    ends = [("[CLS]", backend.token_to_id("[CLS]")), ("[SEP]", backend.token_to_id("[SEP]"))]
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )


def make_bpe(lowercase: bool) -> Tokenizer:
    """Byte-level BPE as RoBERTa's, which always keeps case."""
    if lowercase:
        raise CharBertError("--lowercase is for wordpiece; byte-level BPE keeps every byte")
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    return backend


def train_bpe(
    backend: Tokenizer, texts: Iterator[str], characters: Counter[str], inner: set[str], size: int
) -> None:
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    # By their positions in `special_tokens`; "</s></s>" stands between the texts of a pair.
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)


TRAINABLE = {
    "wordpiece": TrainableTokenizer(
        make_wordpiece,
        train_wordpiece,
        {"model_input_names": ["input_ids", "token_type_ids", "attention_mask"], **BERT_SPECIALS},
    ),
    "bpe": TrainableTokenizer(
        make_bpe, train_bpe, {"model_input_names": ["input_ids", "attention_mask"], **ROBERTA_SPECIALS}
    ),
}


def spaces_divide(backend: Tokenizer) -> bool:
    """Whether each space and line feed begins a new unit, for which nothing before it matters.

    So it is known to be in the tokenizers of BERT and RoBERTa and in those trained here; of others, all is
    possible.
    """
    normalizer, pre_tokenizer = _steps(backend)
    if pre_tokenizer.get("type") == "BertPreTokenizer":
        return normalizer.get("type", "BertNormalizer") == "BertNormalizer"
    if normalizer:
        return False
    if pre_tokenizer.get("type") == "ByteLevel":
        return bool(pre_tokenizer["use_regex"] and not pre_tokenizer["add_prefix_space"])
    return pre_tokenizer == _steps(make_bpe(lowercase=False))[1]


def _steps(backend: Tokenizer) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a tokenizer does to text before it is cut into pieces."""
    settings = json.loads(backend.to_str())
    return settings["normalizer"] or {}, settings["pre_tokenizer"] or {}


def size_for_letters(characters: Counter[str], inner: set[str]) -> int:
    """The tokens of a WordPiece vocabulary that has room for all the letters that a script needs."""
    letters = _choose_alphabet(characters, inner, sys.maxsize)
    return 2 * sum(_pieces(letter, inner) for letter in letters) + len(BERT_SPECIALS)


def _choose_alphabet(characters: Counter[str], inner: set[str], room: int) -> list[str]:
    """The most frequent letters for which there is room."""
    total, covered = characters.total(), 0
    alphabet: list[str] = []
    for letter in sorted(characters, key=lambda letter: (-characters[letter], letter)):
        room -= _pieces(letter, inner)
        if room < 0 or (len(alphabet) >= LEAST_LETTERS and covered >= LETTERS_COVER * total):
            break
        alphabet.append(letter)
        covered += characters[letter]
    return alphabet


def _pieces(letter: str, inner: set[str]) -> int:
    """How many tokens a letter needs: one inside words is a piece of its own there."""
    return 2 if letter in inner else 1
