"""Token classification: named entities, parts of speech and other tags, one for each word."""

import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from transformers import AutoModelForTokenClassification

from charbert.errors import CharBertError
from charbert.losses import IGNORED
from charbert.ragged import Array
from data.examples.readers import Columns, read_examples
from data.examples.rows import BadRows
from data.examples.tags import OUTSIDE, SCHEMES, find_scheme, is_entity_tag
from data.examples.types import TaggedExample
from finetune.metrics import tagging
from finetune.metrics.classification import Measures, scores_by_label
from finetune.metrics.prediction_files import align_tags, read_labelled
from finetune.settings import ScoreSettings
from finetune.tasks import base
from finetune.tasks.base import Encoded, Inputs, LabelReport, Output, Task

logger = logging.getLogger(__name__)
_MOST_SHOWN = 8  # wrong tags in a line
_NO_WORD = -1
_OVERLAP = 4  # a window shares one token in so many with the next
_ENTITIES, _WORDS = Measures(tagging.entity_scores, "f1"), Measures(tagging.tag_scores, "accuracy")
_TABLES = (".jsonl", ".csv")
_CONLLEVAL = "-conlleval"


class TagPrediction(NamedTuple):
    """A tag for each word, and its probability."""

    id: str
    tags: tuple[str, ...]
    probabilities: tuple[float, ...]

    @property
    def value(self) -> tuple[str, ...]:
        """What is predicted, as plain JSON."""
        return self.tags


class Words(NamedTuple):
    """The words that begin in a row of tokens."""

    example: int
    tokens: NDArray[np.int64]
    """Of each word that begins here, its first token, which is classified."""
    words: NDArray[np.int64]
    """The numbers of these words in their example."""
    context: NDArray[np.int64]
    """Of each, how many tokens this row has on the side where it has fewer."""


Examples = Sequence[TaggedExample]
Predictions = Sequence[TagPrediction]


class TagTask(Task[TaggedExample, TagPrediction]):
    """Tagging of words by their first token.

    Words are joined by blanks, and tokenised as the text they are. What does not fit into `max_length` tokens
    goes into further windows; a word is tagged where it has most context.

    Args:
        entities: whether the tags mark entities; None: if they do in one of `SCHEMES`.
        measures: how predictions are scored; when left out, whole entities or else single words.
        common: as of `Task`; `max_length` is that of a window.

    Raises:
        CharBertError: the tags do not mark entities, and must; or they do, and seqeval is not installed.
    """

    auto_class = AutoModelForTokenClassification
    ending = ".conll"
    has_classes = True

    def __init__(
        self, *, entities: bool | None = None, measures: Measures | None = None, **common: Any
    ) -> None:
        super().__init__(**common)
        self.has_entities = find_scheme(self.labels) is not None
        if entities and not self.has_entities:
            raise CharBertError(
                f"ner: the tags mark entities in none of the schemes {', '.join(SCHEMES)}, but are "
                f"{', '.join(self.labels[:10])}; for others give --task tagging"
            )
        if measures is None and self.has_entities:
            tagging.seqeval_metrics()  # so that it is missed before training, not after
        self._score_tags, self.metric = measures or (_ENTITIES if self.has_entities else _WORDS)

    @classmethod
    def find_labels(cls, examples: Examples, **arguments: Any) -> list[str]:
        labels = base.sort_labels(tag for example in examples for tag in example.tags or ())
        if scheme := find_scheme(labels):
            logger.info("entities are marked in the scheme %s", scheme)
        return labels

    @classmethod
    def score_file(
        cls, settings: ScoreSettings, bad: BadRows, *, entities: bool | None = None
    ) -> dict[str, float]:
        """As `Task.score_file`: columns, or what `predict` writes; entities by type as well."""
        gold = read_labelled(settings, settings.gold, bad)
        columns = replace(
            settings,
            # What `predict` writes as JSON lines or CSV is a table, whatever the task.
            task="tagging" if settings.predictions.endswith(_TABLES) else settings.task,
            words_column=Columns.words_column,
            tags_column=Columns.tags_column,
            word_number=settings.predicted_word_number,
            tag_number=settings.predicted_tag_number,
        )
        predicted: list[Any] = list(read_examples(columns, settings.predictions, bad))
        sides = [example.tags_in_file or example.tags for example in gold], align_tags(gold, predicted)
        scheme = find_scheme(tag for tags in sides[0] for tag in tags)
        if not (scheme if entities is None else entities):
            return tagging.tag_scores(*sides)
        for example in (*gold, *predicted):
            _require_scheme(example, scheme or "IOB")
        if scheme:
            print(f"entities are marked in the scheme {scheme}", file=sys.stderr)
        return tagging.entity_report(*sides)

    def usable(self, examples: Examples, bad: BadRows) -> list[TaggedExample]:
        found = []
        for example in examples:
            if not self._ids.keys() >= {*(example.tags or ())} and example.tags_in_file:
                # The file looked like IOB1, and is a part of one in IOE1.
                example = example._replace(tags=example.tags_in_file, tags_in_file=None)
            unknown = next((tag for tag in example.tags or () if tag not in self._ids), None)
            if unknown is None:
                found.append(example)
            else:
                bad.add(example.location, f"tag {unknown!r} is not among those of training")
        return found

    def encode(self, examples: Examples, tokenizer: Any) -> Encoded:
        if not examples:
            return Encoded([], [])
        shared = self.max_length // _OVERLAP
        encoded = base.tokenize(
            tokenizer,
            [" ".join(example.words) for example in examples],
            truncation=True,
            max_length=self.max_length,
            stride=shared,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        sources = encoded.pop("overflow_to_sample_mapping")
        offsets, special = encoded.pop("offset_mapping"), encoded.pop("special_tokens_mask")
        rows = base.split_rows(encoded)
        # From left to right; a tokenizer that cuts off at the left gives the last window first.
        side = -1 if tokenizer.truncation_side == "left" else 1
        order = sorted(range(len(rows)), key=lambda row: (sources[row], side * row))
        inputs = [rows[row] for row in order]
        notes: list[Words] = []
        for source, same in groupby(order, key=sources.__getitem__):
            windows = [(offsets[row], special[row]) for row in same]
            notes += _words_of_windows(source, word_starts(examples[source].words), windows, shared)
        for row, note in zip(inputs, notes, strict=True):
            tags = examples[note.example].tags
            if tags is not None:
                row["labels"] = [IGNORED] * len(row["input_ids"])
                for token, word in zip(note.tokens.tolist(), note.words.tolist(), strict=True):
                    row["labels"][token] = self._ids[tags[word]]
        return Encoded(inputs, notes)

    def decode(self, examples: Examples, encoded: Encoded, outputs: Sequence[Output]) -> list[TagPrediction]:
        # A word without a token, such as a lone control character, is outside of everything.
        default = self._ids.get(OUTSIDE, 0)
        tags = [np.full(len(example.words), default) for example in examples]
        shares = [np.zeros(len(example.words)) for example in examples]
        contexts = [np.full(len(example.words), -1) for example in examples]
        for note, output in zip(encoded.notes, outputs, strict=True):
            better = note.context > contexts[note.example][note.words]
            words, logits = note.words[better], output[note.tokens[better]].astype(np.float64)
            contexts[note.example][words] = note.context[better]
            tags[note.example][words] = logits.argmax(axis=-1)
            shares[note.example][words] = softmax(logits, axis=-1).max(axis=-1)
        return [
            TagPrediction(
                example.id, tuple(self.labels[number] for number in numbers), tuple(likely.tolist())
            )
            for example, numbers, likely in zip(examples, tags, shares, strict=True)
        ]

    def score(self, examples: Examples, predictions: Predictions) -> dict[str, Any]:
        right = [example.tags or () for example in examples]
        return self._score_tags(right, [prediction.tags for prediction in predictions])

    def is_correct(self, example: TaggedExample, prediction: TagPrediction) -> bool:
        return example.tags == prediction.tags

    def show_gold(self, example: TaggedExample) -> str:
        """The tags of words that are something."""
        pairs = zip(example.words, example.tags or (), strict=True)
        return "; ".join(f"{word}: {tag}" for word, tag in pairs if tag != OUTSIDE)

    def show_prediction(self, example: TaggedExample, prediction: TagPrediction) -> str:
        """The tags that are wrong, each with its word and the right tag."""
        wrong = [
            f"{word}: {tag}, not {gold}"
            for word, tag, gold in zip(example.words, prediction.tags, example.tags or (), strict=True)
            if tag != gold
        ]
        more = [f"and {len(wrong) - _MOST_SHOWN} more"] if len(wrong) > _MOST_SHOWN else []
        return "; ".join([*wrong[:_MOST_SHOWN], *more])

    def losses(self, inputs: Inputs, output: Output) -> Array:
        labels = np.asarray(inputs["labels"])
        tokens = np.flatnonzero(labels != IGNORED)
        return np.logaddexp.reduce(output[tokens], axis=-1) - output[tokens, labels[tokens]]

    def report_labels(self, examples: Examples, predictions: Predictions) -> LabelReport:
        """Of entities: the scores of their types, and the confusion of the types of single words."""
        sides = [example.tags or () for example in examples], [each.tags for each in predictions]
        labels = list(self.labels)
        gold, predicted = ([tag for sentence in side for tag in sentence] for side in sides)
        if not self.has_entities:
            return LabelReport(scores_by_label(gold, predicted, labels), labels, gold, predicted)
        types = [[_entity_type(tag) for tag in each] for each in (labels, gold, predicted)]
        return LabelReport(tagging.entity_scores_by_type(*sides), *types)

    def records(self, examples: Examples, predictions: Predictions) -> Iterator[dict[str, Any]]:
        for example, prediction in zip(examples, predictions, strict=True):
            yield {
                "id": prediction.id,
                "words": example.words,
                "tags": prediction.tags,
                "probabilities": list(prediction.probabilities),
            }

    def write(self, examples: Examples, predictions: Predictions, path: Path) -> None:
        """As CoNLL's files are: a line for each word and its tag, an empty one after each sentence.

        Between word and tag is a blank, or a tab if one of them all holds a blank. Of entities that are
        known, a file beside it has word, gold tag and predicted tag, as conlleval reads them.
        """
        words, tags = [example.words for example in examples], [each.tags for each in predictions]
        self._write_columns(path, words, tags)
        if self.has_entities and all(example.is_labelled for example in examples):
            gold = [example.tags or () for example in examples]
            self._write_columns(path.with_stem(f"{path.stem}{_CONLLEVAL}"), words, gold, tags)

    def write_gold(self, examples: Examples, columns: Columns, path: Path) -> None:
        """In two columns, with entities as the task has them."""
        words, tags = [example.words for example in examples], [example.tags or () for example in examples]
        self._write_columns(path.with_suffix(self.ending), words, tags)

    def _write_columns(self, path: Path, *columns: Sequence[Sequence[str]]) -> None:
        separator = "\t" if any(" " in cell for cell in chain(self.labels, *columns[0])) else " "
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for sentence in zip(*columns, strict=True):
                file.writelines(separator.join(cells) + "\n" for cells in zip(*sentence, strict=True))
                file.write("\n")


def _require_scheme(example: TaggedExample, scheme: str) -> None:
    tags = [tag for tag in example.tags or () if not is_entity_tag(tag, SCHEMES[scheme])]
    if tags:
        known = ", ".join(f"{position}-..." for position in SCHEMES[scheme])
        raise CharBertError(
            f"{example.location}: the tag {tags[0]!r} is none of O, {known}, the tags in {scheme}; "
            "convert it, or score the tags alone as pos"
        )


def _entity_type(tag: str) -> str:
    return tag if tag == OUTSIDE else tag[2:]


def word_starts(words: Sequence[str]) -> NDArray[np.int64]:
    """The first character of each word where blanks join them."""
    return np.cumsum([0, *(len(word) + 1 for word in words[:-1])])


def words_at(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of the word of each token, by where the token ends; it may begin with a blank."""
    return np.searchsorted(starts, ends - 1, side="right") - 1


def _words_of_windows(
    number: int,
    starts: NDArray[np.int64],
    windows: Sequence[tuple[Sequence[tuple[int, int]], Sequence[int]]],
    shared: int,
) -> Iterator[Words]:
    """Which words begin in each window of an example, by the first character of each word.

    Args:
        number: of the example.
        starts: the first character of each of its words.
        windows: from left to right, of each token its characters, and whether the tokenizer added it.
        shared: how many tokens two neighbours have in common.
    """
    before = _NO_WORD  # the word of the last token before the window; if it goes on here, it began there
    for spans, is_added in windows:
        # Of "big cats run", [CLS] big cat ##s run [SEP], the words start at characters 0 4 9; the tokens 1 to
        # 4 belong to the words 0 1 1 2, of which the first tokens are where the number changes: tokens 1 2 4.
        begins, ends = np.array(spans).T
        own = np.flatnonzero(np.array(is_added) == 0)
        is_left = np.arange(len(own)) < len(own) - shared
        has_characters = ends[own] > begins[own]
        own, is_left = own[has_characters], is_left[has_characters]
        of_word = words_at(starts, ends[own])
        first = np.flatnonzero(np.diff(of_word, prepend=before))
        tokens = own[first]
        yield Words(number, tokens, of_word[first], np.minimum(tokens, len(spans) - 1 - tokens))
        before = int(of_word[is_left][-1]) if is_left.any() else before
