"""`python -m data attack`: its options, what it tells, and what it refuses."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from attacked_files import attack

from charbert.errors import CharBertError
from charbert.noise import KINDS
from data.__main__ import main
from data.examples.readers import READERS

CONLL = "Paris O\nis O\nlarge O\n\nin O\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "eng.testb"
    path.write_text(CONLL)
    return path


def ner(path: Path, out: Path, *options: str) -> None:
    main(["attack", str(path), "--task", "ner", "--output", str(out), *options])


def test_it_tells_what_it_met_and_changed(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    attack(path, "ner")
    shown = capsys.readouterr().out
    counts = (
        "examples 2, words 4, eligible 2, changed 2, untouched 1, eligible_percent 50.0, changed_percent 50.0"
    )
    assert shown.startswith(f"{counts}, left_out 0, seconds ")


def test_the_help_names_every_task_and_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["attack", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert f"what the data are: {', '.join([*READERS][:-3])}, or text, tagging, qa for" in shown
    of_kinds = re.sub(r" \(.*?\)", "", shown.partition("of noise: ")[2].partition(" (default")[0])
    assert of_kinds == ", ".join(KINDS)


def test_rows_that_are_left_out_are_told_and_counted(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(f"{CONLL}\nalone\n")
    attack(path, "ner", "--skip-bad-rows")
    shown = capsys.readouterr()
    assert "left_out 1" in shown.out
    assert shown.err.startswith(f"1 row left out:\n  {path}: row 7: has too few columns")


def test_the_same_seed_gives_the_same_file_and_another_one_another(path: Path) -> None:
    path = path.rename(path.with_name("words.txt"))
    path.write_text("thousand O\n" * 100)
    contents = [
        attack(path, "ner", "--seed", seed, "--overwrite", kind="paper").read_bytes() for seed in "112"
    ]
    assert contents[0] == contents[1] != contents[2]


def test_compressed_files_are_the_same_too(tmp_path: Path) -> None:
    path = tmp_path / "own.tsv"
    path.write_text("text\nParis\n")
    options = ["attack", str(path), "--task", "text", "--kind", "case"]
    for folder in ("one", "two"):
        main([*options, "--output", str(tmp_path / folder / f"{folder}.tsv.gz")])
    assert (tmp_path / "one/one.tsv.gz").read_bytes() == (tmp_path / "two/two.tsv.gz").read_bytes()


def test_the_rate_is_the_share_of_the_eligible_words(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text("thousand O\n" * 1000)
    attack(path, "ner", "--rate", "0.3", kind="paper")
    changed = capsys.readouterr().out.split("changed ")[1].split(",")[0]
    assert 250 < int(changed) < 350


def test_a_list_of_misspellings_is_read_in_its_own_form(path: Path) -> None:
    words = path.with_name("words.txt")
    words.write_text("paris pariss\n")
    out = path.with_name("out.testb")
    ner(path, out, "--kind", "natural", "--misspellings", str(words))
    assert out.read_text() == CONLL.replace("Paris", "Pariss")


def test_an_old_file_stays_unless_it_is_to_be_overwritten(path: Path) -> None:
    out = path.with_name("old.testb")
    out.write_text("old")
    with pytest.raises(
        CharBertError, match=r"old\.testb: is there already; give another file or --overwrite"
    ):
        ner(path, out)
    assert out.read_text() == "old"
    ner(path, out, "--overwrite")
    assert out.read_text().count(" O") == 4


@pytest.mark.parametrize("name", ("eng.testb", "link.testb"))
def test_the_file_itself_is_never_written_over(name: str, path: Path) -> None:
    out = path.with_name(name)
    if out != path:
        out.symlink_to(path)
    with pytest.raises(CharBertError, match="is the input itself"):
        ner(path, out, "--overwrite")
    assert path.read_text() == CONLL


def test_another_form_is_refused(path: Path) -> None:
    with pytest.raises(CharBertError, match=r"out\.conllu: must end as eng\.testb does"):
        ner(path, path.with_name("out.conllu"))


def test_a_folder_to_write_is_told(path: Path) -> None:
    with pytest.raises(CharBertError, match="is a folder, and a file is needed"):
        ner(path, path.parent, "--overwrite")


def test_parquet_is_never_compressed_from_outside(tmp_path: Path) -> None:
    path = tmp_path / "own.parquet"
    path.touch()
    with pytest.raises(CharBertError, match=r"own\.parquet\.gz: must end in \.parquet"):
        main(["attack", str(path), "--task", "text", "--output", f"{path}.gz"])


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match=r"x\.txt: no such file"):
        ner(tmp_path / "x.txt", tmp_path / "y.txt")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    with pytest.raises(
        CharBertError, match=r"saved: is a folder; write its rows into a \.parquet or \.jsonl file"
    ):
        ner(tmp_path / "saved", tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "fault"),
    (
        (("--kind", "typos"), "--kind: 'typos' is unknown; choose one of paper, drop"),
        (("--rate", "1.5"), "--rate: 1.5 must be at least 0 and at most 1"),
        (("--language", "xx"), "'xx'.*en"),
        (("--contexts",), "--contexts: ner has none; it is for squad, squad2, qa"),
        (("--misspellings", __file__), "paper takes no misspellings; give the kind natural"),
    ),
)
def test_wrong_options_are_told_in_one_line(options: tuple[str, ...], fault: str, path: Path) -> None:
    with pytest.raises(CharBertError, match=fault) as error:
        ner(path, path.with_name("out.testb"), *options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "task", "content", "fault"),
    (
        ("x.txt", "ner", "a O\nb\n", r"row 2: has too few columns"),
        ("x.tsv", "sst2", "sentence\tlabel\nParis\t7\n", r"row 2: unknown label '7'"),
        ("x.csv", "text", "words\nParis\n", r"columns: 'words'; name one of them with --text-column"),
        ("x.jsonl", "tagging", '{"words": "a b", "tags": "O"}', r"row 1: has 2 words, but 1 tags"),
        ("x.jsonl", "qa", '{"question": "?", "context": "a", "answers": "b"}', r"the answer 'b' is not in"),
        ("x.json", "squad", "[]", r"not in SQuAD's form"),
        (
            "eng.testb",
            "tagging",
            "a O\n",
            r"is neither a table, .*, nor \.conllu, .* by its name",
        ),
        ("x.json", "ner", "{}", r"is a table by its name, which ner does not read; the task tagging does"),
        ("x.csv", "pos", "words,tags\na,N\n", r"the task tagging does"),
        ("x.parquet", "sst2", "PAR1", r"the task text does"),
        ("x.jsonl", "squad", "{}", r"the task qa does"),
    ),
)
def test_a_bad_row_ends_it_and_nothing_is_written(
    name: str, task: str, content: str, fault: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    out = tmp_path / "out" / name
    with pytest.raises(CharBertError, match=fault):
        main(["attack", str(tmp_path / name), "--task", task, "--output", str(out)])
    assert not out.parent.exists()


def test_what_fails_in_writing_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "own.parquet"
    pq.write_table(pa.table({"text": [1234]}), path)
    with pytest.raises(CharBertError, match="column 'text' of type int64 cannot hold texts with typos"):
        attack(path, "text", kind="unicode")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("task", "column"), (("tagging", "tags"), ("qa", "answers")))
def test_data_without_labels_is_attacked_and_told(
    task: str, column: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.jsonl"
    row: dict[str, Any] = {"words": "in Paris", "question": "Paris?", "context": "Paris"}
    path.write_text(json.dumps(row))
    out = attack(path, task)
    assert "Pariss" in out.read_text()
    assert (
        f"{path}: has no labels in a column {column!r}, and is taken as data without labels"
        in capsys.readouterr().err
    )
    with pytest.raises(CharBertError, match=r"own\.jsonl: has no column 'other'"):
        attack(path, task, f"--{column}-column", "other", "--overwrite")
