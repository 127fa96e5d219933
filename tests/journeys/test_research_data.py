"""Research data: CoNLL-2003 and SQuAD, from training to what an adversary can do and a report about typos.

Small data made here; `--data FOLDER` takes the first sentences and questions of real ones in FOLDER:
`conll2003/eng.{train,testa,testb}` and `squad/{train,dev}-v1.1*.json`.
"""

import json
import re
from pathlib import Path
from random import Random

import pytest
from checkouts import QUICKSTART, Checkout
from small_finetuning import write_conll

FIRST = 150  # sentences and questions of real data
PEOPLE = "Anna Peter Maria David Laura Simon Clara Oscar".split()
PLACES = "Paris London Berlin Madrid Vienna Geneva Dublin Lisbon".split()
WORK = "doctor teacher farmer lawyer painter driver baker writer".split()
TRAINING = f"--model {QUICKSTART} --max-length 64 --learning-rate 1e-3 --epochs 3"


def write_sentences(path: Path, count: int, random: Random) -> None:
    """Tagged sentences about people and places."""
    sentences = []
    for _ in range(count):
        person, place, other = random.choice(PEOPLE), random.choice(PLACES), random.choice(PLACES)
        words = f"{person} the {random.choice(WORK)} moved from {place} to {other} last year ."
        tags = "B-PER O O O O B-LOC O B-LOC O O O"
        sentences.append((words.split(), tags.split()))
    write_conll(path, sentences)


def write_questions(path: Path, count: int, random: Random) -> None:
    """Questions about a sentence each."""
    articles = []
    for number in range(count):
        person, place, work = random.choice(PEOPLE), random.choice(PLACES), random.choice(WORK)
        context = f"{person} lives in {place} and works there as a {work} ."
        question, answer = random.choice(
            ((f"Where does {person} live ?", place), (f"What does {person} work as ?", work))
        )
        answers = [{"text": answer, "answer_start": context.index(answer)}]
        questions = [{"id": str(number), "question": question, "answers": answers}]
        articles.append({"title": person, "paragraphs": [{"context": context, "qas": questions}]})
    path.write_text(json.dumps({"version": "1.1", "data": articles}))


def cut_sentences(path: Path, output: Path) -> None:
    """The first sentences of a file in columns."""
    output.write_text("\n\n".join(re.split(r"\n\s*\n", path.read_text())[:FIRST]) + "\n")


def cut_questions(path: Path, output: Path) -> None:
    """The first questions of a file of SQuAD."""
    content, left = json.loads(path.read_text()), FIRST
    for paragraph in (each for article in content["data"] for each in article["paragraphs"]):
        paragraph["qas"] = paragraph["qas"][: max(0, left)]
        left -= len(paragraph["qas"])
    output.write_text(json.dumps(content))


@pytest.fixture
def prepared(with_quickstart: Checkout, request: pytest.FixtureRequest) -> Checkout:
    """A clone with a model to start from and data in `conll2003` and `squad`."""
    conll, squad = with_quickstart.folder / "conll2003", with_quickstart.folder / "squad"
    conll.mkdir()
    squad.mkdir()
    given, random = request.config.getoption("--data"), Random(1)
    for name, count in {"eng.train": 160, "eng.testa": 40, "eng.testb": 40}.items():
        if given:
            cut_sentences(next(Path(given).rglob(f"conll2003/{name}")), conll / name)
        else:
            write_sentences(conll / name, count, random)
    for name, count in {"train-v1.1": 200, "dev-v1.1": 40}.items():
        if given:
            cut_questions(next(Path(given).rglob(f"squad/{name}*.json")), squad / f"{name}.json")
        else:
            write_questions(squad / f"{name}.json", count, random)
    return with_quickstart


def test_entities(prepared: Checkout, request: pytest.FixtureRequest) -> None:
    run, folder = prepared.run, prepared.folder
    run(f"python -m finetune finetune/configs/ner.yaml {TRAINING} --data conll2003 --output runs/ner")
    results = prepared.results("runs/ner")
    assert 0 <= results["test_f1"] <= 1
    if not request.config.getoption("--data"):
        assert results["test_f1"] > 0.5
    assert (folder / "runs/ner/curves.png").stat().st_size

    scores = json.loads(
        run("python -m finetune score --task ner conll2003/eng.testb runs/ner/predictions/test.conll")
    )
    assert scores["f1"] == pytest.approx(results["test_f1"])

    run("python -m finetune predict runs/ner conll2003/eng.testb --output testb.jsonl")
    predicted = [json.loads(line) for line in (folder / "testb.jsonl").read_text().splitlines()]
    in_file = (folder / "runs/ner/predictions/test.conll").read_text().split("\n\n")
    assert len(predicted) == len([sentence for sentence in in_file if sentence.strip()])
    assert all(len(each["words"]) == len(each["tags"]) for each in predicted)

    run(
        "python -m data attack conll2003/eng.testb --task ner --output attacked.testb --kind paper --rate 0.5"
    )
    clean, attacked = (
        (folder / name).read_text().splitlines() for name in ("conll2003/eng.testb", "attacked.testb")
    )
    assert [line.split()[1:] for line in clean] == [line.split()[1:] for line in attacked]
    assert clean != attacked

    run(
        f"python -m finetune finetune/configs/ner.yaml {TRAINING} --data conll2003 "
        "--output runs/ner-augmented --augmentation 1"
    )
    run(
        "python -m finetune worst-case runs/ner conll2003/eng.testb --output worst.json --budgets 1 2 "
        "--searched-examples 20 --variants 10"
    )
    worst = json.loads((folder / "worst.json").read_text())
    accuracy = [scores["robust_accuracy"] for scores in worst["scores"]]
    assert accuracy == sorted(accuracy, reverse=True) and 0 <= accuracy[-1] <= accuracy[0] <= 1

    printed = run(
        "python -m finetune robustness finetune/configs/robustness.yaml --models runs/ner runs/ner-augmented "
        "--test conll2003/eng.testb --output runs/report"
    )
    assert "Under attack" in printed and "runs/report/report.html" in printed
    assert "</html>" in (folder / "runs/report/report.html").read_text()
    report = json.loads((folder / "runs/report/report.json").read_text())
    assert [model["name"] for model in report["models"]] == ["ner", "ner-augmented"]


def test_questions(prepared: Checkout, request: pytest.FixtureRequest) -> None:
    run, folder = prepared.run, prepared.folder
    run(
        f"python -m finetune finetune/configs/squad.yaml {TRAINING} --stride 16 "
        "--data squad --output runs/squad"
    )
    results = prepared.results("runs/squad")
    assert 0 <= results["dev_exact_match"] <= results["dev_f1"] <= 100

    gold = "python -m finetune score --task squad squad/dev-v1.1.json"
    scores = json.loads(run(f"{gold} runs/squad/predictions/dev.json"))
    assert scores["f1"] == pytest.approx(results["dev_f1"])

    run("python -m data attack squad/dev-v1.1.json --task squad --output attacked.json --kind paper")
    run("python -m finetune predict runs/squad attacked.json --output answers.json")
    assert 0 <= json.loads(run(f"{gold} answers.json"))["f1"] <= 100

    run(
        "python -m finetune robustness finetune/configs/robustness.yaml --models runs/squad "
        "--test squad/dev-v1.1.json --output runs/report --rates 0 1 --limit 40"
    )
    assert (folder / "runs/report/report.html").exists()
