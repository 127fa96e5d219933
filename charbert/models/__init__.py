"""Weights that come with the package: `charbert.path` is their folder, `charbert.load` loads them."""

import os
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charbert.errors import CharBertError

if TYPE_CHECKING:
    from charbert.lm_heads import CharBertForPreTraining
    from charbert.tokenization import CharBertTokenizer

DEFAULT = "mini"
FOLDER = Path(__file__).parent


def path(name: str = DEFAULT) -> Path:
    """The folder of weights of this name, as `from_pretrained` and all commands take it.

    Raises:
        CharBertError: the package has none of this name.
    """
    names = _names()
    if name not in names:
        there = ", ".join(names) or "none"
        raise CharBertError(
            f"no weights named {name!r} come with charbert (there are: {there}); give the folder of a model"
        )
    return FOLDER / name


def find(source: Any) -> Any:
    """The folder of the package's weights of this name; all else, also a folder of that name, as it is."""
    return str(path(source)) if source in _names() and not Path(source).exists() else source


def find_charbert(source: Any) -> Any:
    """As `find`, of what must be a CharBERT.

    The hub is not asked for a name without an owner, which only models older than CharBERT have: where it
    cannot be reached, that takes a minute.

    Raises:
        CharBertError: there is no such folder, and the package has no weights of this name.
    """
    is_name = isinstance(source, str | PathLike) and Path(source).name == str(source)
    return find(source) if not is_name or os.path.exists(source) else str(path(str(source)))


def _names() -> list[str]:
    return sorted(config.parent.name for config in FOLDER.glob("*/config.json"))


def load(name: str = DEFAULT, **kwargs: Any) -> "tuple[CharBertForPreTraining, CharBertTokenizer]":
    """The model with the heads of pre-training, in evaluation mode, and its tokenizer.

    Args:
        name: of the weights.
        kwargs: as of `from_pretrained`, such as `dtype`.

    Raises:
        CharBertError: as `path`, or a file of theirs is damaged.
    """
    from charbert.commands.progress import without_bars_of_models
    from charbert.lm_heads import CharBertForPreTraining
    from charbert.tokenization import CharBertTokenizer

    folder = path(name)
    with without_bars_of_models():
        model = CharBertForPreTraining.from_pretrained(folder, **kwargs)
    return model, CharBertTokenizer.from_pretrained(folder)
