"""Progress: bars on a terminal, plain lines elsewhere."""

import os
import sys
from collections.abc import Callable
from logging import Handler, LogRecord, getLogger
from typing import Any

import pytest
from transformers.utils import logging

from charbert.commands import progress


@pytest.mark.parametrize("seconds", [0, 60])
@pytest.mark.parametrize("settings", [{"total": 3}, {"unit": "B"}, {"total": 3, "initial": 1}], ids=str)
def test_a_pipe_gets_a_whole_line_at_each_interval(
    seconds: int, settings: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", seconds)
    with progress.progress_bar(desc="work", **settings) as bar:
        for _ in range(2):
            bar.update()
    shown = capsys.readouterr().err
    assert "\r" not in shown and "\x1b" not in shown
    assert bool(shown) is (seconds == 0)
    assert all(line.startswith("work: ") for line in shown.splitlines())


def test_a_line_has_the_count_of_its_moment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    list(progress.progress_bar(range(4), desc="work"))
    assert [line.split()[2] for line in capsys.readouterr().err.splitlines()][:4] == [
        "0/4",
        "1/4",
        "2/4",
        "3/4",
    ]


class Kept(Handler):
    """Keeps the messages of the one logger that it is added to."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: LogRecord) -> None:
        self.messages.append(record.getMessage())


def test_a_hub_that_does_not_answer_is_said_once() -> None:
    attempts, kept = getLogger("huggingface_hub.utils._http"), Kept()
    before = list(attempts.filters), getLogger("huggingface_hub").propagate
    attempts.addHandler(kept)
    try:
        progress.set_messages()
        for number in (1, 2):
            attempts.warning("'%s' thrown while requesting HEAD", "no such host")
            attempts.warning("Retrying in %s s", number)
        assert kept.messages == [
            "'no such host' thrown while requesting HEAD; trying again for half a minute"
        ]
    finally:
        attempts.removeHandler(kept)
        attempts.filters, getLogger("huggingface_hub").propagate = before


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(progress.progress_bar(range(3))) == [0, 1, 2]
    assert "\r" in capsys.readouterr().err


def test_quiet_hides_all_bars_and_the_level_reaches_the_libraries(
    fresh_logging: Callable[[], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    fresh_logging()
    progress.set_messages("error", quiet=True)
    progress.set_messages()  # of a command that this one runs
    with progress.progress_bar(range(3), desc="work") as bar:
        assert list(bar) == [0, 1, 2]
        getLogger("finetune").warning("less")
        getLogger("finetune").error("more")
        getLogger("transformers.charbert.loading").warning("less")
    assert capsys.readouterr().err == "more\n"
    assert os.environ["TRANSFORMERS_VERBOSITY"] == os.environ["HF_HUB_VERBOSITY"] == "error"


def test_bars_of_reading_and_writing_weights_are_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    def shown() -> list[bool]:
        for name in ("Loading weights", "Writing model shards", "another"):
            list(logging.tqdm(range(2), desc=name))
        text = capsys.readouterr().err
        return ["weights" in text, "shards" in text, "another" in text]

    before = shown()
    with progress.without_bars_of_models():
        assert shown() == [False, False, True]
    assert shown() == before == [True, True, True]
