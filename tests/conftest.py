"""What all tests share. Nothing here or below it reads from a network."""

import logging
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported, which reads it once
# On a CPU the same command gives the same weights to the last bit; `pytest -m gpu` needs the other kind.
if not any("gpu" in argument for argument in sys.argv):
    os.environ["CUDA_VISIBLE_DEVICES"] = ""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from plain import save_plain


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The longest file first, so that at the end no process is left alone with it.
    items.sort(key=lambda item: item.path.name != "test_readme.py")
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device, and `pytest -m gpu`"))


@pytest.fixture(params=tiny.KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of backbone in turn."""
    return request.param


@pytest.fixture
def stock(kind: str) -> Any:
    """A tokenizer of `transformers` for this kind of backbone."""
    return tiny.stock_tokenizer(kind)


@pytest.fixture
def tokenizer(kind: str) -> Any:
    """A `CharBertTokenizer` for this kind of backbone."""
    return tiny.tokenizer(kind)


@pytest.fixture(params=["stock", "spelling"])
def any_tokenizer(request: pytest.FixtureRequest, kind: str) -> Any:
    """The tokenizers of `transformers` and of CharBERT, for each kind of backbone."""
    return {"stock": tiny.stock_tokenizer, "spelling": tiny.tokenizer}[request.param](kind)


@pytest.fixture
def plain_folder(kind: str, tmp_path: Path) -> Path:
    """A folder with a plain BERT or RoBERTa, a pooler and a tokenizer."""
    return save_plain(tmp_path / "plain", kind, "model")


@pytest.fixture
def masked_lm_folder(kind: str, tmp_path: Path) -> Path:
    """A folder with a plain masked LM, which has no pooler, and a tokenizer."""
    return save_plain(tmp_path / "masked_lm", kind, "masked_lm")


@pytest.fixture
def fresh_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Call it to have logging as it is before a command begins; what a command sets of it is put back."""
    monkeypatch.setattr(os, "environ", {**os.environ})
    loggers = logging.root, logging.getLogger("transformers.charbert"), logging.getLogger("transformers")
    before = [(each, each.level, each.handlers, each.propagate) for each in loggers]

    def start() -> None:
        logging.root.handlers, loggers[1].handlers, loggers[1].propagate = [], [], True
        loggers[1].setLevel(logging.NOTSET)

    yield start
    for logger, level, handlers, propagate in before:
        logger.setLevel(level)
        logger.handlers, logger.propagate = handlers, propagate


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small corpus to pre-train on: `text.txt`, `tokenizer`, `blocks`."""
    from small_runs import make_corpus  # with all that reads data, which few tests need

    return make_corpus(tmp_path_factory.mktemp("corpus"))
