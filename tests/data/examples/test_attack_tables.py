"""`python -m data attack` on tables: what changes in them, and what they keep."""

import bz2
import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from attacked_files import CONTEXT, MARK, attack, examples_of, rewritten

from charbert.noise import Attack
from data.examples.rows import BadRows
from data.examples.tables import read_table, write_table
from data.examples.types import attack_examples

TABLES = {
    "cola.tsv": (
        "cola",
        'gj04\t1\t\tParis is.\r\ngj04\t0\t*\tIt "is" large.\r\n',
        'gj04\t1\t\tPariss is.\r\ngj04\t0\t*\tIt "is" larg.\r\n',
    ),
    "qnli.tsv": (
        "qnli",
        "index\tquestion\tsentence\tlabel\n0\tIs Paris?\t Large,  Paris\tentailment\n\n",
        "index\tquestion\tsentence\tlabel\n0\tIs Pariss?\t Larg,  Pariss\tentailment\n\n",
    ),
    "mrpc.txt": (
        "mrpc",
        "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t12\t13\tParis\tParis 1.0\r\n",
        "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t12\t13\tPariss\tPariss 1.0\r\n",
    ),
    "qqp.tsv": ("qqp", "1\tParis\tlarge\t7\n", "1\tPariss\tlarg\t7\n"),
    "own.tsv": (
        "text",
        'label\ttext\nParis\t"Paris\nlarge\tnone\n',
        'label\ttext\nParis\t"Pariss\nlarge\tnone\n',
    ),
    "mark.tsv": (
        "text",
        f"text\tlabel\n{MARK}Paris\t{MARK}\n",
        f"text\tlabel\n{MARK}Pariss\t{MARK}\n",
    ),
    "mark.csv": (
        "text",
        f"text,label\n{MARK}Paris,{MARK}\n{MARK}1,Paris\n",
        f"text,label\n{MARK}Pariss,{MARK}\n{MARK}1,Paris\n",
    ),
    "own.csv": (
        "text",
        'text,label,note\n"Paris, ""large""\nand",Paris,x\n\nParis,"a""b",\n",",,Paris\n',
        'text,label,note\n"Pariss, ""larg""\nand",Paris,x\n\nPariss,"a""b",\n",",,Paris\n',
    ),
    "quoted.csv": (
        "text",
        '"text","label"\r\n"Paris","1"\r\n"x\ny",""\r\n',
        '"text","label"\r\n"Pariss","1"\r\n"x\ny",""\r\n',
    ),
    "own.jsonl": (
        "text",
        '{"text": "Paris", "x": {"y": [1.5, null]}}\n{"label": "é", "text": "in Paris\\u001c"}\n'
        '{"label": "\\u00e9", "text": "Paris", "x": "\\ud800"}\n{"text": "none", "x": 1000.0}\n',
        '{"text": "Pariss", "x": {"y": [1.5, null]}}\n{"label": "é", "text": "in Pariss\\u001c"}\n'
        '{"label": "\\u00e9", "text": "Pariss", "x": "\\ud800"}\n{"text": "none", "x": 1000.0}\n',
    ),
}
ANSWERS = {
    "two lists": (
        {"text": ["France", "in"], "answer_start": [12, 9]},
        {"text": ["Farnce", "in"], "answer_start": [13, 10]},
    ),
    "a list of both": (
        [{"text": "France", "answer_start": 12, "by": "x"}, {"text": "in", "answer_start": 9}],
        [{"text": "Farnce", "answer_start": 13, "by": "x"}, {"text": "in", "answer_start": 10}],
    ),
    "a text": ("France", "Farnce"),
    "nothing": (None, None),
}


@pytest.mark.parametrize("name", TABLES)
def test_the_texts_change_and_no_other_cell(name: str, tmp_path: Path) -> None:
    task, content, expected = TABLES[name]
    assert rewritten(tmp_path / name, task, content) == expected


@pytest.mark.parametrize("name", TABLES)
def test_at_a_rate_of_zero_the_table_is_the_same(name: str, tmp_path: Path) -> None:
    task, content, _ = TABLES[name]
    assert rewritten(tmp_path / name, task, content, "--rate", "0") == content


def test_a_table_that_is_written_otherwise_gets_the_plain_form(tmp_path: Path) -> None:
    content = f'{MARK}"text","x"y\r\nParis,a"b\n"in",\n'.replace('"x"y', "x")
    assert rewritten(tmp_path / "own.csv", "text", content) == 'text,x\r\nPariss,"a""b"\r\nin,\r\n'
    content = '{"x":1e3,"text":"Stra\\u00dfe Paris"}'
    assert rewritten(tmp_path / "own.jsonl", "text", content, "--overwrite") == (
        '{"x": 1000.0, "text": "Straße Pariss"}\n'
    )


@pytest.mark.parametrize("kind", ("paper", "space", "case", "unicode"))
@pytest.mark.parametrize("name", ("cola.tsv", "qnli.tsv", "mrpc.txt", "qqp.tsv"))
def test_what_is_written_reads_as_the_attacked_examples(name: str, kind: str, tmp_path: Path) -> None:
    task, content, _ = TABLES[name]
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    examples, _ = attack_examples(examples_of(path, task), Attack(kind, seed=3))
    assert examples_of(attack(path, task, "--seed", "3", kind=kind), task) == examples


def test_columns_of_ones_own_are_named_as_in_fine_tuning(tmp_path: Path) -> None:
    content = "first,second,text\nParis,Paris,Paris\n"
    options = ("--text-column", "first", "--pair-column", "second")
    expected = "first,second,text\nPariss,Pariss,Paris\n"
    assert rewritten(tmp_path / "own.csv", "text", content, *options) == expected


@pytest.mark.parametrize("cell", ('a,"b', "a\rb", "a\n", '"', " a"))
@pytest.mark.parametrize("end", ("\n", "\r\n"))
def test_a_cell_of_csv_that_needs_quotes_now_gets_them(cell: str, end: str, tmp_path: Path) -> None:
    path, out = tmp_path / "own.csv", tmp_path / "out.csv"
    path.write_bytes(f"text,label{end}Paris,1{end}".encode())
    with out.open("wb") as file:
        write_table(path, file, lambda row: {"text": cell})
    assert [row.cells for row in read_table(str(out), BadRows())] == [{"text": cell, "label": "1"}]


@pytest.mark.parametrize("form", ANSWERS)
def test_answers_keep_their_form_and_move_with_their_contexts(form: str, tmp_path: Path) -> None:
    before, after = ANSWERS[form]
    row = json.dumps({"question": "Paris?", "context": CONTEXT, "answers": before})
    assert json.loads(rewritten(tmp_path / "own.jsonl", "qa", row, "--contexts")) == {
        "question": "Pariss?",
        "context": "Pariss is in Farnce. Pariss is larg.",
        "answers": after,
    }


def test_a_word_may_be_a_number_or_a_truth_value(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('{"words": 1999, "tags": 3}\n{"words": true, "tags": 3}\n')
    number, truth = map(json.loads, attack(path, "tagging", kind="unicode").read_text().splitlines())
    assert (number["words"][0], number["words"][-1], number["tags"]) == ("1", "9", 3)
    assert len(truth["words"]) in (4, 5)
    truth = json.loads(attack(path, "tagging", "--overwrite", kind="space").read_text().splitlines()[1])
    assert (truth["words"].replace(" ", ""), truth["tags"]) == ("true", "3 3")


def test_words_are_lists_or_texts(tmp_path: Path) -> None:
    lists = {"words": ["Paris", 12], "tags": ["B-X", "O"]}
    texts = {"words": " Paris  12\u00a0", "tags": "B-X O"}
    content = "".join(json.dumps(row) + "\n" for row in (lists, texts))
    found = map(json.loads, rewritten(tmp_path / "own.jsonl", "tagging", content).splitlines())
    assert list(found) == [{**lists, "words": ["Pariss", 12]}, {**texts, "words": "Pariss 12"}]


@pytest.mark.parametrize("as_text", (False, True))
def test_tags_follow_words_that_are_split_and_joined(as_text: bool, tmp_path: Path) -> None:
    words, tags = ["thousand", "in", "large"] * 30, ["B-X", "I-X", "O"] * 30
    row = {"words": " ".join(words), "tags": " ".join(tags)} if as_text else {"words": words, "tags": tags}
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(row))
    out = attack(path, "tagging", kind="space")
    examples, _ = attack_examples(examples_of(path, "tagging"), Attack("space"))
    assert examples_of(out, "tagging") == examples
    assert examples[0].words != tuple(words)


def test_parquet_keeps_types_groups_compression_and_metadata(tmp_path: Path) -> None:
    types = {"id": pa.int8(), "text": pa.large_string(), "label": pa.dictionary(pa.int32(), pa.string())}
    schema = pa.schema(types, metadata={"made": "by hand"})
    table = pa.table({"id": [1, 2, 3], "text": ["Paris", "x", "large"], "label": ["Paris", "y", "y"]}, schema)
    path = tmp_path / "own.parquet"
    pq.write_table(table, path, row_group_size=2, compression="gzip")
    out = attack(path, "text")
    assert pq.read_table(out).to_pydict() == {**table.to_pydict(), "text": ["Pariss", "x", "larg"]}
    with pq.ParquetFile(path) as old, pq.ParquetFile(out) as new:
        assert new.schema_arrow == old.schema_arrow
        assert new.schema_arrow.metadata[b"made"] == b"by hand"
        assert new.metadata.num_row_groups == old.metadata.num_row_groups == 2
        assert new.metadata.row_group(0).column(0).compression == "GZIP"


def test_parquet_may_hold_views_of_texts(tmp_path: Path) -> None:
    path = tmp_path / "own.parquet"
    pq.write_table(pa.table({"text": pa.array(["Paris"], pa.string_view())}), path)
    assert pq.read_table(attack(path, "text")).to_pydict() == {"text": ["Pariss"]}


def test_tags_that_are_numbers_in_parquet_stay_numbers(tmp_path: Path) -> None:
    path = tmp_path / "own.parquet"
    pq.write_table(pa.table({"words": [["thousand"] * 50], "tags": [[1] * 50]}), path)
    (row,) = pq.read_table(attack(path, "tagging", kind="space")).to_pylist()
    assert len(row["words"]) != 50
    assert row["tags"] == [1] * len(row["words"])


def test_tags_that_are_classes_of_datasets_stay_numbers(tmp_path: Path) -> None:
    features = datasets.Features(
        {
            "words": datasets.List(datasets.Value("string")),
            "tags": datasets.List(datasets.ClassLabel(names=["O", "I-X", "B-X"])),
        }
    )
    path = tmp_path / "own.parquet"
    data = datasets.Dataset.from_dict({"words": [["thousand"] * 50], "tags": [[2] * 50]}, features=features)
    data.to_parquet(path)
    out = attack(path, "tagging", kind="space")
    (row,) = pq.read_table(out).to_pylist()
    assert len(row["tags"]) > 50 and set(row["tags"]) == {1, 2}
    assert pq.read_schema(out) == pq.read_schema(path)
    (example,) = examples_of(out, "tagging")
    assert set(example.tags) == {"B-X", "I-X"}


def test_lists_that_were_saved_as_texts_stay_lists(tmp_path: Path) -> None:
    words = str(["Paris", "New York", "it's", "large"]).replace('"', '""')
    content = f'words,tags\n"{words}","[1, 1, 2, 2]"\n'
    found = rewritten(tmp_path / "own.csv", "tagging", content)
    assert found == content.replace(words, '[""Pariss"", ""New York"", ""it\'s"", ""larg""]')


@pytest.mark.parametrize(("ending", "opened"), ((".gz", gzip.open), (".bz2", bz2.open), (".xz", lzma.open)))
def test_files_are_compressed_as_their_names_say(ending: str, opened: Any, tmp_path: Path) -> None:
    path = tmp_path / f"own.tsv{ending}"
    with opened(path, "wb") as file:
        file.write(b"text\nParis\n")
    with opened(attack(path, "text"), "rb") as file:
        assert file.read() == b"text\nPariss\n"


BAD_ROWS = {
    "own.tsv": ("text", b"text\nParis\na\tb\ncaf\xe9\nlarge\n", "text\nPariss\nlarg\n"),
    "own.csv": ("text", b'text\nParis\n"a"b\ncaf\xe9\n"x\ncaf\xe9"\nlarge\n', "text\nPariss\nlarg\n"),
    "own.jsonl": ("text", b'{"text":"Paris"}\n[1]\n{"text":1,\n{"a":1}\n', '{"text": "Pariss"}\n'),
    "dev.tsv": ("sst2", b"sentence\tlabel\nParis\t1\nParis\tno\n", "sentence\tlabel\nPariss\t1\n"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_bad_rows_are_not_written_if_they_are_to_be_skipped(name: str, tmp_path: Path) -> None:
    task, content, expected = BAD_ROWS[name]
    assert rewritten(tmp_path / name, task, content, "--skip-bad-rows") == expected


def test_bad_rows_of_parquet_are_not_written_either(tmp_path: Path) -> None:
    path = tmp_path / "own.parquet"
    pq.write_table(pa.table({"text": ["Paris", None, "large"]}), path)
    out = attack(path, "text", "--skip-bad-rows")
    assert pq.read_table(out).to_pydict() == {"text": ["Pariss", "larg"]}
