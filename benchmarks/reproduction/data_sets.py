"""`python -m benchmarks reproduction-sets`: the data sets of `docs/reproduction.md`, made of published files.

All questions of QNLI's dev set stand in SQuAD's dev 1.1. Both are divided by article: what is asked about
those of `test_articles.txt`, a quarter, is tested on, and the rest is trained on.

- `qnli/train.tsv`: the dev pairs of other articles, and for each question of the other sources the sentence
  with its answer and the one that shares most words with the question, of the other sentences of its text or,
  for pairs, of 200 that are drawn. `qnli/test.tsv` and `qnli/attacked.tsv`: the rows of test articles.
- `squad2/train.json`, `squad2/test.json`: the articles of dev 2.0.
- `conll2003/attacked.txt`: the attacked test set without blanks in words, so that all rows have four columns.
"""

import csv
import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from charbert.commands.output import output_folder
from charbert.commands.paths import FILE, FOLDER
from charbert.commands.settings import REQUIRED, Settings, option
from charbert.errors import CharBertError

TEST_ARTICLES = Path(__file__).with_name("test_articles.txt")
HEADER = ("index", "question", "sentence", "label")
YES, NO = "entailment", "not_entailment"
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(])")
DRAWN = 200
TAGGED_COLUMNS = 4
Pair = tuple[str, str, str]


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
        for name, count in {
            **make_qnli(given, tested, output / "qnli"),
            **divide_squad(Path(given.squad2), tested, output / "squad2"),
        }.items():
            print(f"{name:<20}{count:>8,} examples")
        (output / "conll2003").mkdir(exist_ok=True)
        join_words(Path(given.attacked_conll), output / "conll2003" / "attacked.txt")


def make_qnli(given: SetsSettings, tested: set[str], folder: Path) -> dict[str, int]:
    """Write QNLI's three sets."""
    articles = {
        question["question"].strip(): article["title"]
        for article in _read_articles(Path(given.squad))
        for _, question in _questions(article)
    }
    trained: list[Pair] = []
    kept: list[int] = []
    for number, (_, question, sentence, label) in enumerate(_read_rows(Path(given.qnli))):
        if question.strip() not in articles:
            raise CharBertError(f"{given.qnli}: row {number + 2}: {question!r} is not in {given.squad}")
        if articles[question.strip()] in tested:
            kept.append(number)
        else:
            trained.append((question, sentence, label))
    for path in given.train:
        for article in _read_articles(Path(path)):
            for context, question in _questions(article):
                trained += pairs_of_context(
                    question["question"].strip(), context, question["answers"][0]["answer_start"]
                )
    if given.pairs:
        held = json.loads(Path(given.pairs).read_text(encoding="utf-8"))
        trained += pairs_of_sentences(held["questions"], held["answers"], random.Random(given.seed))
    folder.mkdir(exist_ok=True)
    _write_rows(folder / "train.tsv", trained)
    for name, source in (("test", given.qnli), ("attacked", given.attacked_qnli)):
        rows = list(_read_rows(Path(source)))
        _write_rows(folder / f"{name}.tsv", [rows[number][1:] for number in kept])
    return {"qnli/train": len(trained), "qnli/test": len(kept)}


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


def divide_squad(path: Path, tested: set[str], folder: Path) -> dict[str, int]:
    """Write the articles that are tested on, and the others."""
    folder.mkdir(exist_ok=True)
    parts: dict[str, list[Any]] = {"train": [], "test": []}
    for article in _read_articles(path):
        parts["test" if article["title"] in tested else "train"].append(article)
    for name, articles in parts.items():
        (folder / f"{name}.json").write_text(
            json.dumps({"version": "v2.0", "data": articles}), encoding="utf-8"
        )
    return {
        f"squad2/{name}": sum(1 for article in articles for _ in _questions(article))
        for name, articles in parts.items()
    }


def join_words(source: Path, output: Path) -> None:
    """Write a tagged file again, with words without blanks."""
    with source.open(encoding="utf-8") as rows, output.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            print(join_word(row.removesuffix("\n")), file=file)


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


def _read_articles(path: Path) -> list[Any]:
    return json.loads(path.read_text(encoding="utf-8"))["data"]


def _questions(article: Any) -> Iterator[tuple[str, Any]]:
    for paragraph in article["paragraphs"]:
        for question in paragraph["qas"]:
            yield paragraph["context"], question


def _read_rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        yield from rows


def _write_rows(path: Path, pairs: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in (HEADER, *((str(number), *pair) for number, pair in enumerate(pairs))):
            file.write("\t".join(row) + "\n")
