"""`python -m benchmarks reproduction-sets`: the data sets of `docs/reproduction.md`, made of published files.

All questions of QNLI's dev set stand in SQuAD's dev 1.1. Both are divided by article: what is asked about
those of `test_articles.txt`, a quarter, is tested on, and the rest is trained on.

- `qnli/train.tsv`: the dev pairs of other articles, and for each question of the other sources the sentence
  with its answer and the one that shares most words with the question, of the other sentences of its text or,
  for pairs, of 200 that are drawn. `qnli/test.tsv` and `qnli/attacked.tsv`: the rows of test articles.
- `squad2/train.json`, `squad2/test.json`: the articles of dev 2.0.
- `conll2003/attacked.txt`: the attacked test set without blanks in words, so that all rows have four columns.
"""

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from charbert.commands.output import output_folder
from charbert.commands.paths import FILE, FOLDER
from charbert.commands.results import read_object
from charbert.commands.settings import REQUIRED, Settings, option
from charbert.errors import CharBertError
from data.examples.glue import ENTAILMENT
from data.examples.lines import read_lines
from data.examples.readers import Columns
from data.examples.rows import BadRows
from data.examples.types import TextExample
from finetune.metrics.prediction_files import read_labelled

TEST_ARTICLES = Path(__file__).with_name("test_articles.txt")
HEADER = ("index", "question", "sentence", "label")
YES, NO = ENTAILMENT
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(])")
DRAWN = 200
TAGGED_COLUMNS = 4
Pair = tuple[str, str, str]


class DataSet(NamedTuple):
    """What is written into a file, and how many examples it holds."""

    content: str
    examples: int


@dataclass(kw_only=True)
class SetsSettings(Settings):
    """Published files."""

    squad: str = option(REQUIRED, "SQuAD's dev-v1.1.json", reads=FILE)
    squad2: str = option(REQUIRED, "SQuAD's dev-v2.0.json", reads=FILE)
    train: list[str] = option(REQUIRED, "SQuAD files of other articles, for QNLI", reads=FILE)
    pairs: str | None = option(None, "JSON of `questions`, and of `answers`, their sentences", reads=FILE)
    qnli: str = option(REQUIRED, "QNLI's dev.tsv", reads=FILE)
    attacked_qnli: str = option(REQUIRED, "the same, attacked", reads=FILE)
    attacked_conll: str = option(REQUIRED, "CoNLL-2003's testb, attacked", reads=FILE)
    output: str = option(REQUIRED, "folder to write", writes=FOLDER)
    overwrite: bool = option(False, "write into a folder that holds something")
    seed: int = option(0, "of the sentences that are drawn")


def run(given: SetsSettings) -> None:
    """Write all sets, and print how many examples each has."""
    tested = set(TEST_ARTICLES.read_text(encoding="utf-8").split())
    with output_folder(given) as output:
        sets = {**make_qnli(given, tested), **divide_squad(given.squad2, tested)}
        sets["conll2003/attacked.txt"] = join_words(Path(given.attacked_conll))
        for name, made in sets.items():
            (output / name).parent.mkdir(exist_ok=True)
            (output / name).write_text(made.content, encoding="utf-8", newline="\n")
            print(f"{name:<24}{made.examples:>8,} examples")


def make_qnli(given: SetsSettings, tested: set[str]) -> dict[str, DataSet]:
    """QNLI's three sets, by the names of their files."""
    articles = {example.question.strip(): example.title for example in _read("squad", given.squad)}
    pairs, attacked = _read("qnli", given.qnli), _read("qnli", given.attacked_qnli)
    if len(attacked) != len(pairs):
        raise CharBertError(
            f"{given.attacked_qnli}: holds {len(attacked)} pairs, and {given.qnli} {len(pairs)}; give these "
            "attacked"
        )
    trained: list[Pair] = []
    kept: list[int] = []
    for number, example in enumerate(pairs):
        if example.text.strip() not in articles:
            raise CharBertError(f"{example.location}: {example.text!r} is not in {given.squad}")
        if articles[example.text.strip()] in tested:
            kept.append(number)
        else:
            trained.append(_as_pair(example))
    for example in (each for path in given.train for each in _read("squad", path) if each.answers):
        trained += pairs_of_context(example.question.strip(), example.context, example.answers[0].start)
    if given.pairs:
        trained += pairs_of_sentences(*_read_sentences(Path(given.pairs)), random.Random(given.seed))
    return {
        "qnli/train.tsv": _as_table(trained),
        "qnli/test.tsv": _as_table([_as_pair(pairs[number]) for number in kept]),
        "qnli/attacked.tsv": _as_table([_as_pair(attacked[number]) for number in kept]),
    }


def _read(task: str, source: str) -> list[Any]:
    return read_labelled(Columns(task=task), source, BadRows())


def _as_pair(example: TextExample) -> Pair:
    return example.text, str(example.pair), str(example.label)


def _read_sentences(path: Path) -> tuple[list[str], list[str]]:
    """Questions, and the sentence with the answer to each."""
    content = read_object(path, questions=list, answers=list)
    questions, answers = content["questions"], content["answers"]
    if len(questions) != len(answers) or not all(isinstance(text, str) for text in questions + answers):
        raise CharBertError(f"{path}: must hold texts as `questions`, and as many as `answers`")
    return questions, answers


def pairs_of_context(question: str, context: str, answer_start: int) -> Iterator[Pair]:
    """The sentence with the answer, and of the others the one that shares most words with the question."""
    cuts = [0, *(found.end() for found in SENTENCE_END.finditer(context)), len(context)]
    spans = list(pairwise(cuts))
    right = next(number for number, (_, end) in enumerate(spans) if answer_start < end)
    sentences = [" ".join(context[start:end].split()) for start, end in spans]
    yield question, sentences[right], YES
    if others := [sentence for number, sentence in enumerate(sentences) if number != right]:
        yield question, _most_alike(question, others), NO


def pairs_of_sentences(
    questions: Sequence[str], sentences: Sequence[str], draw: random.Random
) -> Iterator[Pair]:
    """Each question with its sentence, and with the most alike of those that are drawn from the others."""
    for question, sentence in zip(questions, sentences, strict=True):
        yield " ".join(question.split()), " ".join(sentence.split()), YES
        drawn = draw.sample(sentences, min(DRAWN, len(sentences)))
        if others := [other for other in drawn if other != sentence]:
            yield " ".join(question.split()), " ".join(_most_alike(question, others).split()), NO


def divide_squad(path: str, tested: set[str]) -> dict[str, DataSet]:
    """The articles that are tested on, and the others, by the names of their files."""
    titles = [example.title for example in _read("squad2", path)]  # which checks the file, too
    sets = {}
    for name, is_test in (("train", False), ("test", True)):
        articles = [
            each for each in read_object(Path(path))["data"] if (each.get("title") in tested) == is_test
        ]
        examples = sum((title in tested) == is_test for title in titles)
        sets[f"squad2/{name}.json"] = DataSet(json.dumps({"version": "v2.0", "data": articles}), examples)
    return sets


def join_words(path: Path) -> DataSet:
    """A tagged file with words without blanks."""
    rows = []
    for number, row in read_lines(path, BadRows()):
        if 0 < len(row.split()) < TAGGED_COLUMNS:
            raise CharBertError(f"{path}: row {number}: has no {TAGGED_COLUMNS} columns")
        rows.append(join_word(row))
    sentences = sum(1 for row, after in pairwise([*rows, ""]) if row and not after)
    return DataSet("".join(f"{row}\n" for row in rows), sentences)


def join_word(row: str) -> str:
    """A row of a tagged file whose first column, the word, holds no blanks."""
    columns = row.split()
    if len(columns) <= TAGGED_COLUMNS:
        return row
    return " ".join(["".join(columns[: 1 - TAGGED_COLUMNS]), *columns[1 - TAGGED_COLUMNS :]])


def _most_alike(question: str, sentences: Sequence[str]) -> str:
    asked = _words(question)
    return max(sentences, key=lambda sentence: len(asked & _words(sentence)))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _as_table(pairs: Sequence[Pair]) -> DataSet:
    rows = (HEADER, *((str(number), *pair) for number, pair in enumerate(pairs)))
    return DataSet("".join("\t".join(row) + "\n" for row in rows), len(pairs))
