"""The hub: classes that saved folders name, model cards, and uploads."""

import re
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any

from charbert.errors import CharBertError

CARD = "README.md"
"""A model card. One that somebody wrote or edited is never written over."""
REMOTE_CODE = "modeling_charbert"
"""The module that `auto_map` names; saved folders hold a copy."""
UPLOAD_OPTIONS = (
    *("repo_id", "commit_message", "commit_description", "private"),
    *("token", "revision", "create_pr", "tags"),
)
TASKS = {
    "PreTraining": "fill-mask",
    "MaskedLM": "fill-mask",
    "TokenClassification": "token-classification",
    "SequenceClassification": "text-classification",
    "QuestionAnswering": "question-answering",
    "MultipleChoice": "multiple-choice",
}
"""The task that the hub files a head under."""
_CLASSES = {
    "AutoConfig": "CharBertConfig",
    "AutoModel": "CharBertModel",
    **{f"AutoModelFor{head}": f"CharBertFor{head}" for head in TASKS},
}

_CHECKSUM = re.compile(r"<!-- Written by charbert; sha256 of the rest: \w{64} -->\n")


def auto_map() -> dict[str, str]:
    """What `config.json` names, by Auto class, for `trust_remote_code=True`."""
    return {auto_class: f"{REMOTE_CODE}.{name}" for auto_class, name in _CLASSES.items()}


def sign(text: str) -> str:
    """The text of a card with the checksum by which it is known to be unedited."""
    return f"{text}<!-- Written by charbert; sha256 of the rest: {sha256(text.encode()).hexdigest()} -->\n"


def unsigned(text: str) -> str:
    """A card without its checksum."""
    return _CHECKSUM.sub("", text)


def is_kept(card: Path) -> bool:
    """Whether there is a README.md that somebody wrote or edited."""
    if not card.is_file():
        return card.exists()
    text = card.read_bytes().decode(errors="replace")
    return sign(unsigned(text)) != text


class HubClass:
    """A class of this package that folders name in their `auto_map`, and that the hub takes."""

    def save_pretrained(
        self, save_directory: str | PathLike[str], *args: Any, push_to_hub: bool = False, **kwargs: Any
    ) -> Any:
        """As in `transformers`, with the module that `auto_map` names.

        Args:
            push_to_hub: upload it too, by the arguments of `push_to_hub` among `kwargs`; `repo_id` is the
                name of the folder when left out.

        Raises:
            CharBertError: there is a file in the place of the folder.
        """
        if Path(save_directory).is_file():
            raise CharBertError(f"{save_directory}: is a file; name a folder to save into")
        hub = {name: kwargs.pop(name) for name in UPLOAD_OPTIONS if push_to_hub and name in kwargs}
        saved = super().save_pretrained(save_directory, *args, **kwargs)  # type: ignore[misc]
        if kwargs.get("is_main_process", True):
            self.complete_folder(Path(save_directory))
            if push_to_hub:
                card = Path(save_directory, CARD)
                hub.setdefault("repo_id", card.parent.resolve().name)
                self.push_to_hub(**hub, card=card if card.is_file() else None, **kwargs)
        return saved

    def complete_folder(self, folder: Path) -> None:
        """Save what `transformers` does not."""
        module = f"{REMOTE_CODE}.py"
        (folder / module).write_bytes(Path(__file__).with_name(module).read_bytes())

    def push_to_hub(self, repo_id: str, **kwargs: Any) -> Any:
        """As in `transformers`, by `charbert.hub.upload`; a README.md that the repository has stays.

        Raises:
            CharBertError: the hub cannot be reached, or refuses it.
        """
        from charbert.hub.upload import upload

        return upload(self, repo_id, **kwargs)

    @classmethod
    def register_for_auto_class(cls, *args: Any, **kwargs: Any) -> None:
        """As in `transformers`, where loading does it too, for classes of others.

        Of a class of this package the source would be copied into every folder that is saved from then on.
        """
        if not cls.__module__.startswith("charbert."):
            super().register_for_auto_class(*args, **kwargs)  # type: ignore[misc]
