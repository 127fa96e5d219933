"""Progress of commands: bars (`tqdm`) on a terminal, a line a minute anywhere else."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from charbert.commands.output import is_main_process

QUIET = "TQDM_DISABLE"
"""The variable of `tqdm` that hides all its bars, those of libraries and of started processes too."""
LIBRARY = "transformers.charbert"
"""What loggers of models and their loading are named after, so that transformers' verbosity is theirs too."""
_LIBRARIES = ("TRANSFORMERS", "DATASETS", "HF_HUB")
SECONDS_BETWEEN_LINES = 60
_MEANINGLESS_BARS = ("Loading weights", "Writing model shards")


def progress_bar(*args: Any, **settings: Any) -> Any:
    """A `tqdm` that, where the standard error is no terminal, writes plain lines, one a minute."""
    from tqdm import tqdm  # as long to import as all settings of a command, of which few show a bar

    if os.environ.get(QUIET):
        settings["disable"] = True
    if sys.stderr.isatty():
        return tqdm(*args, **settings)
    times = dict.fromkeys(("delay", "mininterval", "maxinterval"), SECONDS_BETWEEN_LINES)
    # With `miniters`, or else the count in a line may be that of an earlier one.
    plain = {"file": _Lines(), "leave": False, "ncols": 0, "position": 0, "miniters": 1}
    return tqdm(*args, **{**settings, **times, **plain})


def passing_bar(*args: Any, **settings: Any) -> Any:
    """A progress bar of work that is mostly short: shown after two seconds, and removed at the end."""
    return progress_bar(*args, delay=2, leave=False, **settings)


class _Lines:
    """A file that writes what it gets to the standard error as whole lines: no returns, none blank."""

    def write(self, text: str) -> None:
        if line := text.strip():
            print(line, file=sys.stderr)

    def flush(self) -> None:
        sys.stderr.flush()


def set_messages(log_level: str = "info", quiet: bool = False) -> None:
    """Choose what this process, those that it starts, and libraries imported later show while it works.

    A command that another one runs shows what that one does. Libraries keep their own levels under the
    default one, and show bars, such as of downloads, on a terminal alone. Of a hub that does not answer the
    first attempt is said, and not each of the next ones, twice.

    Args:
        log_level: the least one of messages, unless logging was configured before; of several processes all
            but the main one show no more than warnings.
        quiet: show no progress bars.
    """
    level = logging.getLevelNamesMapping()[log_level.upper()]
    shown = level if is_main_process() else max(level, logging.WARNING)
    logging.basicConfig(level=shown, format="%(message)s")
    own = logging.getLogger(LIBRARY)  # in a command its messages are the command's own
    own.setLevel(logging.getLogger().level)
    own.propagate = False
    own.handlers = logging.getLogger().handlers
    if level != logging.INFO:
        os.environ.update({f"{library}_VERBOSITY": log_level for library in _LIBRARIES})
    if quiet:
        os.environ[QUIET] = "1"
    hub = logging.getLogger("huggingface_hub")
    hub.propagate = False
    attempts = logging.getLogger("huggingface_hub.utils._http")
    attempts.filters = [each for each in attempts.filters if not isinstance(each, _FirstAttempt)]
    attempts.addFilter(_FirstAttempt())
    if quiet or not sys.stderr.isatty():
        for library in ("HF_HUB", "HF_DATASETS"):
            os.environ.setdefault(f"{library}_DISABLE_PROGRESS_BARS", "1")


class _FirstAttempt(logging.Filter):
    """Lets one message through that a request has failed."""

    _has_failed = False

    def filter(self, record: logging.LogRecord) -> bool:
        if self._has_failed:
            return False
        self._has_failed = True
        record.msg, record.args = f"{record.getMessage()}; trying again for half a minute", ()
        return True


@contextmanager
def without_bars_of_models() -> Iterator[None]:
    """Hide the bars of `transformers`, if it is imported, for reading and writing weights."""
    set_hook = getattr(sys.modules.get("transformers.utils.logging"), "set_tqdm_hook", None)
    if set_hook is None:
        yield
        return
    before = set_hook(_hide_meaningless)
    try:
        yield
    finally:
        set_hook(before)


def _hide_meaningless(bar: Any, args: Any, settings: Any) -> Any:
    hidden = {"disable": True} if settings.get("desc") in _MEANINGLESS_BARS else {}
    return bar(*args, **{**settings, **hidden})
