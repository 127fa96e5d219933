"""Small runs of fine-tuning: data of a few lines, models of two layers."""

import json
from pathlib import Path
from typing import Any

import tiny
import torch
import yaml

from charbert import CharBertForPreTraining

ANIMALS, THINGS = ("dog", "fox", "dogs", "foxes"), ("word", "token", "words", "tokens")
TAGGED = [
    (f"the {adjective} {noun} jumps .".split(), f"O O B-{kind} O O".split())
    for adjective in ("quick", "brown", "lazy")
    for kind, nouns in (("ANIMAL", ANIMALS), ("THING", THINGS))
    for noun in nouns
]
SETTINGS: dict[str, Any] = {
    "max_length": 24,
    "stride": 4,
    "batch_size": 4,
    "epochs": 2,
    "learning_rate": 5e-3,
    "warmup_ratio": 0.0,
    "logging_steps": 2,
}


def save_charbert(folder: Path, seed: int = 0) -> Path:
    """A CharBERT as pre-training leaves it, and its tokenizer."""
    torch.manual_seed(seed)
    model = CharBertForPreTraining(tiny.config("bert"))
    model.set_spelling(tiny.tokenizer("bert"))
    model.save_pretrained(folder)
    tiny.tokenizer("bert").save_pretrained(folder)
    return folder


def write_conll(path: Path, sentences: list[tuple[list[str], list[str]]] = TAGGED) -> Path:
    """A file of columns."""
    blocks = ["\n".join(map(" ".join, zip(*sentence, strict=True))) for sentence in sentences]
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    return path


def write_csv(path: Path, labels: dict[str, str] | None = None) -> Path:
    """A table of texts, the class of each the kind of its noun."""
    names = labels or {"ANIMAL": "animal", "THING": "thing"}
    rows = [(" ".join(words), names[tags[2][2:]]) for words, tags in TAGGED]
    path.write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows), encoding="utf-8")
    return path


def write_squad(path: Path) -> Path:
    """A SQuAD 2.0 file: every second question has no answer."""
    questions = []
    for number, (words, _) in enumerate(TAGGED):
        context = " ".join(words)
        answers = [] if number % 2 else [{"text": words[2], "answer_start": context.index(words[2])}]
        question = {"id": str(number), "question": "the #", "answers": answers, "is_impossible": not answers}
        questions.append({"context": context, "qas": [question]})
    path.write_text(json.dumps({"version": "v2.0", "data": [{"title": "x", "paragraphs": questions}]}))
    return path


def write_finetune_config(output: Path, **changes: Any) -> Path:
    """A config beside the output folder that it names."""
    path = output.with_suffix(".yaml")
    settings = {name: str(value) if isinstance(value, Path) else value for name, value in changes.items()}
    path.write_text(yaml.safe_dump({**SETTINGS, "output": str(output), **settings}))
    return path
