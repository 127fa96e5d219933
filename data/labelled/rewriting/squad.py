"""SQuAD's JSON, written anew."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from charbert.noise import AttackedText
from data.files import BYTE_ORDER_MARK, byte_lines
from data.labelled.attacked import moved_answer
from data.labelled.examples import Answer, QuestionExample
from data.labelled.rewriting.style import json_style

ANSWERS = ("answers", "plausible_answers")


def rewritten_squad(
    path: Path, questions: Sequence[QuestionExample], contexts: Mapping[str, AttackedText]
) -> str:
    """The content of the file, with new questions and contexts.

    Args:
        path: the file.
        questions: the new ones, in its order; those of the file that are not among them are not written.
        contexts: the old contexts -> the new ones; empty if they stay. All answers move with them, also those
            that only seem right.
    """
    text = b"".join(line for _, line in byte_lines(path)).decode()
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    content = json.loads(text.removeprefix(mark))
    left = iter(questions)
    following = next(left, None)
    for article in content["data"]:
        for paragraph in article["paragraphs"]:
            kept = []
            for question in paragraph["qas"]:
                if following and following.place == f"{path}: question {question['id']}":
                    kept.append({**question, "question": following.question})
                    following = next(left, None)
            paragraph["qas"] = kept
            if paragraph["context"] in contexts:
                _move_answers(paragraph, contexts[paragraph["context"]])
    written = json.dumps(content, **json_style(text.removeprefix(mark)))
    return mark + written + text[len(text.rstrip()) :]


def _move_answers(paragraph: dict[str, Any], context: AttackedText) -> None:
    for question in paragraph["qas"]:
        for answer in (answer for kind in ANSWERS for answer in question.get(kind, ())):
            old = Answer(answer["text"], answer["answer_start"])
            # The reader has checked the answers, and not those that only seem right.
            if paragraph["context"].startswith(*old):
                answer["text"], answer["answer_start"] = moved_answer(old, context)
    paragraph["context"] = context.text
