"""Progress bars of commands (`tqdm`)."""

import sys
from typing import Any


def progress_bar(*args: Any, **settings: Any) -> Any:
    """A `tqdm` that writes at most a line every ten seconds into a log file."""
    from tqdm import tqdm  # as long to import as all settings of a command, of which few show a bar

    return tqdm(*args, mininterval=0.1 if sys.stderr.isatty() else 10, **settings)


def passing_bar(*args: Any, **settings: Any) -> Any:
    """A progress bar of work that is mostly short: shown after two seconds, and removed at the end."""
    return progress_bar(*args, delay=2, leave=False, **settings)
