"""Questions in the JSON of SQuAD 1.1 (Rajpurkar et al. 2016) and 2.0 (2018), and answers in contexts."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from charbert.errors import CharBertError
from charbert.noise import AttackedText
from data.examples.base import Columns, Reader
from data.examples.cells import dump_json, has_id, id_in, text_in
from data.examples.lines import read_text
from data.examples.rows import BadRows, Row, RowError, make_examples
from data.examples.types import Answer, AttackedExamples, Example, QuestionExample

PLAUSIBLE = "plausible_answers"
Maker = Callable[[Row, int], QuestionExample]


class SquadReader(Reader):
    """Questions of version 1.1 can all be answered; where `answers` are missing, nobody knows.

    Args:
        version: of the official files.
    """

    has_contexts = True
    own_task = "qa"
    endings = (".json",)

    def __init__(self, version: str) -> None:
        self.official_files = {split: {"": (f"{split}-v{version}.json",)} for split in ("train", "dev")}

    def read(self, columns: Columns, source: str, bad: BadRows, labelled: bool = True) -> Iterator[Example]:
        path = Path(source)
        return make_examples(
            _questions(path, columns.encoding), refuse_repeated_ids(_make_question), path, bad
        )

    def write_attacked(
        self, columns: Columns, path: Path, output: IO[bytes], attacked: AttackedExamples
    ) -> None:
        """As `Reader.write_attacked`. Plausible answers move with their context like the others."""
        new = {old.location: example for old, example in attacked.pairs()}
        content = _read_json(path, columns.encoding)
        for paragraph in (each for article in content["data"] for each in article["paragraphs"]):
            context = attacked.contexts.get(paragraph["context"])
            located = [(_location(path, question), question) for question in paragraph["qas"]]
            paragraph["qas"] = [
                _new_question(question, new.pop(location), paragraph["context"], context)
                for location, question in located
                if location in new
            ]
            if context:
                paragraph["context"] = context.text
        output.write(dump_json(content).encode() + b"\n")


def _read_json(path: Path, encoding: str | None) -> Any:
    try:
        return json.loads(read_text(path, encoding))
    except (ValueError, RecursionError) as error:
        raise CharBertError(f"{path}: is not JSON ({error})") from error


def _location(path: Path, question: Mapping[str, Any]) -> str:
    return f"{path}: question {question['id']}"


def _questions(path: Path, encoding: str | None) -> Iterator[Row]:
    """Each question's own keys, with the context and the title that it belongs to."""
    content = _read_json(path, encoding)
    try:
        for article in content["data"]:
            for paragraph in article["paragraphs"]:
                above = {"context": paragraph["context"], "title": article.get("title") or ""}
                for question in paragraph["qas"]:
                    yield Row(_location(path, question), {**question, **above})
    except (AttributeError, KeyError, TypeError) as error:
        raise CharBertError(
            f"{path}: not in SQuAD's form, data > paragraphs > context and qas > id ({error!r})"
        ) from error


def _make_question(row: Row, number: int) -> QuestionExample:
    context = text_in(row, "context")
    answers, answerable = _answers_in(row, context)
    return QuestionExample(
        id=text_in(row, "id"),
        question=text_in(row, "question"),
        context=context,
        answers=answers,
        answerable=answerable,
        title=text_in(row, "title"),
        location=row.location,
    )


def _answers_in(row: Row, context: str) -> tuple[tuple[Answer, ...], bool | None]:
    """The answers, and whether there is one; that is None where it is unknown."""
    impossible = row.cells.get("is_impossible")
    if "answers" not in row.cells:
        return (), False if impossible else None
    answers = check_answers(row.cells["answers"], context)
    if impossible is not None and bool(impossible) == bool(answers):
        raise RowError(f"has {len(answers)} answers, but is_impossible is {json.dumps(impossible)}")
    return answers, bool(answers)


def _new_question(
    question: Mapping[str, Any], new: QuestionExample, old_context: str, context: AttackedText | None
) -> dict[str, Any]:
    cells = {**question, "question": new.question}
    if context and new.answers:
        cells["answers"] = replace_answers(question["answers"], new.answers)
    try:  # the reader has not checked the plausible answers, as nothing is learnt from them
        plausible = check_answers(question.get(PLAUSIBLE, ()), old_context)
    except RowError:
        return cells
    if context and plausible:
        cells[PLAUSIBLE] = replace_answers(
            question[PLAUSIBLE], [answer.move(context) for answer in plausible]
        )
    return cells


def check_answers(value: Any, context: str) -> tuple[Answer, ...]:
    """Answers whose starts are given.

    Args:
        value: a list of `{"text": ..., "answer_start": ...}`, or one such dict of two lists.
        context: the text that holds them.

    Raises:
        RowError: it has another form, or an answer is not in the context at its start.
    """
    try:
        if isinstance(value, dict):
            pairs = list(zip(value["text"], value["answer_start"], strict=True))
        else:
            pairs = [(answer["text"], answer["answer_start"]) for answer in value]
    except (KeyError, TypeError, ValueError) as error:
        raise RowError("has answers that are not pairs of text and answer_start") from error
    for text, start in pairs:
        if not isinstance(text, str) or not text or not isinstance(start, int):
            raise RowError(
                f"an answer is no text with the number of its first character: {text!r}, {start!r}"
            )
        if start < 0 or not context.startswith(text, start):
            raise RowError(f"the answer {text!r} is not at character {start} of its context")
    return tuple(Answer(text, start) for text, start in pairs)


def find_answer(text: str, context: str) -> Answer:
    """An answer at its first occurrence in its context.

    Raises:
        RowError: there is none.
    """
    start = context.find(text)
    if start < 0:
        raise RowError(f"the answer {text!r} is not in its context")
    return Answer(text, start)


def replace_answers(cell: Any, answers: Sequence[Answer]) -> Any:
    """These answers (at least one) in the form of a cell: a dict of lists, a list of dicts, or a text."""
    if isinstance(cell, dict):
        return {
            **cell,
            "text": [answer.text for answer in answers],
            "answer_start": [answer.start for answer in answers],
        }
    if isinstance(cell, list):
        return [
            {**given, "text": answer.text, "answer_start": answer.start}
            for given, answer in zip(cell, answers, strict=True)
        ]
    return answers[0].text


def refuse_repeated_ids(make: Maker) -> Maker:
    """The same function, which refuses the id of an earlier question: predictions go by ids.

    A question without an id has the next number that is no id of an earlier one.
    """
    seen: set[str] = set()
    shift = 0

    def make_new(row: Row, number: int) -> QuestionExample:
        nonlocal shift
        if has_id(row):
            name = id_in(row, number)
            if name in seen:
                raise RowError(f"an earlier question has the id {name!r} too")
            seen.add(name)
            return make(row, number)
        while str(number + shift) in seen:
            shift += 1
        question = make(row, number + shift)
        seen.add(question.id)  # after it is made: a row that cannot be used takes no number
        return question

    return make_new
