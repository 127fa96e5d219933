"""CharBERT's classes by name, for `trust_remote_code=True`: every saved folder has a copy of this module."""

from typing import Any

try:
    import charbert
except ImportError as error:
    raise ImportError(
        "this model needs the package charbert, which is not installed: `pip install .` in a checkout of it"
    ) from error


def __getattr__(name: str) -> Any:
    """A class of the package."""
    return getattr(charbert, name)
