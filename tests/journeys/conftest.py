"""Journeys: what a newcomer types one after the other, from a fresh clone to a result.

`make journeys` runs them, and prints each command and its time. One of them, on data of your own:
`pytest -m slow tests/journeys/test_research_data.py --data FOLDER`.
"""

import shutil
from pathlib import Path

import pytest
from checkouts import QUICKSTART, Checkout, clone


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--data", help="journey with research data: a folder with conll2003 and squad in it")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("slow")


@pytest.fixture
def checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Checkout:
    """A fresh clone."""
    return Checkout(clone(tmp_path / "CharBERT"), capsys)


@pytest.fixture
def with_quickstart(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A fresh clone with the model of the quickstart, which few steps have trained, once for all journeys."""
    made = tmp_path_factory.getbasetemp() / "quickstart-model"
    if not made.exists():
        checkout.run("python -m pretrain quickstart --output runs/quickstart --max-pages 60 --max-steps 60")
        shutil.copytree(checkout.folder / QUICKSTART, made)
    else:
        shutil.copytree(made, checkout.folder / QUICKSTART)
    return checkout
