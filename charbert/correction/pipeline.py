"""The `transformers` pipeline "typo-correction": `charbert.correct` with datasets, batches and devices."""

from collections.abc import Collection
from typing import Any

from transformers import AutoModelForPreTraining
from transformers.pipelines import PIPELINE_REGISTRY
from transformers.pipelines.base import Pipeline

from charbert.correction.corrector import Corrector
from charbert.models import path

TYPO_CORRECTION = "typo-correction"


class TypoCorrectionPipeline(Pipeline):
    """Corrects misspelled words: `pipeline("typo-correction", model=FOLDER)("Teh text")`.

    Without a model it takes the weights that come with the package.

    A text gives a dict of `text`, corrected, and `words`: of each word replaced `start` and `end` in the text
    given, `word`, `correction`, and `suggestions`, each a dict of `word` and `probability`. `known` and
    `real_words` are given to `pipeline`, as to `Corrector`; `top_k` and `threshold` there or with the texts.

    Raises:
        CharBertError: as `Corrector`.
    """

    _load_tokenizer = True

    def __init__(
        self, *args: Any, known: Collection[str] = (), real_words: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._corrector = Corrector(self.model, self.tokenizer, known, real_words)

    def _sanitize_parameters(
        self, top_k: int | None = None, threshold: float | None = None
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        given = {"top_k": top_k, "threshold": threshold}
        return {}, {name: value for name, value in given.items() if value is not None}, {}

    def preprocess(self, input_: str, **_: Any) -> dict[str, Any]:
        return {"text": input_}

    def _forward(self, input_tensors: dict[str, Any], **given: Any) -> dict[str, Any]:
        text = input_tensors["text"]  # or, in a batch, a list of them
        if isinstance(text, list):
            return {"correction": [each.as_dict() for each in self._corrector(text, **given)]}
        return {"correction": self._corrector([text], **given)[0].as_dict()}

    def postprocess(self, model_outputs: dict[str, Any], **_: Any) -> dict[str, Any]:
        return model_outputs["correction"]


class _DefaultModel(dict[str, Any]):
    """The weights that come with the package, looked for when no model is named."""

    def __getitem__(self, key: str) -> tuple[str, None]:
        return str(path()), None  # no revision


def register_pipelines() -> None:
    """Register the pipeline with `transformers`; safe to call again."""
    if TYPO_CORRECTION not in PIPELINE_REGISTRY.get_supported_tasks():
        PIPELINE_REGISTRY.register_pipeline(
            TYPO_CORRECTION,
            TypoCorrectionPipeline,
            pt_model=AutoModelForPreTraining,
            default=_DefaultModel(model=None),
            type="text",
        )
