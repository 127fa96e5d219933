"""`python -m data vocabulary`: characters, words and a tokenizer from text, as one tokenizer folder."""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerFast

from charbert.commands.progress import progress_bar
from charbert.commands.results import format_numbers, new_folder, write_results
from charbert.errors import CharBertError, describe_failure
from charbert.spelling import BLANK
from charbert.tokenization import CharBertTokenizer
from charbert.vocabulary import UNKNOWN, Vocabulary
from data.corpus import sources
from data.corpus.files import Document, cut_text
from data.settings import LEAST_TOKENS, VocabularySettings
from data.vocabulary.counting import count_units
from data.vocabulary.tokenizers import TRAINABLE, size_for_letters

# Letters that are unknown, in percent of the text, from which on a larger size is advised.
_UNKNOWN_SHARE = 0.1


def run(settings: VocabularySettings) -> None:
    """Build the three vocabularies, and print their sizes, and their coverage of the text in percent.

    The text is counted, and read once more where a tokenizer is trained. The folder is written at the end.

    Raises:
        CharBertError: the folder holds something, a file or tokenizer cannot be read, or there is no word in
            the text.
    """
    started = time.monotonic()
    # Made first: a folder where nothing can be written must not be found after hours of counting.
    with new_folder(settings) as made:
        tokenizer, results = _make_tokenizer(settings)
        results["seconds"] = time.monotonic() - started
        tokenizer.save_pretrained(made)
        write_results(made, results, asdict(settings))
    print(format_numbers(results))


def _make_tokenizer(settings: VocabularySettings) -> tuple[CharBertTokenizer, dict[str, Any]]:
    character_vocabulary = _load(settings.character_vocabulary)
    word_vocabulary = _load(settings.word_vocabulary)
    trainable = TRAINABLE.get(settings.tokenizer)
    stock: Any = None if trainable else _load_stock(settings.tokenizer)
    backend = trainable.make(settings.lowercase) if trainable else stock.backend_tokenizer
    length = sources.known_length(settings.text)

    counts = count_units(backend, _documents(settings.text, "counting words", length), settings.workers)
    characters, words = counts.characters(), counts.words()
    if not words:
        raise CharBertError(f"{', '.join(settings.text)}: holds no words")
    if trainable:
        documents = _documents(settings.text, "training the tokenizer", length)
        texts = (text for document in documents for text in cut_text(document.text))
        trainable.train(backend, texts, characters, counts.inner_characters(), settings.vocab_size)
        stock = PreTrainedTokenizerFast(
            tokenizer_object=backend, model_max_length=settings.max_length, **trainable.settings
        )
    if character_vocabulary is None:
        character_vocabulary = _rank(characters, settings.characters, first=[BLANK])
    if word_vocabulary is None:
        word_vocabulary = _rank(words, settings.words)
    known: Sequence[str] = ()
    if settings.known:
        others = [word for word in words if word.isalpha() and word not in word_vocabulary]
        known = _rank(Counter({word: words[word] for word in others}), settings.known).entries[:-1]
    if trainable:
        _say_what_fits(settings, backend, characters, counts.inner_characters(), len(words))
    tokenizer = CharBertTokenizer.from_stock(stock, character_vocabulary, word_vocabulary, known)
    return tokenizer, {
        "tokens": len(tokenizer),
        "characters": len(character_vocabulary),
        "words": len(word_vocabulary),
        "character_coverage": _coverage(characters, character_vocabulary, characters.total()),
        "word_coverage": _coverage(words, word_vocabulary, words.total() + counts.pruned_words),
    }


def _say_what_fits(
    settings: VocabularySettings, backend: Any, characters: Counter[str], inner: set[str], words: int
) -> None:
    """Say on standard error which sizes the text is too small for, or its script too large."""
    tokens, asked = backend.get_vocab_size(), settings.vocab_size
    known = backend.get_vocab()
    unknown = sum(count for letter, count in characters.items() if letter not in known)
    share = 100 * unknown / characters.total()
    said = []
    if (fitting := size_for_letters(characters, inner)) > asked and share > _UNKNOWN_SHARE:
        said.append(
            f"--vocab-size {asked:,}: has no room for letters that are {share:.1f}% of the text and become "
            f"unknown; {fitting:,} has room for them"
        )
    elif tokens < asked:
        said.append(
            f"--vocab-size {asked:,}: the text gives {tokens:,} tokens, so that words are tokens of their "
            f"own; {max(tokens // 2, LEAST_TOKENS):,} would leave some in pieces"
        )
    if settings.word_vocabulary is None and words < settings.words:
        said.append(f"--words {settings.words:,}: the text has {words:,} different words; all are taken")
    for line in said:
        print(line, file=sys.stderr)


def _load(path: str | None) -> Vocabulary | None:
    return None if path is None else Vocabulary.load(path)


def _load_stock(name: str) -> Any:
    try:
        stock = AutoTokenizer.from_pretrained(name)
    except Exception as error:  # of files that are damaged, the tokenizers raise almost anything
        raise CharBertError(
            f"--tokenizer: {name}: no tokenizer that can be read ({describe_failure(name, error)}); give "
            "wordpiece, bpe, a folder or a hub id"
        ) from error
    if not stock.is_fast or stock.backend_tokenizer.pre_tokenizer is None:
        raise CharBertError(
            f"{name}: does not cut text into words first, as the tokenizers of BERT and RoBERTa do"
        )
    return stock


def _documents(text: list[str], what: str, length: int | None) -> Iterator[Document]:
    return progress_bar(sources.read_all(text), what, length, unit=" documents")


def _rank(counts: Counter[str], size: int, first: list[str] | None = None) -> Vocabulary:
    first = first or []
    ranked = sorted(counts.keys() - first, key=lambda entry: (-counts[entry], entry))
    # A file holds an entry a line, so none can have a line feed in it.
    return Vocabulary([*first, *[entry for entry in ranked if "\n" not in entry][:size], UNKNOWN])


def _coverage(counts: Counter[str], vocabulary: Vocabulary, total: int) -> float:
    """Percent of all occurrences that the vocabulary has."""
    return round(100 * sum(count for entry, count in counts.items() if entry in vocabulary) / total, 3)
