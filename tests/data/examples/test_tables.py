import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from charbert.errors import CharBertError
from data.examples.readers import Columns, read_examples
from data.examples.rows import BadRows
from data.examples.tables import read_table

datasets = pytest.importorskip("datasets")

CELLS = [
    {"text": "One.", "label": "a"},
    {"text": 'Two, "three"\nand four', "label": "b"},
    {"text": "日本 \u2028 ça", "label": ""},
]


def write(path: Path, content: str | bytes) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def cells_of(source: str, skip: bool = False) -> list[dict[str, Any]]:
    return [row.cells for row in read_table(source, BadRows(skip))]


def faults_of(source: str) -> tuple[list[dict[str, Any]], str | None]:
    """The usable rows, and what is said of the others."""
    bad = BadRows(skip=True)
    return [row.cells for row in read_table(source, bad)], bad.summary()


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    """`CELLS` in CSV."""
    path = tmp_path / "table.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["text", "label"])
        writer.writeheader()
        writer.writerows(CELLS)
    return path


def test_cells_of_csv_may_hold_commas_quotes_and_line_breaks(csv_file: Path) -> None:
    assert cells_of(str(csv_file)) == CELLS


def test_a_row_of_csv_is_placed_by_its_number_and_by_its_line_where_that_is_another(csv_file: Path) -> None:
    places = [row.location for row in read_table(str(csv_file), BadRows())]
    assert places == [f"{csv_file}: row {place}" for place in ("2", "3", "4 (line 5)")]


def test_windows_lines_and_a_byte_order_mark_are_simply_read(tmp_path: Path) -> None:
    source = write(tmp_path / "t.csv", '\ufeff"text",label\r\n"One\r\ntwo",a\r\nThree,b\r\n')
    assert cells_of(source) == [{"text": "One\r\ntwo", "label": "a"}, {"text": "Three", "label": "b"}]


def test_a_csv_cell_of_a_hundred_thousand_words_is_simply_read(tmp_path: Path) -> None:
    long = " ".join(["word"] * 100_000)
    limit = csv.field_size_limit()
    assert cells_of(write(tmp_path / "t.csv", f"text,label\n{long},a\n")) == [{"text": long, "label": "a"}]
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize("ending", ("csv", "tsv"))
def test_blank_lines_are_no_rows(tmp_path: Path, ending: str) -> None:
    tab = "," if ending == "csv" else "\t"
    source = write(tmp_path / f"t.{ending}", f"a{tab}b\n\n1{tab}2\n  \n\n")
    assert cells_of(source) == [{"a": "1", "b": "2"}]


def test_a_blank_line_is_an_empty_cell_in_tsv_of_one_column(tmp_path: Path) -> None:
    assert cells_of(write(tmp_path / "t.tsv", "text\nOne\n\n")) == [{"text": "One"}, {"text": ""}]


def test_quotes_mean_nothing_in_tsv(tmp_path: Path) -> None:
    source = write(tmp_path / "t.tsv", 'text\tlabel\n"One\ta\nTwo " \tb"\n')
    assert cells_of(source) == [{"text": '"One', "label": "a"}, {"text": 'Two " ', "label": 'b"'}]


@pytest.mark.parametrize(
    ("name", "content"), (("t.csv", "a,b\n1,2\n3\n4,5,6\n7,8\n"), ("t.tsv", "a\tb\n1\t2\n3\n4\t5\t6\n7\t8\n"))
)
def test_a_row_with_another_number_of_cells_than_the_header_is_bad(
    tmp_path: Path, name: str, content: str
) -> None:
    cells, faults = faults_of(write(tmp_path / name, content))
    assert cells == [{"a": "1", "b": "2"}, {"a": "7", "b": "8"}]
    assert faults == (
        f"2 rows left out:\n  {tmp_path / name}: row 3: has 1 cells, and the header 2"
        f"\n  {tmp_path / name}: row 4: has 3 cells, and the header 2"
    )


@pytest.mark.parametrize("header", ("text,,label", "text, "))
def test_a_column_without_a_name_is_an_error(tmp_path: Path, header: str) -> None:
    with pytest.raises(CharBertError, match=r"t\.csv: row 1: column 2 has no name"):
        cells_of(write(tmp_path / "t.csv", f"{header}\n1,2,3\n"), skip=True)


@pytest.mark.parametrize(("name", "header"), (("t.csv", "text,label,text"), ("t.tsv", "text\tlabel\ttext")))
def test_two_columns_of_one_name_are_an_error(tmp_path: Path, name: str, header: str) -> None:
    with pytest.raises(CharBertError, match="row 1: two columns have the name 'text'"):
        cells_of(write(tmp_path / name, f"{header}\n"), skip=True)


def test_csv_that_is_not_utf8_loses_that_row_alone(tmp_path: Path) -> None:
    source = write(tmp_path / "t.csv", b'text,label\nOne,a\n"caf\xe9\ntwo",b\nThree,c\n')
    cells, faults = faults_of(source)
    assert cells == [{"text": "One", "label": "a"}, {"text": "Three", "label": "c"}]
    assert faults == f"1 row left out:\n  {source}: row 3: is not UTF-8"


def test_csv_with_a_quote_out_of_place_loses_that_row_alone(tmp_path: Path) -> None:
    cells, faults = faults_of(write(tmp_path / "t.csv", 'text,label\n"One" more,a\nTwo,b\n'))
    assert cells == [{"text": "Two", "label": "b"}]
    assert "row 2: is not CSV: a quote or line break is out of place" in (faults or "")


@pytest.mark.parametrize("later", ("Three,c\n", '"Three",c\n', 'Three,"c"\n"",""\n'))
def test_a_quote_that_is_never_closed_is_named_where_it_opens_and_drops_no_later_row(
    tmp_path: Path, later: str
) -> None:
    source = write(tmp_path / "t.csv", f'text,label\nOne,a\n"Two,b\n{later}\n"Four\n",d\n')
    with pytest.raises(CharBertError, match=r"t\.csv: row 3: is not CSV"):
        cells_of(source)
    cells, faults = faults_of(source)
    assert [each["text"] for each in cells if each["text"]] == ["One", "Three", "Four\n"]
    assert (faults or "").startswith("1 row left out")


def test_tsv_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match=r"t\.tsv: row 3: is not UTF-8"):
        cells_of(write(tmp_path / "t.tsv", b"text\nOne\ncaf\xe9\n"))


@pytest.mark.parametrize("name", ("t.jsonl", "t.json"))
def test_each_line_of_json_is_a_row(tmp_path: Path, name: str) -> None:
    rows = [{"text": "One\n\u2028", "label": 1}, {"text": None, "words": ["a", "b"]}]
    source = write(tmp_path / name, "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    assert cells_of(source) == rows
    assert [row.location for row in read_table(source, BadRows())] == [f"{source}: row 1", f"{source}: row 3"]


@pytest.mark.parametrize(
    ("line", "fault"),
    (
        ('{"text": ', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"n": ' + "9" * 5_000 + "}", "is not JSON"),
        ("7", "is no JSON object"),
        ('["One."]', "is no JSON object"),
    ),
    ids=("cut", "deep", "long-number", "number", "list"),
)
def test_a_bad_line_of_json_is_named(tmp_path: Path, line: str, fault: str) -> None:
    with pytest.raises(CharBertError, match=rf"t\.jsonl: row 2: {fault}"):
        cells_of(write(tmp_path / "t.jsonl", f'{{"text": "One."}}\n{line}\n'))


@pytest.mark.parametrize("content", ('[{"text": "One."}]', '[\n{"text": "One."}\n]\n'))
def test_a_json_list_is_an_error_that_says_what_to_do(tmp_path: Path, content: str) -> None:
    with pytest.raises(
        CharBertError, match=r"t\.json: is one JSON list; write each of its objects on a line"
    ):
        cells_of(write(tmp_path / "t.json", content), skip=True)


@pytest.mark.parametrize(
    ("name", "content"),
    (("T.CSV.gz", "text,label\nOne,a\n"), ("t.tsv.gz", "text\tlabel\nOne\ta\n"), ("t.jsonl.gz", "")),
)
def test_text_may_be_compressed(tmp_path: Path, name: str, content: str) -> None:
    source = write(tmp_path / name, gzip.compress((content or '{"text": "One", "label": "a"}').encode()))
    assert cells_of(source) == [{"text": "One", "label": "a"}]


def test_a_parquet_file_is_a_table(tmp_path: Path) -> None:
    columns = {"text": ["One", None], "label": [1, 0], "words": [["a", "b"], []], "kind": ["x", "y"]}
    table = pa.table({**columns, "kind": pa.array(columns["kind"]).dictionary_encode()})
    path = tmp_path / "t.parquet"
    pq.write_table(table, path, row_group_size=1)
    rows = list(read_table(str(path), BadRows()))
    assert [row.cells for row in rows] == [
        {"text": "One", "label": 1, "words": ["a", "b"], "kind": "x"},
        {"text": None, "label": 0, "words": [], "kind": "y"},
    ]
    assert [row.location for row in rows] == [f"{path}: row 1", f"{path}: row 2"]


def test_parquet_that_is_not_utf8_loses_that_row_alone(tmp_path: Path) -> None:
    raw = pa.array([b"One", b"caf\xe9", b"Three"])
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"text": pa.Array.from_buffers(pa.string(), 3, raw.buffers())}), path)
    cells, faults = faults_of(str(path))
    assert cells == [{"text": "One"}, {"text": "Three"}]
    assert faults == f"1 row left out:\n  {path}: row 2: is not UTF-8"


def test_a_damaged_parquet_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match=r"t\.parquet: is damaged or no Parquet file"):
        cells_of(write(tmp_path / "t.parquet", b"PAR1"))


def test_two_columns_of_one_name_in_parquet_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), path)
    with pytest.raises(CharBertError, match=r"t\.parquet: two columns have the name 'a'"):
        cells_of(str(path))


def labelled_dataset() -> Any:
    """Two rows with classes, alone and in a list; the second has no class."""
    features = datasets.Features(
        {
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["bad", "good"]),
            "tags": datasets.List(datasets.ClassLabel(names=["O", "B-X"])),
        }
    )
    rows = {"text": ["One", "Two"], "label": [1, -1], "tags": [[0, 1], []]}
    return datasets.Dataset.from_dict(rows, features=features)


NAMED = [
    {"text": "One", "label": "good", "tags": ["O", "B-X"]},
    {"text": "Two", "label": None, "tags": []},
]


def test_classes_of_a_saved_dataset_come_by_name(tmp_path: Path) -> None:
    labelled_dataset().save_to_disk(tmp_path / "saved")
    assert cells_of(str(tmp_path / "saved")) == NAMED


def test_classes_of_parquet_that_datasets_wrote_come_by_name(tmp_path: Path) -> None:
    labelled_dataset().to_parquet(tmp_path / "t.parquet")
    assert cells_of(str(tmp_path / "t.parquet")) == NAMED


LABEL = datasets.ClassLabel(names=["x", "y"])


@pytest.mark.parametrize(
    ("feature", "cell", "expected"),
    (
        (datasets.Sequence(LABEL), [1, -1, 0], ["y", None, "x"]),
        (datasets.List(datasets.List(LABEL)), [[1], []], [["y"], []]),
        ({"a": LABEL, "feature": datasets.Value("int64")}, {"a": 1, "feature": 1}, {"a": "y", "feature": 1}),
        (
            datasets.Sequence({"a": LABEL, "b": datasets.Value("int64")}),
            {"a": [0], "b": [1]},
            {"a": ["x"], "b": [1]},
        ),
        (datasets.List({"a": LABEL}), [{"a": 0}], [{"a": "x"}]),
        (datasets.ClassLabel(num_classes=2), 1, "1"),
        (datasets.Value("int64"), -1, -1),
        (LABEL, None, None),
    ),
)
def test_classes_have_their_names_wherever_they_stand(
    tmp_path: Path, feature: Any, cell: Any, expected: Any
) -> None:
    data = datasets.Dataset.from_dict({"feature": [cell]}, features=datasets.Features({"feature": feature}))
    data.save_to_disk(tmp_path / "saved")
    data.to_parquet(tmp_path / "t.parquet")
    for name in ("saved", "t.parquet"):
        assert cells_of(str(tmp_path / name)) == [{"feature": expected}]


def test_a_class_without_a_name_is_a_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    labelled_dataset().to_parquet(path)
    table = pq.read_table(path)
    pq.write_table(table.set_column(1, table.schema.field(1), pa.array([7, 0])), path)
    cells, faults = faults_of(str(path))
    assert cells == [{"text": "Two", "label": "bad", "tags": []}]
    assert faults == f"1 row left out:\n  {path}: row 1: has the class 7, and the file names 2, from 0"


def test_a_note_of_another_form_names_no_classes(tmp_path: Path) -> None:
    for note in (b"{", b"[]", b'{"info": {"features": [1]}}', b'{"info": {"features": {"label": 1}}}'):
        table = pa.table({"label": [1]}).replace_schema_metadata({b"huggingface": note})
        pq.write_table(table, tmp_path / "t.parquet")
        assert cells_of(str(tmp_path / "t.parquet")) == [{"label": 1}]


def test_a_dataset_saved_for_another_library_gives_plain_values(tmp_path: Path) -> None:
    labelled_dataset().with_format("numpy").save_to_disk(tmp_path / "saved")
    assert cells_of(str(tmp_path / "saved")) == NAMED


def test_of_a_saved_dataset_with_splits_one_is_named_as_a_folder(tmp_path: Path) -> None:
    every = labelled_dataset()
    datasets.DatasetDict(train=every, test=every.select([1])).save_to_disk(tmp_path / "splits")
    assert cells_of(str(tmp_path / "splits" / "test")) == NAMED[1:]
    assert cells_of(str(tmp_path / "splits")) == NAMED


def test_a_dataset_of_the_hub_is_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def load_dataset(name: str, config: str | None, split: str, streaming: bool) -> Any:
        calls.append((name, config, split, streaming))
        return labelled_dataset().to_iterable_dataset()

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    rows = list(read_table("owner/name:en:test", BadRows()))
    assert [row.cells for row in rows] == NAMED
    assert rows[1].location == "owner/name:en:test: row 2"
    assert calls == [("owner/name", "en", "test", True)]


def test_a_connection_that_breaks_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        yield {"text": "One"}
        raise ConnectionError("lost")

    monkeypatch.setattr(
        datasets, "load_dataset", lambda *_, **__: datasets.IterableDataset.from_generator(broken)
    )
    with pytest.raises(CharBertError, match=r"owner/name: reading stopped \(lost\)"):
        cells_of("owner/name")


@pytest.mark.parametrize("source", ("nowhere/t.csv", "nowhere/t.tsv.gz", "/nowhere/t.parquet", "nowhere"))
def test_a_missing_file_is_an_error_and_no_name_of_the_hub(source: str) -> None:
    with pytest.raises(CharBertError, match=f"^{source}: no such file or folder$"):
        cells_of(source)


@pytest.mark.parametrize("name", ("t.xlsx", "t", "t.parquet.gz"))
def test_another_kind_of_file_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(CharBertError, match=rf"{name}: no table that can be read; give a file \.csv"):
        cells_of(write(tmp_path / name, b"x"))


def test_a_folder_that_is_no_dataset_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="no folder that `save_to_disk` wrote"):
        cells_of(str(tmp_path))


@pytest.mark.parametrize("name", ("t.csv", "t.tsv", "t.jsonl"))
def test_an_empty_file_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(CharBertError, match=f"{name}: is empty"):
        cells_of(write(tmp_path / name, b""), skip=True)


@pytest.mark.parametrize("word", ("", " ", "a\tb", "a\nb"))
def test_what_is_no_word_is_bad(tmp_path: Path, word: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"words": ["a", word]}) + "\n", encoding="utf-8")
    with pytest.raises(CharBertError, match=r"row 1: column 'words' holds .*, which is no word"):
        list(read_examples(Columns(task="tagging"), str(path), BadRows(), labelled=False))
