"""`python -m finetune predict MODEL FILE --output FILE`."""

import json
import shutil
from pathlib import Path

import pytest
from plain import save_plain
from small_finetuning import TAGGED, write_conll, write_csv, write_finetune_config, write_squad

from charbert.errors import CharBertError
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
    ("task", "file", "ending"),
    [("text", "text.csv", ".tsv"), ("tagging", "tagging.conll", ".conll")],
)
def test_a_model_predicts_what_its_run_predicted(
    task: str, file: str, ending: str, models: Path, tmp_path: Path
) -> None:
    written = predict_file(models, task, models / file, tmp_path / f"out{ending}", "--batch-tokens", "50")
    assert written == (models / task / f"predictions/dev{ending}").read_text()


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
    with pytest.raises(CharBertError, match=r"must end in \.jsonl or \.tsv"):
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
    assert (tmp_path / "out.tsv").read_text() == (models / "text/predictions/dev.tsv").read_text()
