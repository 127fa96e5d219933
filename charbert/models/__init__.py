"""Weights that come with the package: `charbert.path` is their folder, `charbert.load` loads them."""

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
    names = sorted(config.parent.name for config in FOLDER.glob("*/config.json"))
    if name not in names:
        there = ", ".join(names) or "none"
        raise CharBertError(
            f"no weights named {name!r} come with charbert (there are: {there}); give the folder of a model"
        )
    return FOLDER / name


def load(name: str = DEFAULT, **kwargs: Any) -> "tuple[CharBertForPreTraining, CharBertTokenizer]":
    """The model with the heads of pre-training, in evaluation mode, and its tokenizer.

    Args:
        name: of the weights.
        kwargs: as of `from_pretrained`, such as `dtype`.

    Raises:
        CharBertError: as `path`, or a file of theirs is damaged.
    """
    from charbert.lm_heads import CharBertForPreTraining
    from charbert.tokenization import CharBertTokenizer

    folder = path(name)
    return CharBertForPreTraining.from_pretrained(folder, **kwargs), CharBertTokenizer.from_pretrained(folder)
