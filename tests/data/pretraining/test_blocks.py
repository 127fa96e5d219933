import pickle
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from charbert.errors import CharBertError
from data.corpus.jobs import ShardedJob
from data.pretraining.blocks import Block, Blocks, join_blocks, make_table

MADE = [
    Block(np.array([7, 8, 9]), np.array([0, 2])),
    Block(np.array([5]), np.array([0])),
    Block(np.array([1, 2, 3, 4]), np.array([0, 1, 2])),
    Block(np.array([6, 6]), np.array([0])),
]


def write(folder: Path, files: list[list[Block]], vocabulary_size: int = 10) -> Path:
    job = ShardedJob(folder, "blocks", {})
    for blocks in files:
        job.write(make_table(join_blocks(blocks), vocabulary_size), {}, {})
    return folder


def taken(blocks: Blocks, indices: list[int]) -> list[tuple[list[int], list[int]]]:
    tokens, words, rows = blocks.take(indices)
    made = []
    for first, last in pairwise(rows):
        start = words[first]
        made.append((tokens[start : words[last]].tolist(), (words[first:last] - start).tolist()))
    return made


def expected(indices: list[int]) -> list[tuple[list[int], list[int]]]:
    return [(MADE[index].token_ids.tolist(), MADE[index].word_starts.tolist()) for index in indices]


@pytest.mark.parametrize("vocabulary_size", (10, 100_000))
def test_blocks_come_back_from_any_file_in_any_order(tmp_path: Path, vocabulary_size: int) -> None:
    blocks = Blocks(write(tmp_path, [MADE[:3], MADE[3:]], vocabulary_size))
    assert len(blocks) == 4
    assert taken(blocks, [3, 0, 2, 1, 0]) == expected([3, 0, 2, 1, 0])


def test_ids_of_a_small_vocabulary_take_two_bytes(tmp_path: Path) -> None:
    assert make_table(join_blocks(MADE), 1 << 16).schema.field("input_ids").type.value_type == pa.uint16()
    wide = make_table(join_blocks(MADE), (1 << 16) + 1)
    assert wide.schema.field("input_ids").type.value_type == pa.int32()


def test_a_part_counts_from_its_own_start(tmp_path: Path) -> None:
    part = Blocks(write(tmp_path, [MADE[:3], MADE[3:]])).part(1, 4)
    assert len(part) == 3
    assert taken(part, [0, 2]) == expected([1, 3])
    assert taken(part.part(1, 2), [0]) == expected([2])


def test_another_process_gets_the_folder_and_not_the_content(tmp_path: Path) -> None:
    part = Blocks(write(tmp_path, [MADE])).part(1, 4)
    pickled = pickle.dumps(part)
    assert len(pickled) < 500
    assert taken(pickle.loads(pickled), [0, 1, 2]) == expected([1, 2, 3])


def test_blocks_are_mapped_not_read(tmp_path: Path) -> None:
    many = [Block(np.arange(1000), np.arange(1000))] * 4000
    folder = write(tmp_path, [many])
    before = pa.total_allocated_bytes()
    blocks = Blocks(folder)
    assert taken(blocks, [3999]) == [(list(range(1000)), list(range(1000)))]
    assert pa.total_allocated_bytes() - before < 100_000


def test_a_folder_without_blocks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="python -m data tokenize"):
        Blocks(tmp_path)


@pytest.mark.parametrize("content", (b"", b"something else", b"\xff\xff\xff\xff\x10\0\0\0"))
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "blocks-00000.arrow").write_bytes(content)
    with pytest.raises(CharBertError, match=r"blocks-00000\.arrow: is damaged"):
        Blocks(tmp_path)


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    with pa.OSFile(str(tmp_path / "blocks-00000.arrow"), "wb") as file:
        table = pa.table({"input_ids": [[1]]})
        with pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
    with pytest.raises(CharBertError, match="no column 'word_starts'"):
        Blocks(tmp_path)
