"""SQuAD's JSON, written anew."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from charbert.noise import AttackedText
from data.corpus.files import BYTE_ORDER_MARK, byte_lines
from data.examples.answers import stated_answers
from data.examples.rows import Fault
from data.examples.types import QuestionExample
from data.examples.writing.cells import with_answers
from data.examples.writing.style import json_style

PLAUSIBLE = "plausible_answers"


def rewritten_squad(
    path: Path, questions: Sequence[QuestionExample], contexts: Mapping[str, AttackedText]
) -> str:
    """The content of the file, with new questions and contexts.

    Args:
        path: the file.
        questions: the new ones, in its order; those of the file that are not among them are not written.
        contexts: the old contexts -> the new ones; empty if they stay. All answers move with them, also those
            that only seem right, if these stand where they say.
    """
    text = b"".join(line for _, line in byte_lines(path)).decode()
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    content = json.loads(text.removeprefix(mark))
    left = iter(questions)
    following = next(left, None)
    for article in content["data"]:
        for paragraph in article["paragraphs"]:
            context = contexts.get(paragraph["context"])
            kept = []
            for question in paragraph["qas"]:
                if following and following.location == f"{path}: question {question['id']}":
                    kept.append({**question, "question": following.question})
                    if context:
                        kept[-1] |= _moved_answers(question, following, paragraph["context"], context)
                    following = next(left, None)
            paragraph["qas"] = kept
            if context:
                paragraph["context"] = context.text
    written = json.dumps(content, **json_style(text.removeprefix(mark)))
    return mark + written + text[len(text.rstrip()) :]


def _moved_answers(
    question: dict[str, Any], new: QuestionExample, old_context: str, context: AttackedText
) -> dict[str, Any]:
    """The answers of a question, and those that only seem right, as they stand in the new context."""
    moved = {"answers": with_answers(question["answers"], new.answers)} if new.answers else {}
    try:
        # The reader has not checked these, as nothing is learnt from them.
        plausible = stated_answers(question.get(PLAUSIBLE, ()), old_context)
    except Fault:
        return moved
    if plausible:
        answers = [answer.move(context) for answer in plausible]
        moved[PLAUSIBLE] = with_answers(question[PLAUSIBLE], answers)
    return moved
