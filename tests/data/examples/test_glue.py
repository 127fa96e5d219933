from pathlib import Path
from typing import Any

import pytest

from charbert.errors import CharBertError
from data.examples.glue import GLUE
from data.examples.readers import Columns
from data.examples.rows import BadRows

MNLI = (
    "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\t"
    "sentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label\n"
)
MNLI_ROW = "7\t1\t1e\tfiction\t( a )\t( b )\t(A)\t(B)\tFirst.\tSecond.\tneutral\t"
MRPC = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n"
STSB = "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
OFFICIAL = {
    "cola": ("gj04\t1\t\tOne.\nks08\t0\t*\tTwo.\n", [("One.", None, "1"), ("Two.", None, "0")]),
    "sst2": ("sentence\tlabel\na fine film \t1\n", [("a fine film ", None, "1")]),
    "mrpc": (f"\ufeff{MRPC}1\t22\t23\tOne.\tTwo.\r\n", [("One.", "Two.", "1")]),
    "qqp": (
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n133273\t2\t3\tWho?\tWhich?\t0\n",
        [("Who?", "Which?", "0")],
    ),
    "stsb": (f"{STSB}0\tnews\tf\t2012\t1\tnone\tnone\tOne.\tTwo.\t3.800\n", [("One.", "Two.", 3.8)]),
    "mnli": (f"{MNLI}{MNLI_ROW}entailment\n", [("First.", "Second.", "entailment")]),
    "qnli": (
        "index\tquestion\tsentence\tlabel\n0\tWho?\tShe.\tnot_entailment\n",
        [("Who?", "She.", "not_entailment")],
    ),
    "rte": (
        'index\tsentence1\tsentence2\tlabel\n0\t"One.\tTwo."\tentailment\n',
        [('"One.', 'Two."', "entailment")],
    ),
    "wnli": ("index\tsentence1\tsentence2\tlabel\n0\tOne.\tTwo.\t1\n", [("One.", "Two.", "1")]),
}
WITHOUT_LABELS = {
    "cola": ("index\tsentence\n3\tOne.\n", ("3", "One.", None)),
    "sst2": ("index\tsentence\n3\tOne.\n", ("3", "One.", None)),
    "mrpc": ("index\t#1 ID\t#2 ID\t#1 String\t#2 String\n3\t8\t9\tOne.\tTwo.\n", ("3", "One.", "Two.")),
    "qqp": ("id\tquestion1\tquestion2\n3\tOne?\tTwo?\n", ("3", "One?", "Two?")),
    "stsb": ("index\tgenre\tsentence1\tsentence2\n3\tnews\tOne.\tTwo.\n", ("3", "One.", "Two.")),
    "mnli": ("index\tpairID\tsentence1\tsentence2\n3\t8\tOne.\tTwo.\n", ("3", "One.", "Two.")),
    "qnli": ("index\tquestion\tsentence\n3\tOne?\tTwo.\n", ("3", "One?", "Two.")),
    "rte": ("index\tsentence1\tsentence2\n3\tOne.\tTwo.\n", ("3", "One.", "Two.")),
    "wnli": ("index\tsentence1\tsentence2\n3\tOne.\tTwo.\n", ("3", "One.", "Two.")),
}


def read(task: str, path: Path, content: str | bytes, skip: bool = False) -> list[Any]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(GLUE[task].read(Columns(task=task), str(path), BadRows(skip)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "any.tsv"


@pytest.mark.parametrize("task", GLUE)
def test_an_official_file_with_labels_is_read(task: str, path: Path) -> None:
    content, expected = OFFICIAL[task]
    examples = read(task, path, content)
    assert [(example.text, example.pair, example.label) for example in examples] == expected


@pytest.mark.parametrize("task", GLUE)
def test_an_official_test_set_has_no_labels(task: str, path: Path) -> None:
    content, expected = WITHOUT_LABELS[task]
    examples = read(task, path, content)
    assert [(example.id, example.text, example.pair) for example in examples] == [expected]
    assert examples[0].label is None


def test_an_example_has_the_id_of_its_file_or_else_its_number(path: Path) -> None:
    assert [example.id for example in read("mnli", path, OFFICIAL["mnli"][0])] == ["7"]
    assert [example.id for example in read("qqp", path, OFFICIAL["qqp"][0])] == ["133273"]
    assert [example.id for example in read("cola", path, OFFICIAL["cola"][0])] == ["0", "1"]


def test_places_count_lines(path: Path) -> None:
    assert [example.location for example in read("cola", path, OFFICIAL["cola"][0])] == [
        f"{path}: row 1",
        f"{path}: row 2",
    ]
    assert read("sst2", path, OFFICIAL["sst2"][0])[0].location == f"{path}: row 2"


def test_qqp_may_come_without_a_header(path: Path) -> None:
    examples = read("qqp", path, "1\tWho?\tWhich?\t18\n0\tWhere?\tWhen?\t211\n")
    assert [(example.id, example.text, example.pair, example.label) for example in examples] == [
        ("18", "Who?", "Which?", "1"),
        ("211", "Where?", "When?", "0"),
    ]


def test_a_header_is_known_by_its_names_and_not_by_its_length(path: Path) -> None:
    examples = read("qqp", path, "question1\tquestion2\tis_duplicate\tid\nWho?\tWhich?\t1\t18\n")
    assert [(example.id, example.text, example.label) for example in examples] == [("18", "Who?", "1")]


def test_labels_have_their_official_order() -> None:
    assert GLUE["mnli"].labels == ("contradiction", "entailment", "neutral")
    assert GLUE["qnli"].labels == GLUE["rte"].labels == ("entailment", "not_entailment")
    assert GLUE["stsb"].labels == ()
    assert {GLUE[task].labels for task in ("cola", "sst2", "mrpc", "qqp", "wnli")} == {("0", "1")}


@pytest.mark.parametrize(
    ("task", "content", "fault"),
    (
        ("cola", "gj04\t2\t\tOne.\n", "row 1: unknown label '2'; the labels are 0, 1"),
        ("mnli", f"{MNLI}{MNLI_ROW}-\n", "row 2: unknown label '-'; the labels are contradiction, "),
        ("stsb", "index\tsentence1\tsentence2\tscore\n0\tOne.\tTwo.\tnan\n", "row 2: .* no number: 'nan'"),
        ("rte", "index\tsentence1\tsentence2\tlabel\n0\tOne.\tentailment\n", "row 2: has 3 cells"),
    ),
)
def test_a_row_that_does_not_fit_the_task_is_bad(path: Path, task: str, content: str, fault: str) -> None:
    with pytest.raises(CharBertError, match=rf"any\.tsv: {fault}"):
        read(task, path, content)


def test_lines_cut_inside_a_character_can_be_left_out(path: Path) -> None:
    content = b"1\tWho\xe2\x80\tWhich?\t18\n0\tWhere?\tWhen?\t211\n"
    assert [example.id for example in read("qqp", path, content, skip=True)] == ["211"]
    with pytest.raises(CharBertError, match=r"any\.tsv: row 1: is not UTF-8"):
        read("qqp", path, content)


def test_a_file_of_another_task_is_named_with_its_columns(path: Path) -> None:
    with pytest.raises(CharBertError, match=r"any\.tsv: has no column 'question'; its columns: 'sentence', "):
        read("qnli", path, OFFICIAL["sst2"][0])


def test_an_empty_file_is_an_error(path: Path) -> None:
    with pytest.raises(CharBertError, match=r"any\.tsv: is empty"):
        read("cola", path, "")


def test_a_header_alone_holds_no_examples(path: Path) -> None:
    with pytest.raises(CharBertError, match=r"any\.tsv: holds no examples"):
        read("sst2", path, "sentence\tlabel\n")


@pytest.mark.parametrize("split", ("train", "dev", "test"))
def test_a_split_is_one_file(tmp_path: Path, split: str) -> None:
    (tmp_path / f"{split}.tsv").touch()
    assert GLUE["rte"].files(tmp_path, split) == {"": str(tmp_path / f"{split}.tsv")}


def test_dev_and_test_of_mnli_are_two_files(tmp_path: Path) -> None:
    for name in ("train", "dev_matched", "dev_mismatched", "test_matched", "test_mismatched"):
        (tmp_path / f"{name}.tsv").touch()
    assert GLUE["mnli"].files(tmp_path, "train") == {"": str(tmp_path / "train.tsv")}
    for split in ("dev", "test"):
        assert GLUE["mnli"].files(tmp_path, split) == {
            "": str(tmp_path / f"{split}_matched.tsv"),
            "mismatched": str(tmp_path / f"{split}_mismatched.tsv"),
        }


def test_a_missing_file_of_a_split_is_named(tmp_path: Path) -> None:
    (tmp_path / "dev_matched.tsv").touch()
    with pytest.raises(CharBertError, match=r"has no dev_mismatched\.tsv; name the file with --dev"):
        GLUE["mnli"].files(tmp_path, "dev")


def test_files_to_predict_may_be_missing(tmp_path: Path) -> None:
    assert GLUE["rte"].files(tmp_path, "test") == {}
    (tmp_path / "test_mismatched.tsv").touch()
    assert GLUE["mnli"].files(tmp_path, "test") == {"mismatched": str(tmp_path / "test_mismatched.tsv")}
