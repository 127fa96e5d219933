"""`charbert attack`: texts with typos in their words."""

from collections.abc import Sequence

from charbert.commands.text_files import Changed, change_texts
from charbert.noise.settings import AttackTextSettings


def run(settings: AttackTextSettings) -> None:
    """Write the texts of a file with some of their words changed.

    Raises:
        CharBertError: as `change_texts` and `load_attack`.
    """
    attack = settings.load_attack()

    def change(texts: Sequence[str]) -> list[Changed]:
        return [
            Changed(each.text, each.changed, {"edits": [edit._asdict() for edit in each.edits]})
            for each in attack.texts(texts)
        ]

    change_texts(settings, change, "attacking")
