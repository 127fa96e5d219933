"""A table of one's own: messages with typos and a category, as a spreadsheet saves them."""

import csv
import io
import json
from pathlib import Path
from random import Random

import pytest
from checkouts import QUICKSTART, Checkout

TEXTS = {
    "complaint": (
        "my order arrived broken",
        "the screen is cracked and nobody answers",
        "the wrong size was delivered again",
        "my refund is still missing",
    ),
    "praise": (
        "great service and friendly people",
        "the new version works perfectly",
        "this is the best shop in town",
        "many thanks for the fast delivery",
    ),
    "question": (
        "when do you open on sunday",
        "how can i change my address",
        "do you also ship to Österreich",
        "where can i find my invoice",
    ),
}
ENDINGS = ("", " !!", " (Köln)", "; please", "?", " – again")
EMPTY = (17, 120, 250)
COLUMNS = "--text-column message --label-column category"


def misspelled(word: str, random: Random) -> str:
    """A word without one of its inner letters."""
    at = random.randrange(1, len(word) - 1) if len(word) > 3 else 0
    return word[:at] + word[at + 1 :] if at else word


def write_messages(path: Path, count: int) -> None:
    """Rows with semicolons between them, in Latin-1; some have no text."""
    random = Random(1)
    with path.open("w", encoding="cp1252", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["number", "date", "message", "category", "channel"])
        for number in range(count):
            label = random.choice(list(TEXTS))
            words = random.choice(TEXTS[label]).split()
            if random.random() < 0.5:
                at = random.randrange(len(words))
                words[at] = misspelled(words[at], random)
            text = " " if number in EMPTY else " ".join(words) + random.choice(ENDINGS)
            writer.writerow([1000 + number, f"2026-11-{number % 28 + 1:02}", text, label, "mail"])


def test_a_table_of_messages(with_quickstart: Checkout) -> None:
    run, folder = with_quickstart.run, with_quickstart.folder
    write_messages(folder / "messages.csv", 300)
    training = (
        f"python -m finetune finetune/configs/text.yaml --model {QUICKSTART} --max-length 64 "
        f"--learning-rate 1e-3 --train messages.csv {COLUMNS} --skip-bad-rows"
    )
    run(f"{training} --output runs/messages")
    results = with_quickstart.results("runs/messages")
    assert 0.5 < results["dev_accuracy"] <= 1

    dev = "runs/messages/predictions/dev-gold.jsonl"
    scores = json.loads(
        run(f"python -m finetune score --task text {COLUMNS} {dev} runs/messages/predictions/dev.tsv")
    )
    assert scores["accuracy"] == pytest.approx(results["dev_accuracy"])
    assert scores["f1_macro"] == pytest.approx(results["dev_f1_macro"])

    printed = run(
        "python -m finetune predict runs/messages - --format csv --output - --skip-bad-rows",
        (folder / "messages.csv").read_bytes(),
    )
    rows = list(csv.DictReader(io.StringIO(printed), delimiter=";"))
    assert len(rows) == 300 - len(EMPTY)
    assert rows[0].keys() >= {"number", "date", "message", "category", "channel"}
    assert {row["prediction"] for row in rows} <= TEXTS.keys()
    for row in rows:
        assert sum(float(row[f"probability_{label}"]) for label in TEXTS) == pytest.approx(1, abs=1e-3)
    right = sum(row["prediction"] == row["category"] for row in rows)
    assert right > len(rows) / 2

    run(f"{training} --output runs/messages-augmented --augmentation 1")
    run(
        "python -m finetune robustness finetune/configs/robustness.yaml "
        f"--models runs/messages runs/messages-augmented --test {dev} --output runs/report"
    )
    report = json.loads((folder / "runs/report/report.json").read_text())
    assert [model["name"] for model in report["models"]] == ["messages", "messages-augmented"]
    run(
        f"python -m finetune worst-case runs/messages-augmented {dev} --output worst.json "
        "--searched-examples 10 --variants 10"
    )
    assert (folder / "worst.json").exists()
