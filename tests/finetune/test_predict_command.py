"""`python -m finetune predict MODEL FILE --output FILE`."""

import csv
import io
import json
import shutil
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from plain import save_plain
from small_finetuning import TAGGED, write_conll, write_csv, write_finetune_config, write_squad

from charbert.errors import CharBertError
from data.examples.rows import BadRows
from data.examples.tables import read_table
from finetune import predict
from finetune.__main__ import main


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `text`, `tagging` and `qa`, each with a model and its data."""
    folder = tmp_path_factory.mktemp("models")
    plain = save_plain(folder / "plain", "bert", "model")
    data = {
        "text": write_csv(folder / "text.csv"),
        "tagging": write_conll(folder / "tagging.conll"),
        "qa": write_squad(folder / "qa.json"),
    }
    for task, train in data.items():
        given = {"task": task, "train": train, "dev": train, "backbone": plain, "unanswerable": task == "qa"}
        main([str(write_finetune_config(folder / task, epochs=4, **given))])
    return folder


def predict_file(models: Path, task: str, file: Path, out: Path, *arguments: str) -> str:
    main(["predict", str(models / task), str(file), "--output", str(out), *arguments])
    return out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "ending",
    (".tsv", ".csv", ".jsonl"),
)
def test_a_model_predicts_what_its_run_predicted(ending: str, models: Path, tmp_path: Path) -> None:
    out = tmp_path / f"out{ending}"
    predict_file(models, "text", models / "text.csv", out, "--batch-tokens", "50")
    run = (models / "text/predictions/dev.tsv").read_text().splitlines()[1:]
    rows = [row.cells for row in read_table(str(out), BadRows())]
    assert [f"{row['id']}\t{row['prediction']}" for row in rows] == run
    assert [row["text"] for row in rows] == [" ".join(words) for words, _ in TAGGED]
    assert [row["label"] for row in rows] == [tags[2][2:].lower() for _, tags in TAGGED]


def test_a_model_tags_what_its_run_tagged(models: Path, tmp_path: Path) -> None:
    given = models / "tagging.conll"
    written = predict_file(models, "tagging", given, tmp_path / "out.conll", "--batch-tokens", "50")
    assert written == (models / "tagging/predictions/dev.conll").read_text()
    lines = (models / "tagging/predictions/dev-conlleval.conll").read_text().splitlines()
    both = zip(given.read_text().splitlines(), written.splitlines(), strict=False)
    assert lines[:-1] == [f"{gold} {said.rpartition(' ')[2]}".strip() for gold, said in both]
    records = predict_file(models, "tagging", given, tmp_path / "out.jsonl").splitlines()
    for record in map(json.loads, records):
        assert len(record["words"]) == len(record["tags"]) == len(record["probabilities"])
        assert all(0.2 < share <= 1 for share in record["probabilities"])


def test_a_model_answers_what_its_run_answered(models: Path, tmp_path: Path) -> None:
    written = json.loads(predict_file(models, "qa", models / "qa.json", tmp_path / "out.json"))
    wanted = json.loads((models / "qa/predictions/dev.json").read_text())
    assert list(written) == list(wanted)
    # The threshold is the score of one of these questions, which the last digit of that score decides.
    threshold = json.loads((models / "qa/task.json").read_text())["threshold"]
    lines = predict_file(models, "qa", models / "qa.json", tmp_path / "out.jsonl", "--batch-tokens", "50")
    records = [json.loads(line) for line in lines.splitlines()]
    certain = [record["id"] for record in records if abs(record["na_score"] - threshold) > 1e-4]
    assert len(certain) > len(records) / 2
    assert {name: written[name] for name in certain} == {name: wanted[name] for name in certain}
    assert all(record["text"] == written[record["id"]] for record in records if record["id"] in certain)


def test_lines_stand_in_the_order_of_the_file(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "CHUNK", 7)
    lines = predict_file(models, "text", models / "text.csv", tmp_path / "out.jsonl").splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["id"] for record in records] == [str(number) for number in range(len(TAGGED))]
    one_by_one = (models / "text/predictions/dev.tsv").read_text().splitlines()[1:]
    assert [record["prediction"] for record in records] == [line.split("\t")[1] for line in one_by_one]
    assert all(sum(record["probabilities"].values()) == pytest.approx(1.0) for record in records)


def test_labels_may_be_missing(models: Path, tmp_path: Path) -> None:
    unlabelled = tmp_path / "texts.csv"
    unlabelled.write_text('text\nthe lazy dog\n"a token, a word"\n')
    assert len(predict_file(models, "text", unlabelled, tmp_path / "out.jsonl").splitlines()) == 2
    words = tmp_path / "words.conll"
    words.write_text("the\nlazy\ndog\n\na\nword\n")
    assert predict_file(models, "tagging", words, tmp_path / "out.conll").count("\n\n") == 2


def test_what_stands_for_labels_does_not_matter(models: Path, tmp_path: Path) -> None:
    chunks = tmp_path / "chunks.conll"
    chunks.write_text("the DT B-NP\nlazy JJ I-NP\ndog NN I-NP\n")
    assert predict_file(models, "tagging", chunks, tmp_path / "out.conll").startswith("the ")


def test_a_folder_that_is_missing_is_made(models: Path, tmp_path: Path) -> None:
    assert predict_file(models, "text", models / "text.csv", tmp_path / "no/out.jsonl")


def test_the_gold_is_not_written_over(models: Path, tmp_path: Path) -> None:
    gold = tmp_path / "gold.conll"
    content = write_conll(gold).read_text()
    with pytest.raises(CharBertError, match=r"gold\.conll: is the input itself"):
        predict_file(models, "tagging", gold, gold, "--overwrite")
    assert gold.read_text() == content


def test_a_bad_row_leaves_no_file(models: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.csv"
    texts.write_text("text\nthe dog\na,b,c\nthe fox\n")
    with pytest.raises(CharBertError, match="row 3"):
        predict_file(models, "text", texts, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()
    lines = predict_file(models, "text", texts, tmp_path / "out.jsonl", "--skip-bad-rows")
    assert len(lines.splitlines()) == 2


def test_a_folder_that_no_run_made_is_refused(models: Path, tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match=r"has no task\.json"):
        predict_file(models, "plain", models / "text.csv", tmp_path / "out.jsonl")


def test_another_ending_is_refused(models: Path, tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match=r"must end in \.jsonl, \.csv or \.tsv"):
        predict_file(models, "text", models / "text.csv", tmp_path / "out.xml")


def test_a_file_that_is_there_is_not_written_over_by_mistake(models: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tsv"
    out.write_text("mine")
    with pytest.raises(CharBertError, match="is there already; give another file or --overwrite"):
        predict_file(models, "text", models / "text.csv", out)
    assert predict_file(models, "text", models / "text.csv", out, "--overwrite") != "mine"


def test_a_model_of_an_earlier_version_predicts(models: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(models / "text", old)
    content = json.loads((old / "task.json").read_text())
    settings = content["settings"]
    settings["kind"] = settings.pop("label_kind")
    del settings["gradient_checkpointing"]
    (old / "task.json").write_text(json.dumps(content))
    main(["predict", str(old), str(models / "text.csv"), "--output", str(tmp_path / "out.tsv")])
    found = [row.cells["prediction"] for row in read_table(str(tmp_path / "out.tsv"), BadRows())]
    run = (models / "text/predictions/dev.tsv").read_text().splitlines()[1:]
    assert found == [line.split("\t")[1] for line in run]


def piped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes, *arguments: str
) -> str:
    """What `predict` prints where it is given something on standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    capsys.readouterr()
    main(["predict", *arguments])
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "more", "expected"),
    (
        (
            "csv",
            (),
            "id,name,text,prediction,probability_animal,probability_thing\n7,a,the lazy dog,animal,0.",
        ),
        (
            "tsv",
            (),
            "id\tname\ttext\tprediction\tprobability_animal\tprobability_thing\n7\ta\tthe lazy dog",
        ),
        ("jsonl", (), '{"id": 7, "name": "a", "text": "the lazy dog", "prediction": "animal", "probab'),
        ("csv", ("--output-format", "jsonl"), '{"id": "7", "name": "a", "text": "the lazy dog", "pred'),
    ),
)
def test_it_reads_standard_input_and_writes_standard_output(
    given: str,
    more: tuple[str, ...],
    expected: str,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mark = "\t" if given == "tsv" else ","
    content = f"name{mark}text{mark}id\na{mark}the lazy dog{mark}7\n"
    if given == "jsonl":
        content = json.dumps({"name": "a", "text": "the lazy dog", "id": 7}) + "\n"
    arguments = [str(models / "text"), "-", "--format", given, "--output", "-", *more]
    assert piped(monkeypatch, capsys, content.encode(), *arguments).startswith(expected)


def test_standard_output_is_as_a_file_would_be(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("text\nthe 한 dog\n".encode())))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, "latin-1", newline="\r\n"))
    main(["predict", str(models / "text"), "-", "--format", "csv", "--output", "-"])
    assert output.getvalue().decode().split("\n")[1].startswith("0,the 한 dog,")
    assert b"\r" not in output.getvalue()


def test_scorers_forms_go_to_standard_output_too(
    models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(models / "tagging"), "-", "--format", "conll", "--output", "-"]
    words = [
        line.split(" ")[0] for line in piped(monkeypatch, capsys, b"the\ndog\n", *arguments).splitlines()
    ]
    assert words == ["the", "dog", ""]


def test_messages_about_standard_input_say_so(
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    arguments = [str(models / "text"), "-", "--output", "-"]
    with pytest.raises(CharBertError, match=r"^--format: missing; say what standard input holds"):
        piped(monkeypatch, capsys, b"", *arguments)
    arguments += ["--format", "csv"]
    with pytest.raises(CharBertError, match=r"^standard input: row 3: has an empty text in column 'text'"):
        piped(monkeypatch, capsys, b"text\nthe dog\n \n", *arguments)
    content = "text\nthe dog\n\u200b\n".encode()
    assert piped(monkeypatch, capsys, content, *arguments, "--skip-bad-rows").count("\n") == 2
    piped(monkeypatch, capsys, b"text;note\nthe dog;a\n", *arguments)
    assert "standard-input.csv: its columns are separated by ';'" in caplog.text


def test_a_file_without_an_ending_has_the_format_that_is_named(models: Path, tmp_path: Path) -> None:
    file = tmp_path / "export"
    file.write_text("text;note\nthe lazy dog;x\n")
    lines = predict_file(models, "text", file, tmp_path / "out.csv", "--format", "csv").splitlines()
    assert lines[0] == "id;text;note;prediction;probability_animal;probability_thing"
    assert lines[1].startswith("0;the lazy dog;x;")


def test_cells_of_parquet_are_texts_of_csv(models: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.parquet"
    cells = {"day": date(2026, 11, 30), "price": Decimal("1.50"), "sold": True, "sizes": [1, 2], "none": None}
    pq.write_table(pa.Table.from_pylist([{"text": "the dog", **cells}]), file)
    (row,) = csv.DictReader(predict_file(models, "text", file, tmp_path / "out.csv").splitlines())
    found = [row[name] for name in cells]
    assert found == ["2026-11-30", "1.50", "true", "[1, 2]", ""]


@pytest.mark.parametrize("ending", (".csv", ".tsv"))
def test_half_a_character_is_for_json_alone(ending: str, models: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text('{"text": "the dog", "note": "\\ud800"}\n')
    with pytest.raises(CharBertError, match=r"row 1: column 'note' has an escape .*; write \.jsonl$"):
        predict_file(models, "text", file, tmp_path / f"out{ending}")
    assert "\\ud800" in predict_file(models, "text", file, tmp_path / "out.jsonl")


def test_what_tsv_cannot_hold_is_named(models: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.csv"
    file.write_text('text,note\nthe dog,a\nthe fox,"b\nc"\n')
    with pytest.raises(CharBertError, match=r"texts\.csv: row 3: column 'note' holds a tab or a line break"):
        predict_file(models, "text", file, tmp_path / "out.tsv")
    assert not (tmp_path / "out.tsv").exists()
    rows = list(csv.DictReader(predict_file(models, "text", file, tmp_path / "out.csv").splitlines(True)))
    assert [row["note"] for row in rows] == ["a", "b\nc"]


def test_predictions_beside_their_rows_are_scored(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tags = tmp_path / "tags.jsonl"
    rows = [{"index": 9, "words": list(words), "tags": list(tags)} for words, tags in TAGGED]
    tags.write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = models / "text.csv"
    for task, gold in (("text", file), ("tagging", tags)):
        for ending in (".csv", ".jsonl"):
            out = tmp_path / f"{task}{ending}"
            predict_file(models, task, gold, out)
            capsys.readouterr()
            main(["score", "--task", task, str(gold), str(out)])
            found = json.loads(capsys.readouterr().out)
            wanted = json.loads((models / task / "results.json").read_text())
            metric = "f1" if task == "tagging" else "accuracy"
            assert found[metric] == pytest.approx(wanted[f"dev_{metric}"])


def test_a_device_that_is_not_there_is_named(models: Path, tmp_path: Path) -> None:
    for device in ("cuda:99", "abacus"):
        with pytest.raises(CharBertError, match=f"--device: '{device}' is not there"):
            predict_file(models, "text", models / "text.csv", tmp_path / "o.csv", "--device", device)
    assert predict_file(models, "text", models / "text.csv", tmp_path / "o.csv", "--device", "cpu")


def test_a_threshold_is_for_models_that_have_one(models: Path, tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="--threshold: this model has none"):
        predict_file(models, "text", models / "text.csv", tmp_path / "out.csv", "--threshold", "0.3")
    never = predict_file(models, "qa", models / "qa.json", tmp_path / "out.json", "--threshold", "-1000")
    assert set(json.loads(never).values()) == {""}
