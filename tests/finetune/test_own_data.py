"""Data of one's own: several files, held-out dev sets that can be scored, thresholds, names of numbers."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from plain import save_plain
from small_finetuning import TAGGED, write_conll, write_csv, write_finetune_config, write_squad
from transformers import AutoConfig

from charbert.errors import CharBertError
from data.examples.rows import BadRows
from data.examples.tables import read_table
from finetune.__main__ import main
from finetune.datasets import read_sets
from finetune.settings import FinetuneSettings


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_plain(tmp_path_factory.mktemp("plain") / "plain", "bert", "model")


def run(output: Path, **settings: Any) -> dict[str, Any]:
    """The results of a run."""
    main([str(write_finetune_config(output, **settings))])
    return json.loads((output / "results.json").read_text())


def write_numbers(path: Path) -> Path:
    rows = [{"text": " ".join(words), "price": len(words[2])} for words, _ in TAGGED]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_label_sets(path: Path) -> Path:
    rows = [{"text": " ".join(words), "label": [words[1], tags[2][2:]]} for words, tags in TAGGED]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("task", "write", "gold", "predicted", "metric", "more"),
    (
        ("text", write_csv, "dev-gold.jsonl", "dev.tsv", "accuracy", {}),
        ("text", write_label_sets, "dev-gold.jsonl", "dev.tsv", "f1_micro", {"label_kind": "multi_label"}),
        (
            "text",
            write_numbers,
            "dev-gold.jsonl",
            "dev.tsv",
            "pearson",
            {"label_kind": "regression", "label_column": "price"},
        ),
        ("ner", write_conll, "dev-gold.conll", "dev.conll", "f1", {}),
        ("squad2", write_squad, "dev-gold.json", "dev.json", "f1", {}),
    ),
)
def test_the_score_on_a_dev_set_that_was_held_out_can_be_repeated(
    task: str,
    write: Any,
    gold: str,
    predicted: str,
    metric: str,
    more: dict[str, Any],
    plain: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    endings = {write_csv: "csv", write_conll: "conll", write_squad: "json"}
    train = write(tmp_path / f"train.{endings.get(write, 'jsonl')}")
    found = run(tmp_path / "out", task=task, train=train, backbone=plain, dev_fraction=0.3, **more)
    capsys.readouterr()
    options = [text for name, value in more.items() for text in (f"--{name}", value)]
    files = [str(tmp_path / "out/predictions" / name) for name in (gold, predicted)]
    main(["score", "--task", task, *files, *options])
    assert json.loads(capsys.readouterr().out)[metric] == pytest.approx(found[f"dev_{metric}"], nan_ok=True)
    run(tmp_path / "out", task=task, train=train, dev=train, backbone=plain, overwrite=True, **more)
    assert not list((tmp_path / "out/predictions").glob("dev-gold*"))  # the user has it


def test_a_number_is_named_by_its_column(plain: Path, tmp_path: Path) -> None:
    train = write_numbers(tmp_path / "train.jsonl")
    given = {"label_kind": "regression", "label_column": "price"}
    run(tmp_path / "out", task="text", train=train, dev=train, backbone=plain, **given)
    config = AutoConfig.from_pretrained(tmp_path / "out")
    assert (config.id2label, config.label2id, config.num_labels) == ({0: "price"}, {"price": 0}, 1)


def test_the_threshold_of_several_labels_is_searched_saved_and_used(plain: Path, tmp_path: Path) -> None:
    train = write_label_sets(tmp_path / "train.jsonl")
    out, given = tmp_path / "out", {"label_kind": "multi_label", "epochs": 1, "learning_rate": 1e-4}
    found = run(out, task="text", train=train, dev=train, backbone=plain, **given)
    content = json.loads((out / "task.json").read_text())
    assert 0 < content["threshold"] < 1 and content["threshold"] != 0.5
    assert found["dev_f1_micro"] > 0.3  # of a model that knows nothing, no label reaches 0.5 for all

    def predicted(*arguments: str) -> list[set[str]]:
        path = tmp_path / "out.jsonl"
        main(["predict", str(out), str(train), "--output", str(path), "--overwrite", *arguments])
        records = [row.cells for row in read_table(str(path), BadRows())]
        limit = float(arguments[-1]) if arguments else content["threshold"] or 0.5
        for each in records:
            likely = {name for name, share in each["probabilities"].items() if share >= limit}
            assert likely == set(each["prediction"])
        return [set(each["prediction"]) for each in records]

    assert predicted() != predicted("--threshold", "0.99")
    del content["threshold"]
    content["threshold"] = 0.0  # as earlier versions saved it
    (out / "task.json").write_text(json.dumps(content))
    assert predicted() == predicted("--threshold", "0.5")


def settings(**given: Any) -> FinetuneSettings:
    return FinetuneSettings(output="out", model="m", task="text", **given)


def test_training_data_may_be_several_files_and_patterns(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "b", "c"):
        write_csv(tmp_path / f"{name}.csv")
    (tmp_path / "x[1].csv").write_text("text,label\none,animal\n")
    patterns = [str(tmp_path / name) for name in ("b.csv", "?.csv", "x[1].csv")]
    caplog.set_level(logging.INFO)
    found = settings(train=patterns, dev=str(tmp_path / "a.csv"))
    assert [Path(each).name for each in found.train or []] == ["b.csv", "a.csv", "c.csv", "x[1].csv"]
    _, sets = read_sets(found)
    assert len(sets.train) == 3 * len(TAGGED) + 1
    assert len({example.id for example in sets.train}) == len(sets.train)
    assert f"examples as they are used: {3 * len(TAGGED) + 1} train, {len(TAGGED)} dev" in caplog.text
    with pytest.raises(CharBertError, match=r"--train: .*/\*\.tsv: no file fits this pattern"):
        settings(train=[str(tmp_path / "*.tsv")])
    assert settings(train=str(tmp_path / "a.csv")).train == [str(tmp_path / "a.csv")]  # as it was once saved


@pytest.mark.parametrize("text", ("", " ", "\u200b", "\ufeff\u00ad", "\u00a0\u2003"), ids=ascii)
def test_a_text_with_nothing_to_read_is_a_bad_row(text: str, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv")
    with path.open("a", encoding="utf-8") as file:
        file.write(f'"{text}",animal\n')
    with pytest.raises(CharBertError, match=rf"row {len(TAGGED) + 2}: has an empty text in column 'text'"):
        read_sets(settings(train=str(path)))
    _, sets = read_sets(settings(train=str(path), dev=str(write_csv(tmp_path / "b.csv")), skip_bad_rows=True))
    assert len(sets.train) == len(TAGGED)


def test_checkpoints_come_at_their_steps_and_at_evaluations(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import Trainer

    saved = []
    original = Trainer._save_checkpoint

    def record(trainer: Any, *given: Any) -> Any:
        saved.append(trainer.state.global_step)
        return original(trainer, *given)

    monkeypatch.setattr(Trainer, "_save_checkpoint", record)
    train = write_csv(tmp_path / "train.csv")
    found = run(tmp_path / "out", task="text", train=train, dev=train, backbone=plain, save_steps=4)
    assert saved == [4, 6, 8, 12]  # 6 steps an epoch
    assert found["best_step"] in (6, 12)
