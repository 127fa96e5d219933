"""Model cards: the README.md of a saved model, with the metadata that the hub reads."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import transformers
from huggingface_hub import EvalResult, ModelCardData

from charbert.backbones import BACKBONES, is_charbert
from charbert.commands.output import whole_file
from charbert.export import is_exported
from charbert.hub import CARD, TASKS, is_kept, sign, unsigned

PAPER = "https://arxiv.org/abs/2011.01513"
_HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
_ROBUSTNESS = re.compile(r"(?<=## Robustness\n\n).*?(?=\n\n## )", re.DOTALL)
_CHECKPOINT = re.compile(r"checkpoint-\d+")
_SHOWN_LABELS = 30


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a card says beside what the folder of the model shows.

    Args:
        base: folder or hub id of the model that training started from; None: from scratch, or not known.
        data: files, folders or hub ids that it was trained on.
        training: how it was trained, by what is said.
        scores: by split, measures and their values; None where one is undefined.
        test_data: what the scores of each split were measured on.
        parameters: how many the model has.
    """

    base: str | None = None
    data: Sequence[str] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    test_data: Mapping[str, str] = field(default_factory=dict)
    parameters: int | None = None


def write_card(
    folder: str | PathLike[str],
    facts: Facts,
    *,
    name: str | None = None,
    tags: Sequence[str] = (),
    renew: bool = False,
) -> None:
    """Write the card of a saved model, unless its folder has a README.md, or is a checkpoint of a Trainer.

    Args:
        folder: with `config.json`, and what else was saved.
        facts: what it does not show.
        name: of the model, as the hub has it; that of the folder when left out.
        tags: further ones of the metadata.
        renew: write it anew where it is one of ours that nobody has edited.
    """
    path = Path(folder) / CARD
    if _CHECKPOINT.fullmatch(path.parent.name) or (is_kept(path) if renew else path.exists()):
        return
    text = _Card(path.parent, facts, name or path.parent.resolve().name).write(tags)
    with whole_file(path) as partial:
        partial.write_text(sign(text), encoding="utf-8")


def add_robustness(folder: str | PathLike[str], points: Mapping[str, str]) -> None:
    """Add to the card of a model, if it has one that nobody has edited, what typos cost it.

    Args:
        folder: of the model.
        points: scores by what was done to the texts.
    """
    card = Path(folder) / CARD
    if not card.is_file() or is_kept(card):
        return
    table = _table(("texts", "points"), points)
    text = _ROBUSTNESS.sub(lambda _: table, unsigned(card.read_text(encoding="utf-8")))
    with whole_file(card) as partial:
        partial.write_text(sign(text), encoding="utf-8")


def is_hub_id(source: str) -> bool:
    """Whether a model or data set is named as on the hub, and is nothing on this disk."""
    return bool(_HUB_ID.fullmatch(source)) and not Path(source).exists()


def short_name(source: str) -> str:
    """A hub id as it is; of a file or folder the name alone, since a card is read elsewhere."""
    hub_id, _, part = source.partition(":")  # a data set may be followed by its configuration and split
    is_of_hub = is_hub_id(hub_id) and not {"/", "\\"} & {*part}
    return source if is_of_hub else Path(source).name


class _Card:
    """The text of a card."""

    def __init__(self, folder: Path, facts: Facts, name: str) -> None:
        self.facts, self.name = facts, name
        self.config = _read(folder / "config.json")
        self.delta = _read(folder / "delta.json")
        self.is_exported = is_exported(folder)
        self.backbone = self.config.get("backbone_config", self.config)
        self.is_charbert = is_charbert(self.config)
        class_name = self.delta.get("model_class") or (self.config.get("architectures") or [""])[0]
        self.class_name = str(class_name)
        self.head = self.class_name.partition("For")[2]
        self.base = facts.base or self.delta.get("base")

    def write(self, tags: Sequence[str]) -> str:
        parts = [self._metadata(tags), self._introduction(), self._use(), self._training()]
        parts += [self._scores(), self._limits()]
        return "\n\n".join(parts) + "\n\n"

    def _metadata(self, tags: Sequence[str]) -> str:
        facts, task = self.facts, TASKS.get(self.head)
        data_sets = [source.partition(":")[0] for source in facts.data]
        own = {"charbert": self.is_charbert, "typos": self.is_charbert, "delta": bool(self.delta)}
        results = [
            EvalResult(
                task_type=task or "feature-extraction",
                dataset_type=facts.test_data.get(split, split).partition(":")[0],
                dataset_name=facts.test_data.get(split, split),
                dataset_split=split,
                metric_type=measure,
                metric_value=round(value, 4),
            )
            for split, measures in facts.scores.items()
            for measure, value in measures.items()
            if value is not None
        ]
        metadata = ModelCardData(
            library_name="onnx" if self.is_exported else "transformers",
            pipeline_tag=task,
            tags=[*(tag for tag, holds in own.items() if holds), *tags] or None,
            base_model=self.base if self.base and is_hub_id(self.base) else None,
            datasets=[name for name in data_sets if is_hub_id(name)] or None,
            model_name=self.name if results else None,
            eval_results=results or None,
        )
        return f"---\n{metadata.to_yaml()}\n---"

    def _introduction(self) -> str:
        what = "CharBERT" if self.is_charbert else str(self.config.get("model_type", "model"))
        kind = f"A delta ({self.delta['method']}) of a {what}" if self.delta else f"A {what}"
        head = f" with a head for {TASKS[self.head].replace('-', ' ')}" if self.head in TASKS else ""
        if self.head == "PreTraining":
            head = " with the heads of pre-training: masked words, and misspelled ones to restore"
        exported = ", as an ONNX graph that spells its tokens itself" if self.is_exported else ""
        explained = (
            f" CharBERT ([paper]({PAPER})) gives BERT a second channel that reads the characters of each "
            "token, so that a typo changes a little of the input instead of all of it."
        )
        return f"# {self.name}\n\n{kind}{head}{exported}.{explained * self.is_charbert}\n\n" + _table(
            ("model", ""), self._sizes()
        )

    def _sizes(self) -> dict[str, Any]:
        config, backbone = self.config, self.backbone
        rows: dict[str, Any] = {"class": f"`{self.class_name}`"} if self.class_name else {}
        sizes = [backbone.get(name) for name in ("num_hidden_layers", "hidden_size", "vocab_size")]
        if all(sizes):
            layers, units, tokens = sizes
            rows["backbone" if self.is_charbert else "encoder"] = (
                f"{backbone.get('model_type')}, {layers} layers of {units} units, {tokens:,} tokens"
            )
        if self.is_charbert:
            rows["character channel"] = (
                f"{config['char_encoder']} on {config['character_vocabulary_size']:,} characters, "
                f"interaction `{config['interaction']}`"
            )
        if self.facts.parameters:
            rows["parameters"] = f"{self.facts.parameters:,}"
        labels = list(config.get("id2label", {}).values())
        if labels and self.head in ("TokenClassification", "SequenceClassification"):
            more = ", ..." * (len(labels) > _SHOWN_LABELS)
            rows["labels"] = ", ".join(map(str, labels[:_SHOWN_LABELS])) + more
        return rows

    def _use(self) -> str:
        auto_class = f"AutoModelFor{self.head}" if self.head in TASKS else "AutoModel"
        name = json.dumps(self.name, ensure_ascii=False)
        imports = [f"from transformers import {auto_class}, AutoTokenizer"]
        load, given = f"{auto_class}.from_pretrained", name
        place, notes = "this folder, or its id on the hub", []
        if self.is_exported:
            imports = ["from charbert.export.session import ExportedModel"]
            imports += ["from transformers import AutoTokenizer"]
            load = "ExportedModel"
        elif self.delta and not self.is_charbert:
            imports.append("from charbert.tuning.saving import from_delta")
            load, given = "from_delta", f"{auto_class}, {name}"
        elif not (self.is_charbert or hasattr(transformers, self.class_name)):
            return f"## Use\n\nWith the program that trained it: no Auto class knows `{self.class_name}`."
        elif self.is_charbert:
            imports.insert(0, "import charbert")
            notes.append(
                "The package `charbert` must be installed. Without `import charbert`, "
                "`trust_remote_code=True` in both calls does the same."
            )
            if self.head == "PreTraining":
                notes.append(f'`charbert.correct("Teh text", model={name})` restores misspelled words.')
        if self.is_exported:
            place = "this folder"
        code = [
            *imports,
            "",
            f"model = {load}({given})  # {place}",
            f"tokenizer = AutoTokenizer.from_pretrained({name})",
        ]
        if self.head != "MultipleChoice":  # which takes several texts at a time
            code.append('outputs = model(**tokenizer("Teh text to read", return_tensors="pt"))')
        return "\n\n".join(["## Use", "```python\n" + "\n".join(code) + "\n```", *notes])

    def _training(self) -> str:
        facts, origin = self.facts, "exported" if self.is_exported else "started"
        rows = {
            **({f"{origin} from": short_name(self.base)} if self.base else {}),
            **({"data": ", ".join(map(short_name, facts.data))} if facts.data else {}),
            **facts.training,
        }
        if not rows:
            return "## Training\n\nNot recorded: say on what data and how, if you share the model."
        return "## Training\n\n" + _table(("", ""), rows)

    def _scores(self) -> str:
        scores = {
            f"{split}, {measure}": "undefined" if value is None else f"{value:.4f}"
            for split, measures in self.facts.scores.items()
            for measure, value in measures.items()
        }
        text = _table(("scores", ""), scores) if scores else "Not recorded."
        robust = "Not measured; `python -m finetune robustness` in a checkout of charbert does it."
        return f"## Scores\n\n{text}\n\n## Robustness\n\n{robust}"

    def _limits(self) -> str:
        config, backbone = self.config, self.backbone
        limits = [
            "On texts of another language, subject or time than its data, and on typos that are not like "
            "those of its training, it may be worse than the scores show.",
            "Biases of its data, and of those of the model that it started from, are in its predictions.",
        ]
        if self.is_charbert:
            known = config["character_vocabulary_size"]
            limits.append(f"Characters that are not among the {known:,} that it knows are all one to it.")
        if longest := backbone.get("max_position_embeddings"):
            if kind := BACKBONES.get(backbone.get("model_type")):
                longest = kind.max_length(longest, backbone.get("pad_token_id") or 0)
            limits.append(f"It reads {longest:,} tokens at most.")
        if self.head == "PreTraining" and self.is_charbert:
            words = config["word_vocabulary_size"]
            limits.append(
                f"It restores the {words:,} words of its vocabulary; for another task it must be fine-tuned."
            )
        if self.delta:
            limits.append("It needs the base that it was trained on, with the same weights.")
        limits.append(
            "No licence is stated: add the one that its base and its data allow to the metadata above."
        )
        return "## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits)


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_bytes()) if path.is_file() else {}


def _table(header: tuple[str, str], rows: Mapping[str, Any]) -> str:
    cells = [tuple(" ".join(str(cell).split()).replace("|", r"\|") for cell in row) for row in rows.items()]
    return "\n".join(f"| {left} | {right} |" for left, right in (header, ("---", "---"), *cells))
