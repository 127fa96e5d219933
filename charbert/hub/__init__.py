"""The hub: classes that saved folders name, model cards, and uploads."""

import shutil
from os import PathLike
from pathlib import Path
from typing import Any

REMOTE_CODE = "modeling_charbert"
"""The module that `auto_map` names; saved folders hold a copy."""
_HEADS = (
    *("PreTraining", "MaskedLM", "TokenClassification"),
    *("SequenceClassification", "QuestionAnswering", "MultipleChoice"),
)
_CLASSES = {
    "AutoConfig": "CharBertConfig",
    "AutoModel": "CharBertModel",
    **{f"AutoModelFor{head}": f"CharBertFor{head}" for head in _HEADS},
}


def auto_map() -> dict[str, str]:
    """What `config.json` names, by Auto class, for `trust_remote_code=True`."""
    return {auto_class: f"{REMOTE_CODE}.{name}" for auto_class, name in _CLASSES.items()}


def save_remote_code(folder: str | PathLike[str]) -> None:
    """Copy the module that `auto_map` names into a saved folder."""
    shutil.copyfile(Path(__file__).with_name(f"{REMOTE_CODE}.py"), Path(folder) / f"{REMOTE_CODE}.py")


class KnownClass:
    """A class of this package that saved folders name in their `auto_map`."""

    @classmethod
    def register_for_auto_class(cls, *args: Any, **kwargs: Any) -> None:
        """As in `transformers`, where loading does it too, for classes of others.

        Of a class of this package the source would be copied into every folder that is saved from then on.
        """
        if not cls.__module__.startswith("charbert."):
            super().register_for_auto_class(*args, **kwargs)  # type: ignore[misc]
