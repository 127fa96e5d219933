"""`charbert correct`: texts with their misspelled words replaced."""

from collections.abc import Sequence

from charbert.commands.devices import find_device
from charbert.commands.text_files import Changed, change_texts
from charbert.correction.corrector import Corrector
from charbert.lm_heads import CharBertForPreTraining
from charbert.models import path
from charbert.settings import CorrectSettings
from charbert.vocabulary import read_words


def run(settings: CorrectSettings) -> None:
    """Write the texts of a file with their misspelled words replaced.

    Raises:
        CharBertError: as `change_texts` and `Corrector`.
    """
    known = read_words(settings.known) if settings.known else ()
    model = (
        CharBertForPreTraining.from_pretrained(settings.model or path())
        .to(find_device(settings.device))
        .eval()
    )
    corrector = Corrector(model, known=known, real_words=settings.real_words)

    def change(texts: Sequence[str]) -> list[Changed]:
        corrections = corrector(texts, settings.top_k, settings.threshold)
        return [
            Changed(each.text, len(each.words), {"corrections": each.as_dict()["words"]})
            for each in corrections
        ]

    change_texts(settings, change, "correcting")
