from pathlib import Path

import pyarrow as pa
import pytest
import tiny

from charbert.errors import CharBertError
from data.__main__ import main
from data.corpus.jobs import ShardedJob
from data.pretraining.blocks import Block, Blocks
from data.pretraining.packing import Packer

TEXTS = [*tiny.SENTENCES, "the lazy fox", "a word", "over the dog"] * 20


@pytest.fixture
def folder(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("data.pretraining.tokenize.CHARACTERS_AT_ONCE", 500)
    monkeypatch.setattr("data.pretraining.tokenize._TOKENS_PER_FILE", 200)
    tiny.tokenizer(kind).save_pretrained(tmp_path / "tokenizer")
    (tmp_path / "text.txt").write_text("\n\n".join(TEXTS), encoding="utf-8")
    return tmp_path


def tokenize(folder: Path, *more: str, out: str = "blocks", texts: tuple[str, ...] = ("text.txt",)) -> Path:
    sources = [str(folder / text) for text in texts]
    places = ["--tokenizer", str(folder / "tokenizer"), "--output", str(folder / out)]
    main(["tokenize", *sources, *places, "--block-size", "14", *more])
    return folder / out


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.glob("*.arrow"))}


def test_the_command_writes_blocks_that_hold_the_text(kind: str, folder: Path) -> None:
    blocks = Blocks(tokenize(folder, texts=("text.txt", "text.txt")))
    separator = tiny.tokenizer(kind).sep_token_id
    tokens = [token for token in blocks.take(range(len(blocks))).token_ids.tolist() if token != separator]
    expected: list[Block] = Packer(tiny.tokenizer(kind), 10_000).blocks(TEXTS * 2)
    clean = [token for block in expected for token in block.token_ids.tolist() if token != separator]
    assert sorted(tokens) == sorted(clean)


def test_a_stopped_run_goes_on_to_the_same_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = files(tokenize(folder, out="whole"))
    assert len(whole) > 3
    written = ShardedJob.write

    def stopping(job: ShardedJob, *given: object) -> None:
        if len(files(job.folder)) == 2:
            raise KeyboardInterrupt
        written(job, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(ShardedJob, "write", stopping)
        with pytest.raises(KeyboardInterrupt):
            tokenize(folder)
    stopped = folder / "blocks"
    assert len(files(stopped)) == 2
    assert not (stopped / "results.json").exists()
    begun = {path.name: path.stat().st_mtime_ns for path in stopped.glob("*.arrow")}
    assert files(tokenize(folder)) == whole
    assert {name: (stopped / name).stat().st_mtime_ns for name in begun} == begun


def test_a_finished_run_is_not_done_again(folder: Path) -> None:
    out = tokenize(folder)
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    tokenize(folder)
    assert {path: path.stat().st_mtime_ns for path in out.iterdir() if path.name != "job.json"} == {
        path: time for path, time in before.items() if path.name != "job.json"
    }


def test_a_folder_with_other_blocks_is_refused_without_overwrite(folder: Path) -> None:
    tokenize(folder)
    with pytest.raises(CharBertError, match="block_size 14 instead of 20"):
        tokenize(folder, "--block-size", "20")
    tokenize(folder, "--block-size", "20", "--overwrite")


@pytest.mark.parametrize("changed", ("text", "tokenizer"))
def test_blocks_of_another_text_or_tokenizer_are_not_kept(folder: Path, changed: str) -> None:
    tokenize(folder)
    if changed == "text":
        (folder / "text.txt").write_text("another dog", encoding="utf-8")
    else:
        other = tiny.tokenizer("bert", do_lower_case=True)
        other.add_tokens(["foxes"])
        other.save_pretrained(folder / "tokenizer")
    with pytest.raises(CharBertError, match=f"holds another run, with {changed}"):
        tokenize(folder)


def test_an_unfinished_corpus_is_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    job = ShardedJob(folder / "text", "text", {})
    job.write(pa.table({"id": [1], "title": [""], "text": ["the dog"]}), {}, {})
    tokenize(folder, texts=("text",))
    assert "is unfinished" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"), ((None, "no such"), (b"", "no documents"), (b"the dog\n\nth\xff fox", "UTF-8"))
)
def test_text_that_cannot_be_read_is_refused(folder: Path, content: bytes | None, message: str) -> None:
    (folder / "text.txt").unlink()
    if content is not None:
        (folder / "text.txt").write_bytes(content)
    with pytest.raises(CharBertError, match=message):
        tokenize(folder)
    assert not list(folder.glob("blocks/*.arrow"))


@pytest.mark.parametrize("size", ("2", "70000"))
def test_a_block_size_out_of_range_is_refused(folder: Path, size: str) -> None:
    with pytest.raises(CharBertError, match=r"block.size.* must "):
        tokenize(folder, "--block-size", size)
    assert not (folder / "blocks").exists()
