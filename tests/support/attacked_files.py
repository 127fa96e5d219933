"""The command `attack` on small files, with misspellings that the tests know."""

import json
from pathlib import Path
from typing import Any

from data.__main__ import main
from data.examples.readers import Columns, read_examples
from data.examples.rows import BadRows

MISSPELLINGS = {"paris": ["pariss"], "large": ["larg"], "france": ["farnce"]}
CONTEXT = "Paris is in France. Paris is large."
MARK = "\ufeff"
QUESTIONS: list[dict[str, Any]] = [
    {
        "question": "Where is Paris?",
        "id": "1",
        "answers": [{"text": "France", "answer_start": 12}, {"text": "in", "answer_start": 9}],
        "is_impossible": False,
    },
    {
        "question": "How large – à peu près?",
        "id": "2",
        "answers": [],
        "plausible_answers": [{"text": "large", "answer_start": 29}],
        "is_impossible": True,
    },
]
SQUAD = {
    "version": "v2.0",
    "data": [
        {
            "title": "Paris",
            "paragraphs": [{"qas": QUESTIONS, "context": CONTEXT}, {"qas": [], "context": CONTEXT}],
        }
    ],
}


def attack(path: Path, task: str, *options: str, kind: str = "natural") -> Path:
    """The file that the command writes."""
    words = path.parent / "misspellings.json"
    words.write_text(json.dumps(MISSPELLINGS))
    out = path.parent / "out" / path.name
    given = ["--misspellings", str(words)] if kind == "natural" else []
    main(["attack", str(path), "--task", task, "--output", str(out), "--kind", kind, *given, *options])
    return out


def rewritten(path: Path, task: str, content: str | bytes, *options: str) -> str:
    """The content of the file that the command makes of one with this content."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return attack(path, task, *options).read_bytes().decode()


def examples_of(path: Path, task: str, **columns: Any) -> list[Any]:
    """What fine-tuning reads, but for the locations."""
    found: Any = read_examples(Columns(task=task, **columns), str(path), BadRows())
    return [example._replace(location="") for example in found]
