"""The tasks by name: where their data stands."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from charbert.errors import CharBertError
from data.examples.readers import read_examples
from data.examples.rows import BadRows
from finetune.datasets import find_sources
from finetune.settings import FinetuneSettings
from finetune.tasks.registry import TASKS, find_labels, make_task


def settings(task: str, **given: Any) -> FinetuneSettings:
    return FinetuneSettings(task=task, model="m", output="o", **given)


@pytest.mark.parametrize(
    ("task", "files"),
    [
        ("ner", ("eng.train", "eng.testa", "eng.testb")),
        ("ner", ("train.txt", "valid.txt", "test.txt")),
        ("pos", ("en_ewt-ud-train.conllu", "en_ewt-ud-dev.conllu", "en_ewt-ud-test.conllu")),
        ("cola", ("train.tsv", "dev.tsv", "test.tsv")),
        ("squad", ("train-v1.1.json", "dev-v1.1.json")),
        ("squad2", ("train-v2.0.json", "dev-v2.0.json")),
    ],
)
def test_official_names_are_found_in_a_folder(task: str, files: tuple[str, ...], tmp_path: Path) -> None:
    for name in files:
        (tmp_path / name).touch()
    given = settings(task, data=str(tmp_path))
    found = [find_sources(given, split) for split in ("train", "dev", "test")]
    assert found[: len(files)] == [{"": str(tmp_path / name)} for name in files]
    assert found[len(files) :] == [{}] * (3 - len(files))


def test_both_dev_sets_of_mnli_are_found(tmp_path: Path) -> None:
    for name in ("dev_matched.tsv", "dev_mismatched.tsv"):
        (tmp_path / name).touch()
    assert find_sources(settings("mnli", data=str(tmp_path)), "dev") == {
        "": str(tmp_path / "dev_matched.tsv"),
        "mismatched": str(tmp_path / "dev_mismatched.tsv"),
    }


def test_a_named_file_wins_over_the_folder(tmp_path: Path) -> None:
    (tmp_path / "eng.train").touch()
    assert find_sources(settings("ner", data=str(tmp_path), train="mine.txt"), "train") == {"": "mine.txt"}


def test_what_a_folder_lacks_is_told(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match=r"has no eng\.train or .*; name the file with --train"):
        find_sources(settings("ner", data=str(tmp_path)), "train")
    with pytest.raises(CharBertError, match="data of your own: name its files with --train"):
        find_sources(settings("text", data=str(tmp_path)), "train")


def test_columns_of_ones_own_are_read(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("first\tsecond\tsays\nthe dog\ta dog\tyes\n")
    given = settings("text", text_column="first", pair_column="second", label_column="says")
    (example,) = read_examples(given, str(path), BadRows())
    assert (example.text, example.pair, example.label) == ("the dog", "a dog", "yes")
    (example,) = read_examples(given, str(path), BadRows(), labelled=False)
    assert example.label is None


def test_tags_are_read_as_iob2(tmp_path: Path) -> None:
    path = tmp_path / "eng.train"
    path.write_text("EU NNP I-ORG\nrejects VBZ O\n")
    (example,) = read_examples(settings("ner"), str(path), BadRows())
    assert example.tags == ("B-ORG", "O")
    (example,) = read_examples(settings("pos", tag_number=1), str(path), BadRows())
    assert example.tags == ("NNP", "VBZ")


def test_tagging_takes_tables_and_columns(tmp_path: Path) -> None:
    columns, table = tmp_path / "x.conll", tmp_path / "x.jsonl"
    columns.write_text("a X\ndog Y\n")
    table.write_text('{"words": ["a", "dog"], "tags": ["X", "Y"]}\n')
    for path in (columns, table):
        (example,) = read_examples(settings("tagging"), str(path), BadRows())
        assert (example.words, example.tags) == (("a", "dog"), ("X", "Y"))


def test_labels_are_those_of_the_training_data_sorted(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("text,label\na,y\nb,x\nc,y\n")
    given = settings("text")
    examples = list(read_examples(given, str(path), BadRows()))
    assert find_labels("text", examples, vars(given)) == ["x", "y"]
    with pytest.raises(CharBertError, match="has no label but 'y', and two"):
        find_labels("text", examples[:1], vars(given))


def test_labels_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('text,label\na,"x\ny"\nb,z\n')
    given = settings("text")
    with pytest.raises(CharBertError, match="holds a tab or a line break"):
        find_labels("text", list(read_examples(given, str(path), BadRows())), vars(given))


def test_tags_that_are_no_entities_are_refused_for_entities() -> None:
    with pytest.raises(CharBertError, match=r"ner: the tags mark entities in none .* but are NN, O"):
        make_task("ner", ["NN", "O"], {})
    assert make_task("tagging", ["NN", "O"], {}).metric == "accuracy"


def test_compressed_files_are_known_by_their_form(tmp_path: Path) -> None:
    path = tmp_path / "x.conll.gz"
    path.write_bytes(gzip.compress(b"a X\ndog Y\n"))
    (example,) = read_examples(settings("tagging"), str(path), BadRows())
    assert example.words == ("a", "dog")


@pytest.mark.parametrize("task", TASKS)
def test_every_task_can_be_made(task: str) -> None:
    made = make_task(task, ["B-X", "O"], {})
    assert made.metric
    assert made.ending.startswith(".")
