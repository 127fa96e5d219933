"""Every program in `examples/` runs on tiny models, and gives what it says: `make test-examples`."""

import csv
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import numpy as np
import pytest
import torch
from datasets import load_from_disk
from sentence_transformers import SentenceTransformer
from setfit import SetFitModel
from small_correction import saved_model
from small_finetuning import TAGGED, save_charbert
from small_runs import free_port

from charbert import CharBertForSequenceClassification, CharBertModel, CharBertTokenizer
from charbert.export.folder import export_onnx

EXAMPLES = Path(__file__).parents[2] / "examples"
TEXTS = {
    "complaint": ("my order arrived broken", "the wrong size was delivered", "my refund is still missing"),
    "praise": ("great service and friendly people", "the best shop in town", "many thanks for the delivery"),
}


def run(program: str, *arguments: object, texts: str = "") -> str:
    """What a program prints, given these texts as its standard input."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / program), *map(str, arguments)],
        input=texts,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def shares(printed: str) -> list[float]:
    """The numbers in the last line that was printed."""
    return [float(number) for number in re.findall(r"\d+\.?\d*", printed.splitlines()[-1])]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CharBERT with random weights, as pre-training leaves it."""
    return save_charbert(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of texts with labels."""
    path = tmp_path_factory.mktemp("reviews") / "reviews.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows([text, label] for _ in range(10) for label, texts in TEXTS.items() for text in texts)
    return path


@pytest.fixture(scope="module")
def classifier(model: Path, reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `trainer.py` makes."""
    output = tmp_path_factory.mktemp("classifier")
    printed = run("trainer.py", model, reviews, "--output", output, "--epochs", 2, "--learning-rate", 3e-3)
    clean, typos = shares(printed)
    assert clean > 0.8 and typos > 0.5
    return output


@pytest.fixture
def exported(classifier: Path, tmp_path: Path) -> Path:
    trained = CharBertForSequenceClassification.from_pretrained(classifier)
    export_onnx(trained, CharBertTokenizer.from_pretrained(classifier), tmp_path)
    return tmp_path


@pytest.fixture
def server(exported: Path) -> Iterator[str]:
    """The address of a server of the exported classifier."""
    port = free_port()
    command = f"-m uvicorn --app-dir {EXAMPLES} --factory serve:make_app --port {port}"
    environment = {**os.environ, "MODEL": str(exported)}
    process = subprocess.Popen([sys.executable, *command.split()], env=environment)
    while process.poll() is None:
        try:
            urlopen(f"http://localhost:{port}/docs").close()
            break
        except URLError:
            time.sleep(0.2)
    yield f"http://localhost:{port}/predict"
    process.terminate()
    process.wait()


def ask(address: str, texts: list[str]) -> list[dict[str, float]]:
    data, head = json.dumps({"texts": texts}).encode(), {"content-type": "application/json"}
    with urlopen(Request(address, data, head)) as answer:
        return json.load(answer)


def test_a_server_answers_each_of_many_requests(server: str, classifier: Path) -> None:
    texts = [text for texts in TEXTS.values() for text in texts]
    tokenizer = CharBertTokenizer.from_pretrained(classifier)
    with torch.inference_mode():
        batch = tokenizer(texts, padding=True, return_tensors="pt")
        logits = CharBertForSequenceClassification.from_pretrained(classifier)(**batch).logits
    wanted = dict(zip(texts, logits.softmax(dim=-1).tolist(), strict=True))
    with ThreadPoolExecutor(8) as clients:
        for text, (found,) in zip(
            texts * 4, clients.map(lambda text: ask(server, [text]), texts * 4), strict=True
        ):
            assert list(found) == list(TEXTS)
            assert list(found.values()) == pytest.approx(wanted[text], abs=1e-4)
    with pytest.raises(HTTPError, match="422"):
        ask(server, [])


def test_a_server_computes_texts_in_batches(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setenv("MODEL", str(exported))
    serve: Any = import_module("serve")
    sizes = []

    class Recording(serve.ExportedModel):
        def __call__(self, **inputs: torch.Tensor) -> dict[str, Any]:
            sizes.append(len(inputs["input_ids"]))
            if len(sizes) == 2:
                raise RuntimeError("out of memory")
            return super().__call__(**inputs)

    monkeypatch.setattr(serve, "ExportedModel", Recording)
    predict = serve.make_app(batch_size=8).routes[-1].endpoint
    with pytest.raises(RuntimeError, match="out of memory"):
        predict(["my order arrived broken"] * 40)
    assert len(predict(["my order arrived broken"] * 20)) == 20  # after the batch that failed
    assert sum(sizes) == 60 and max(sizes) == 8 and len(sizes) < 20


def test_entities_of_an_own_loop_are_found_by_a_pipeline(model: Path, tmp_path: Path) -> None:
    sentences = tmp_path / "entities.jsonl"
    rows = [{"words": words, "tags": tags} for words, tags in TAGGED * 2]
    sentences.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    output = tmp_path / "tagger"
    printed = run("own_loop.py", model, sentences, "--output", output, "--epochs", 5, "--learning-rate", 5e-3)
    assert shares(printed)[1] > 90

    lines = run("token_pipeline.py", output, texts="the quick fox jumps .\n\nthe lazy words jumps .\n")
    found = [json.loads(line) for line in lines.splitlines()]
    assert [[entity["text"] for entity in row["entities"]] for row in found] == [["fox"], ["words"]]
    assert found[0]["entities"][0].items() >= {"kind": "ANIMAL", "start": 10, "end": 13}.items()


def test_a_dataset_is_corrected(tmp_path: Path) -> None:
    corrector = saved_model(tmp_path / "model", "bert", {"quick": 0.9})
    table = tmp_path / "table.csv"
    table.write_text("text,label\nthe qick fox jumps .,a\nthe brown dog,b\n", encoding="utf-8")
    printed = run("correct_dataset.py", corrector, table, "--output", tmp_path / "corrected")
    assert "1 of 2 texts corrected" in printed
    assert load_from_disk(str(tmp_path / "corrected")).to_dict() == {
        "text": ["the quick fox jumps .", "the brown dog"],
        "label": ["a", "b"],
        "original": ["the qick fox jumps .", "the brown dog"],
    }


def test_sentence_embeddings_are_trained_means_of_both_channels(model: Path, tmp_path: Path) -> None:
    sentences = tmp_path / "sentences.txt"
    sentences.write_text("\n".join(" ".join(words) for words, _ in TAGGED), encoding="utf-8")
    output = ("--output", tmp_path / "embeddings")
    printed = run("sentence_embeddings.py", model, sentences, *output, "--epochs", 8, "--learning-rate", 1e-3)
    before, after = re.findall(r"(\d+)%", printed)
    assert int(after) > int(before) + 10

    # In a folder of its own, which holds all that is needed but charbert.
    loaded = SentenceTransformer(str(tmp_path / "embeddings"), trust_remote_code=True)
    text = "my \N{SLIGHTLY SMILING FACE} order arrived brokn"
    encoder = CharBertModel.from_pretrained(tmp_path / "embeddings")
    tokenizer = CharBertTokenizer.from_pretrained(tmp_path / "embeddings")
    with torch.inference_mode():
        encoded = encoder(**tokenizer(text, return_tensors="pt"))
    wanted = torch.cat([encoded.last_hidden_state, encoded.char_last_hidden_state], dim=-1).mean(dim=1)[0]
    assert np.allclose(loaded.encode(text), wanted, atol=1e-5)
    loaded.save_pretrained(str(tmp_path / "again"))
    again = SentenceTransformer(str(tmp_path / "again"), trust_remote_code=True)
    assert np.array_equal(again.encode(text), loaded.encode(text))


def test_few_shots_train_on_both_channels(model: Path, reviews: Path, tmp_path: Path) -> None:
    output = tmp_path / "few-shot"
    printed = run("few_shot.py", model, reviews, "--output", output, "--steps", 5, "--learning-rate", 1e-3)
    assert shares(printed)[0] > 0.5
    trained = SetFitModel.from_pretrained(str(output), trust_remote_code=True)
    assert trained.model_head.n_features_in_ == 2 * trained.model_body[0].config.hidden_size
