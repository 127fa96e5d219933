"""Files of predictions, in the forms that the field's own scorers read, beside their gold examples."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from charbert.compression import text_ending
from charbert.errors import CharBertError
from data.examples.cells import id_in
from data.examples.lines import read_lines
from data.examples.readers import Columns, read_examples
from data.examples.rows import BadRows, Row, require_columns
from data.examples.tables import read_table, tsv_rows
from data.examples.types import TaggedExample, TextExample

PREDICTION = "prediction"
NO_LABEL = "has no label to compare a prediction with"
NAMES = ("index", "id")
_TABLES = (".csv", ".json", ".jsonl", ".parquet")


def read_labelled(columns: Columns, source: str, bad: BadRows) -> list[Any]:
    """The examples of a source that have labels; those without go to `bad`.

    Raises:
        CharBertError: it cannot be read, or no example is left.
    """
    kept = []
    for example in read_examples(columns, source, bad):
        if example.is_labelled:
            kept.append(example)
        else:
            bad.add(example.location, NO_LABEL)
    require_examples(kept, source)
    return kept


def require_examples(examples: Sequence[Any], source: str) -> None:
    """Refuse to score nothing.

    Raises:
        CharBertError: there are no examples.
    """
    if not examples:
        raise CharBertError(
            f"{source}: no row is left that can be scored; see its faults without --skip-bad-rows"
        )


def read_answers(path: Path) -> dict[str, str]:
    """Answers by the id of their question, from the JSON of SQuAD's scripts.

    Raises:
        CharBertError: the file cannot be read or is of another form.
    """
    answers = _json_object(path)
    for name, text in answers.items():
        if not isinstance(text, str):
            raise CharBertError(f'{path}: the answer to {name!r} is no text; write "" where there is none')
    return answers


def read_na_probs(path: Path) -> dict[str, float]:
    """How probable it is that a question has no answer, by its id.

    Raises:
        CharBertError: the file cannot be read or is of another form.
    """
    numbers = _json_object(path)
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or math.isnan(number):
            raise CharBertError(f"{path}: the probability of {name!r} is no number; write one")
    return numbers


def read_label_rows(path: Path, bad: BadRows) -> list[Row]:
    """The rows of a table with a column `prediction`, or the lines of a file as such rows.

    Raises:
        CharBertError: the file cannot be read, or is a table without such a column.
    """
    return list(require_columns(_label_rows(path, bad), path, [PREDICTION]))


def align_rows(
    examples: Sequence[TextExample], rows: Sequence[Row], path: Path, *, complete: bool
) -> list[Row]:
    """The row of each example: that with its id, or else the one with its number.

    Args:
        examples: N examples.
        rows: N rows, also in another order where they have a column `index` or `id`.
        path: their file.
        complete: no example was left out. Otherwise there may be rows with further ids.

    Raises:
        CharBertError: an example has no row, or a row no example.
    """
    counted = [str(number) for number in range(max(len(examples), len(rows)))]
    ids = [example.id for example in examples]
    named = _rows_by_name(rows)
    if not named or (list(named) == counted[: len(rows)] and not named.keys() >= set(ids)):
        if len(rows) != len(examples):
            raise CharBertError(
                f"{path}: {len(rows)} predictions for {len(examples)} examples; give one of each, in the "
                f"same order, or name the examples in a column {NAMES[0]!r}"
            )
        return list(rows)
    for example in examples:
        if example.id not in named:
            raise CharBertError(f"{example.location}: {path} has no prediction of the example {example.id!r}")
    # Ids that only count the examples are others once one is left out.
    unknown = named.keys() - set(ids) if complete or ids == counted[: len(ids)] else set()
    for name, row in named.items():
        if name in unknown:
            raise CharBertError(f"{row.location}: the right answers have no example {name!r}; leave it out")
    return [named[name] for name in ids]


def align_tags(gold: Sequence[TaggedExample], predicted: Sequence[TaggedExample]) -> list[tuple[str, ...]]:
    """The predicted tags of each sentence, as the file has them.

    Raises:
        CharBertError: the sentences are others, or one has no tags.
    """
    found = []
    for number, (right, other) in enumerate(zip_longest(gold, predicted), start=1):
        if right is None or other is None:
            location = (right or other).location
            raise CharBertError(
                f"{location}: sentence {number} is in one file alone, of {len(gold)} with right tags and "
                f"{len(predicted)} with predicted ones; give both the same sentences"
            )
        words = zip_longest(right.words, other.words)
        for at, (one, instead) in enumerate(words, start=1):
            if one != instead:
                raise CharBertError(
                    f"{other.location}: sentence {number} is another one than at {right.location}: word {at} "
                    f"is {_shown(instead)} and not {_shown(one)}; give both files the same words in one order"
                )
        if other.tags is None:
            raise CharBertError(f"{other.location}: has no predicted tags; add them as the last column")
        found.append(other.tags_in_file or other.tags)
    return found


def _shown(word: str | None) -> str:
    return "missing" if word is None else repr(word)


def _json_object(path: Path) -> dict[str, Any]:
    text = "\n".join(line for _, line in read_lines(path, BadRows()))
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CharBertError(f"{path}: is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise CharBertError(f"{path}: is no JSON object; write one that has the ids of questions as its keys")
    return content


def _label_rows(path: Path, bad: BadRows) -> Iterator[Row]:
    if text_ending(path) in _TABLES:
        return read_table(str(path), bad)
    _, first = next(read_lines(path, BadRows(skip=True)), (0, ""))
    if "\t" in first or first == PREDICTION:
        return tsv_rows(path, bad)
    return (Row(f"{path}: row {number}", {PREDICTION: line}) for number, line in read_lines(path, bad))


def _rows_by_name(rows: Sequence[Row]) -> Mapping[str, Row]:
    """The rows by their index or id; nothing where they have none."""
    column = next((name for name in NAMES if rows and name in rows[0].cells), None)
    found: dict[str, Row] = {}
    if column is not None:
        for number, row in enumerate(rows):
            name = id_in(row, number, column)
            if name in found:
                raise CharBertError(f"{row.location}: the {column} {name!r} is in an earlier row too")
            found[name] = row
    return found
