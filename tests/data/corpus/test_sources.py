import bz2
import gzip
import json
import lzma
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets.distributed import split_dataset_by_node

from charbert.errors import CharBertError
from data.corpus.files import Document
from data.corpus.sources import batches, known_length, read_all, read_documents, stream_texts

DOCUMENTS = [Document(number + 7, f"Title {number}", f"Text {number}.\n\nÇa va? 日本") for number in range(9)]


def write_shard(path: Path, documents: list[Document], rows_per_group: int = 2, **columns: Any) -> None:
    found = {name: [getattr(document, name) for document in documents] for name in Document._fields}
    found |= columns
    table = pa.table({name: values for name, values in found.items() if values is not None})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=rows_per_group)


def write_json(path: Path, texts: list[str]) -> None:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """A folder of three shards, which hold `DOCUMENTS` in row groups of two."""
    for number in range(3):
        write_shard(tmp_path / "text" / f"text-{number:05d}.parquet", DOCUMENTS[3 * number : 3 * number + 3])
    return tmp_path / "text"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder that `save_to_disk` wrote, with `DOCUMENTS` and a column more."""
    rows = {name: [getattr(document, name) for document in DOCUMENTS] for name in Document._fields}
    datasets.Dataset.from_dict({**rows, "url": ["there"] * len(DOCUMENTS)}).save_to_disk(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """A hub with one dataset of three rows, whatever its name; the calls to it."""
    calls: list[tuple[Any, ...]] = []

    def load_dataset(name: str, config: str | None, split: str, streaming: bool) -> Any:
        calls.append((name, config, split, streaming))
        rows = {"id": ["12", "13", "x"], "url": ["a", "b", "c"], "text": ["One.", "Two.", "Three."]}
        return datasets.Dataset.from_dict(rows).to_iterable_dataset(num_shards=3)

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return calls


def texts(stream: Any) -> list[str]:
    return [row["text"] for row in stream]


def test_the_documents_of_a_folder_come_in_the_order_of_its_shards(shards: Path) -> None:
    assert list(read_documents(shards)) == DOCUMENTS


def test_shards_may_lie_in_folders_of_the_folder(shards: Path, tmp_path: Path) -> None:
    write_shard(tmp_path / "text" / "a" / "text-00000.parquet", DOCUMENTS[:1])
    assert list(read_documents(shards)) == [DOCUMENTS[0], *DOCUMENTS]


def test_one_shard_is_a_corpus(shards: Path) -> None:
    assert list(read_documents(shards / "text-00001.parquet")) == DOCUMENTS[3:6]


@pytest.mark.parametrize("start", range(11))
def test_documents_before_the_start_are_skipped(shards: Path, start: int) -> None:
    assert list(read_documents(shards, start)) == DOCUMENTS[start:]


def test_skipped_row_groups_are_not_read(shards: Path) -> None:
    path = shards / "text-00000.parquet"
    offset = pq.read_metadata(path).row_group(0).column(2).dictionary_page_offset
    content = bytearray(path.read_bytes())
    content[offset : offset + 8] = b"\xff" * 8
    path.write_bytes(content)
    assert list(read_documents(shards, 2)) == DOCUMENTS[2:]
    with pytest.raises(CharBertError, match="damaged"):
        read_documents(shards)


def test_an_id_that_is_no_number_becomes_the_place_in_the_source(tmp_path: Path) -> None:
    path = tmp_path / "corpus.parquet"
    write_shard(path, DOCUMENTS[:4], id=["31", "Q1", None, "4"])
    assert [document.id for document in read_documents(path)] == [31, 1, 2, 4]
    assert [document.id for document in read_documents(path, 1)] == [1, 2, 4]


def test_parquet_needs_no_more_than_text(tmp_path: Path) -> None:
    path = tmp_path / "corpus.parquet"
    pq.write_table(pa.table({"text": pa.array(["One.", None], pa.large_string())}), path)
    assert list(read_documents(path)) == [Document(0, "", "One."), Document(1, "", "")]


def test_parquet_without_text_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "corpus.parquet"
    write_shard(path, DOCUMENTS, text=None)
    with pytest.raises(CharBertError, match="no column 'text' of type string; its columns: id, title"):
        read_documents(path)


def test_parquet_with_text_that_is_no_utf8_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "corpus.parquet"
    bad = pa.Array.from_buffers(pa.string(), 1, pa.array([b"caf\xe9"]).buffers())
    pq.write_table(pa.table({"text": bad}), path)
    with pytest.raises(CharBertError, match=r"corpus\.parquet: holds text that is not UTF-8"):
        read_documents(path)


def test_a_damaged_shard_is_an_error(shards: Path) -> None:
    path = shards / "text-00002.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CharBertError, match=r"text-00002\.parquet: is damaged or no Parquet file"):
        read_documents(shards)


def test_blank_lines_separate_the_documents_of_a_text_file(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_bytes("\ufeffOne,\r\ntwo.\r\n\r\n  \n\nThree: ça.".encode())
    assert list(read_documents(path)) == [Document(0, "", "One,\ntwo."), Document(1, "", "Three: ça.")]


def test_each_line_of_a_jsonl_file_is_a_document(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    rows = [{"text": "One.\n\nTwo.", "title": "Numbers"}, {"text": "Three.", "label": 1, "id": 5}]
    path.write_text("\n\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert list(read_documents(path)) == [Document(0, "Numbers", "One.\n\nTwo."), Document(5, "", "Three.")]


@pytest.mark.parametrize(
    ("ending", "compress"), ((".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress))
)
def test_text_files_may_be_compressed(
    tmp_path: Path, ending: str, compress: Callable[[bytes], bytes]
) -> None:
    (tmp_path / f"corpus.txt{ending}").write_bytes(compress("Ça.\n\nVa?".encode()))
    (tmp_path / f"corpus.jsonl{ending}").write_bytes(compress(b'{"text": "Three."}\n'))
    found = read_all([tmp_path / f"corpus.txt{ending}", tmp_path / f"corpus.jsonl{ending}"])
    assert [document.text for document in found] == ["Ça.", "Va?", "Three."]


@pytest.mark.parametrize(
    ("ending", "compress"), ((".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress))
)
@pytest.mark.parametrize("cut", (0, 12))
def test_a_damaged_compressed_file_is_an_error(
    tmp_path: Path, ending: str, compress: Callable[[bytes], bytes], cut: int
) -> None:
    path = tmp_path / f"corpus.txt{ending}"
    path.write_bytes(compress(b"One.")[:-cut] if cut else b"One two three four.")
    with pytest.raises(CharBertError, match="is damaged or cannot be read"):
        read_documents(path)


@pytest.mark.parametrize("name", ("corpus.txt", "corpus.jsonl"))
def test_bytes_that_are_no_utf8_are_named_by_file_and_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b'{"text": "One."}\n{"text": "caf\xe9"}\n')
    with pytest.raises(CharBertError, match=rf"{name}: line 2 is not UTF-8"):
        list(read_documents(path))


def test_a_file_with_nul_bytes_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_bytes("One.\n\nTwo.".encode("utf-16-le"))
    with pytest.raises(CharBertError, match=r"corpus\.txt: line 1 holds a NUL byte"):
        read_documents(path)


@pytest.mark.parametrize("line", ("{", "[]", "7", '{"body": "One."}', '{"text": 1}', r'{"text": "\ud83d"}'))
def test_a_bad_json_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"text": "One."}\n\n' + line, encoding="utf-8")
    with pytest.raises(CharBertError, match="line 3"):
        list(read_documents(path))


@pytest.mark.parametrize("name", ("corpus.txt", "corpus.jsonl"))
@pytest.mark.parametrize("start", range(5))
def test_text_files_are_skipped_by_documents(tmp_path: Path, name: str, start: int) -> None:
    path = tmp_path / name
    if name.endswith("l"):
        write_json(path, ["One.", "Two.", "Three."])
    else:
        path.write_text("One.\n\nTwo.\n\nThree.", encoding="utf-8")
    every = list(read_documents(path))
    assert [document.id for document in every] == [0, 1, 2]
    assert list(read_documents(path, start)) == every[start:]


@pytest.mark.parametrize("start", (0, 4, 9, 10, 12))
@pytest.mark.parametrize("text_first", (True, False))
def test_several_sources_are_read_as_one(tmp_path: Path, shards: Path, start: int, text_first: bool) -> None:
    path = tmp_path / "more.jsonl"
    write_json(path, ["One.", "Two."])
    sources = [path, shards] if text_first else [shards, path]
    every = [document for source in sources for document in read_documents(source)]
    assert list(read_all(sources, start)) == every[start:]


def test_the_length_is_known_where_nothing_must_be_read(tmp_path: Path, shards: Path, saved: Path) -> None:
    path = tmp_path / "more.txt"
    path.write_text("One.", encoding="utf-8")
    assert known_length([shards, saved]) == 18
    assert known_length([shards, path]) is None


def test_a_batch_ends_at_its_characters() -> None:
    documents = [Document(number, "", "x" * number) for number in range(6)]
    assert [[document.id for document in batch] for batch in batches(documents, 5)] == [[0, 1, 2, 3], [4, 5]]


@pytest.mark.parametrize("name", ("corpus.txt", "corpus.jsonl"))
def test_a_file_without_documents_is_an_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("\n \n", encoding="utf-8")
    with pytest.raises(CharBertError, match="holds no documents"):
        read_documents(path)


def test_a_folder_without_shards_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "text-00000.partial").touch()
    with pytest.raises(CharBertError, match="holds no shards"):
        read_documents(tmp_path)


@pytest.mark.parametrize("name", ("nowhere.txt", "nowhere/a.jsonl.gz", "/nowhere/a", "nowhere"))
def test_a_missing_path_is_an_error(shards: Path, name: str) -> None:
    with pytest.raises(CharBertError, match=f"{name}: no such file"):
        read_all([shards, name])


@pytest.mark.parametrize("name", ("corpus.doc", "corpus.txt.zst", "corpus.gz"))
def test_another_kind_of_file_is_an_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.touch()
    with pytest.raises(CharBertError, match=rf"{name}: not a corpus"):
        read_documents(path)


@pytest.mark.parametrize("start", (0, 4, 9, 20))
def test_a_saved_dataset_is_a_corpus(saved: Path, start: int) -> None:
    assert list(read_documents(saved, start)) == DOCUMENTS[start:]


def test_of_a_saved_dataset_with_splits_the_first_to_read_is_train(saved: Path, tmp_path: Path) -> None:
    every = datasets.load_from_disk(saved)
    splits = datasets.DatasetDict(train=every.select(range(2)), test=every.select(range(5)))
    splits.save_to_disk(tmp_path / "splits")
    assert list(read_documents(tmp_path / "splits")) == DOCUMENTS[:2]
    assert list(read_documents(tmp_path / "splits" / "test")) == DOCUMENTS[:5]


def test_a_saved_dataset_without_train_names_its_splits(saved: Path, tmp_path: Path) -> None:
    datasets.DatasetDict(test=datasets.load_from_disk(saved)).save_to_disk(tmp_path / "splits")
    with pytest.raises(CharBertError, match=r"has no split 'train'; give one of .*splits/test"):
        read_documents(tmp_path / "splits")


def test_a_saved_dataset_without_text_is_an_error(tmp_path: Path) -> None:
    datasets.Dataset.from_dict({"input_ids": [[1]]}).save_to_disk(tmp_path / "blocks")
    with pytest.raises(CharBertError, match="no column 'text' of type string; its columns: input_ids"):
        read_documents(tmp_path / "blocks")


def test_a_dataset_of_the_hub_is_a_corpus(hub: list[tuple[Any, ...]]) -> None:
    expected = [Document(12, "", "One."), Document(13, "", "Two."), Document(2, "", "Three.")]
    assert list(read_documents("owner/name")) == expected
    assert list(read_documents("owner/name", 1)) == expected[1:]


@pytest.mark.parametrize(
    ("source", "call"),
    (
        ("owner/name", ("owner/name", None, "train", True)),
        ("owner/name:20231101.en", ("owner/name", "20231101.en", "train", True)),
        ("owner/name:en:validation", ("owner/name", "en", "validation", True)),
        ("owner/name::test", ("owner/name", None, "test", True)),
    ),
)
def test_a_name_of_the_hub_has_a_configuration_and_a_split(
    hub: list[tuple[Any, ...]], source: str, call: tuple[Any, ...]
) -> None:
    read_documents(source)
    assert hub == [call]


def test_a_path_wins_over_a_name_of_the_hub(
    shards: Path, hub: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shards.parent.parent)
    assert list(read_documents(f"{shards.parent.name}/text")) == DOCUMENTS
    assert hub == []


def test_a_hub_out_of_reach_is_told_in_one_line() -> None:
    with pytest.raises(
        CharBertError, match=r"owner/name: no such file or folder here, and no dataset.*reach"
    ):
        read_documents("owner/name")


def test_a_connection_that_breaks_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        yield {"text": "One."}
        raise ConnectionError("lost")

    stream = datasets.IterableDataset.from_generator(
        broken, features=datasets.Features({"text": datasets.Value("string")})
    )
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: stream)
    documents = read_documents("owner/name")
    assert next(documents).text == "One."
    with pytest.raises(CharBertError, match=r"owner/name: reading stopped \(lost\)"):
        next(documents)


def test_a_machine_without_datasets_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(CharBertError, match="pip install datasets"):
        read_documents("owner/name")


@pytest.fixture(params=("shards", "shard", "txt", "jsonl", "saved", "hub"))
def source(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each kind of source in turn."""
    match request.param:
        case "shards":
            return str(request.getfixturevalue("shards"))
        case "shard":
            return str(request.getfixturevalue("shards") / "text-00000.parquet")
        case "txt":
            (tmp_path / "corpus.txt").write_text("One.\n\nTwo,\nthree.\n\nFour.", encoding="utf-8")
            return str(tmp_path / "corpus.txt")
        case "jsonl":
            write_json(tmp_path / "corpus.jsonl", ["One.", "Two.", "Three."])
            return str(tmp_path / "corpus.jsonl")
        case "saved":
            return str(request.getfixturevalue("saved"))
    request.getfixturevalue("hub")
    return "owner/name"


def test_a_stream_gives_the_texts_alone(source: str) -> None:
    expected = [{"text": document.text} for document in read_documents(source)]
    assert list(stream_texts(source)) == expected


def test_a_stream_goes_on_where_its_state_was_taken(source: str) -> None:
    every, stream = texts(stream_texts(source)), stream_texts(source)
    rows = iter(stream)
    first = [next(rows)["text"] for _ in range(2)]
    resumed = stream_texts(source)
    resumed.load_state_dict(json.loads(json.dumps(stream.state_dict())))
    assert first + texts(resumed) == every


def test_two_processes_stream_each_text_once(source: str) -> None:
    ranks = [texts(split_dataset_by_node(stream_texts(source), rank, 2)) for rank in range(2)]
    assert all(ranks)
    assert sorted(chain(*ranks)) == sorted(texts(stream_texts(source)))


def test_each_row_group_can_go_to_another_process(shards: Path) -> None:
    assert stream_texts(shards).num_shards == 6


@pytest.mark.parametrize("name", ("nowhere.txt", "corpus.doc"))
def test_a_source_that_is_none_cannot_be_streamed(tmp_path: Path, name: str) -> None:
    (tmp_path / "corpus.doc").touch()
    with pytest.raises(CharBertError, match=name):
        stream_texts(tmp_path / name)
