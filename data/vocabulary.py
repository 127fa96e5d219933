"""`python -m data vocabulary`: characters, words and a tokenizer from text, as one tokenizer folder."""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tqdm import tqdm
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from charbert.errors import CharBertError
from charbert.results import check_output_folder, write_results
from charbert.spelling import BLANK, surface_of_text
from charbert.tokenization import CharBertTokenizer
from charbert.vocabulary import UNKNOWN, Vocabulary
from data.sources import read_documents

LEAST = {"vocab_size": 50, "characters": 1, "words": 1, "max_length": 3}
MOST_LETTERS = 1_000  # of a WordPiece vocabulary, as BERT's own has; a rarer one is unknown
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "text", metavar="TEXT", help="folder of text shards, or a .parquet, .txt or .jsonl file"
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="tokenizer folder to write")
    parser.add_argument(
        "--tokenizer",
        default="wordpiece",
        help="'wordpiece' or 'bpe' (byte-level) to train one, or the folder or hub id of one that is there",
    )
    parser.add_argument("--vocab-size", type=int, default=30_000, help="tokens (default: %(default)s)")
    parser.add_argument("--lowercase", action="store_true", help="WordPiece without case and accents")
    parser.add_argument("--characters", type=int, default=1_000, help="characters (default: %(default)s)")
    parser.add_argument("--words", type=int, default=30_000, help="words of the NLM (default: %(default)s)")
    parser.add_argument("--max-length", type=int, default=512, help="longest input (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="write into a folder that holds something")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Build the three vocabularies and return their sizes, and their coverage of the text in percent."""
    started = time.monotonic()
    for name, least in LEAST.items():
        if getattr(arguments, name) < least:
            raise CharBertError(f"--{name.replace('_', '-')} must be at least {least}")
    check_output_folder(arguments.out, arguments.overwrite)
    form = FORMS.get(arguments.tokenizer)
    if form is None:
        stock = _load(arguments.tokenizer)
        words = _count_words(stock.backend_tokenizer, _texts(arguments.text, "counting words"))
    else:
        backend = form.untrained(arguments.lowercase)
        words = _count_words(backend, _texts(arguments.text, "counting words"))
        form.train(backend, _texts(arguments.text, "training the tokenizer"), words, arguments.vocab_size)
        stock = PreTrainedTokenizerFast(
            tokenizer_object=backend, model_max_length=arguments.max_length, **form.settings
        )
    characters, lowered = _count_characters(stock.backend_tokenizer, words), _count_lowered(words)
    character_vocabulary = _ranked(characters, arguments.characters, first=[BLANK])
    word_vocabulary = _ranked(lowered, arguments.words)
    tokenizer = CharBertTokenizer.from_stock(stock, character_vocabulary, word_vocabulary)
    tokenizer.save_pretrained(arguments.out)
    results = {
        "tokens": len(tokenizer),
        "characters": len(character_vocabulary),
        "words": len(word_vocabulary),
        "character_coverage": _coverage(characters, character_vocabulary),
        "word_coverage": _coverage(lowered, word_vocabulary),
        "seconds": time.monotonic() - started,
    }
    write_results(arguments.out, results, vars(arguments))
    return results


class Form(NamedTuple):
    """A form of tokenizer that can be trained here."""

    untrained: Callable[[bool], Tokenizer]
    train: Callable[[Tokenizer, Iterator[str], Counter[str], int], None]
    settings: dict[str, Any]


def untrained_wordpiece(lowercase: bool) -> Tokenizer:
    """WordPiece as BERT's: without case and accents, or with both."""
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    return backend


def train_wordpiece(backend: Tokenizer, texts: Iterator[str], words: Counter[str], size: int) -> None:
    # The trainer numbers the letters inside words in a random order, which then decides between equal pairs.
    # As special tokens they get their numbers here; the model is built anew, without special letters.
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for letter in word:
            counts[letter] += count
    room = min(MOST_LETTERS, (size - len(BERT_SPECIALS)) // 4)
    alphabet = sorted(counts, key=lambda letter: (-counts[letter], letter))[:room]
    letters = sorted(f"##{letter}" for letter in alphabet)
    trained = Tokenizer.from_str(backend.to_str())
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        special_tokens=[*BERT_SPECIALS.values(), *letters],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    trained.train_from_iterator(texts, trainer)
    backend.model = models.WordPiece(trained.get_vocab(), unk_token="[UNK]")
    ends = [("[CLS]", backend.token_to_id("[CLS]")), ("[SEP]", backend.token_to_id("[SEP]"))]
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )


def untrained_bpe(lowercase: bool) -> Tokenizer:
    """Byte-level BPE as RoBERTa's, which always keeps case."""
    if lowercase:
        raise CharBertError("--lowercase is for wordpiece; byte-level BPE keeps every byte")
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return backend


def train_bpe(backend: Tokenizer, texts: Iterator[str], words: Counter[str], size: int) -> None:
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    # By their places in `special_tokens`; "</s></s>" stands between the texts of a pair.
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)


FORMS = {
    "wordpiece": Form(
        untrained_wordpiece,
        train_wordpiece,
        {"model_input_names": ["input_ids", "token_type_ids", "attention_mask"], **BERT_SPECIALS},
    ),
    "bpe": Form(
        untrained_bpe, train_bpe, {"model_input_names": ["input_ids", "attention_mask"], **ROBERTA_SPECIALS}
    ),
}


def _load(name: str) -> Any:
    try:
        return AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise CharBertError(
            f"{name}: no tokenizer there; give wordpiece, bpe, a folder or a hub id"
        ) from error


def _texts(path: str, what: str) -> Iterator[str]:
    for document in tqdm(read_documents(Path(path)), desc=what, unit=" documents"):
        yield document.text


def _count_words(backend: Tokenizer, texts: Iterator[str]) -> Counter[str]:
    """How often each word of the tokenizer's pre-tokenisation stands in the text, its space left off."""
    words: Counter[str] = Counter()
    for text in texts:
        if backend.normalizer is not None:
            text = backend.normalizer.normalize_str(text)
        pieces = backend.pre_tokenizer.pre_tokenize_str(text)
        words.update(text[start:end].strip() for _, (start, end) in pieces)
    del words[""]
    return words


def _count_characters(backend: Tokenizer, words: Counter[str]) -> Counter[str]:
    """Characters as the tokenizer's pieces have them."""
    characters: Counter[str] = Counter()
    for word, count in words.items():
        for character in surface_of_text(backend, word):
            characters[character] += count
    return characters


def _count_lowered(words: Counter[str]) -> Counter[str]:
    lowered: Counter[str] = Counter()
    for word, count in words.items():
        lowered[word.lower()] += count
    return lowered


def _ranked(counts: Counter[str], size: int, first: list[str] | None = None) -> Vocabulary:
    ranked = sorted(counts, key=lambda entry: (-counts[entry], entry))
    # A file holds an entry a line, so none can have a line feed in it.
    return Vocabulary([*(first or []), *[entry for entry in ranked if "\n" not in entry][:size], UNKNOWN])


def _coverage(counts: Counter[str], vocabulary: Vocabulary) -> float:
    """Percent of all occurrences that the vocabulary has."""
    covered = sum(count for entry, count in counts.items() if entry in vocabulary)
    return round(100 * covered / max(1, counts.total()), 3)
