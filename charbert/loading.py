"""Loading checkpoints: `from_pretrained` and `from_backbone` of every model."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from os import PathLike
from pathlib import Path
from typing import Any, Literal, Self, overload

from transformers import AutoConfig, AutoTokenizer
from transformers.utils import find_adapter_config_file, logging

from charbert.backbones import find_backbone, is_charbert, longest_input
from charbert.checkpoints import (
    Checkpoint,
    Tensors,
    compare_tensors,
    convert,
    find_delta,
    infer_sizes,
    is_tied,
    load_fitting,
    read_checkpoint,
    read_config,
)
from charbert.configuration import BACKBONE_ATTRIBUTES, CharBertConfig
from charbert.errors import CharBertError, LoadingError, describe_failure, reading
from charbert.export import refuse_exported
from charbert.spelling import check_tokens, frequent_characters
from charbert.vocabulary import Vocabulary

logger = logging.get_logger(f"transformers.{__name__}")  # under its verbosity

HUB_OPTIONS = ("cache_dir", "force_download", "local_files_only", "token", "revision", "subfolder")
BUILD_OPTIONS = ("dtype", "attn_implementation")
HEAD = "head"
_NUMBERED = re.compile(r"\.\d+\.")
Source = str | PathLike[str]


class PretrainedLoading:
    """Loading for `CharBertPreTrainedModel`: a checkpoint is taken for what it is, or refused in one line."""

    @overload
    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: Source | None,
        *_: Any,
        output_loading_info: Literal[True],
        **__: Any,
    ) -> tuple[Self, dict[str, Any]]: ...
    @overload
    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: Source | None, *args: Any, **kwargs: Any
    ) -> Self: ...
    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: Source | None,
        *model_args: Any,
        character_vocabulary: Source | Vocabulary | None = None,
        tokenizer: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Load a CharBERT from a folder or hub id: this project's format, or the released one unchanged.

        A folder with a delta (`charbert.tuning`) gives its base with the delta on it.

        Args:
            character_vocabulary: a character vocabulary or its file, to build the spelling table of a
                released checkpoint, which may come without one.
            tokenizer: the tokens to spell, or where they are; the folder's own when left out.
            kwargs: as in `transformers`; a key of the configuration overrides the checkpoint's. What
                `output_loading_info=True` gives of new parts is not logged too.
                `ignore_mismatched_sizes="head"` starts a head of another size anew, `True` the encoder too.

        Raises:
            CharBertError: a checkpoint without a character channel, or one that fits this model only in part.
        """
        if pretrained_model_name_or_path is None:
            return super().from_pretrained(None, *model_args, **kwargs)  # type: ignore[misc]
        source = pretrained_model_name_or_path
        hub = {name: kwargs[name] for name in HUB_OPTIONS if name in kwargs}
        if find_delta(source, **hub) is not None:
            return cls._load_tuned(source, **kwargs)
        config_dict = read_config(source, **hub)
        if not config_dict and (adapter := find_adapter_config_file(str(source), **hub)):
            return cls._load_tuned(source, adapter, **kwargs)
        if is_charbert(config_dict):
            model = cls._load_own(source, *model_args, **kwargs)
        else:
            for name in HUB_OPTIONS:
                kwargs.pop(name, None)
            model = cls._load_released(read_checkpoint(source, config_dict, **hub), **kwargs)
        if character_vocabulary is not None:
            built = model[0] if isinstance(model, tuple) else model  # a tuple with output_loading_info=True
            kind = built.config.backbone_config.model_type
            tokens = backbone_tokenizer(tokenizer or source, kind, **hub)
            built.set_spelling(tokens, _as_vocabulary(character_vocabulary))
        return model

    @classmethod
    def from_backbone(
        cls,
        backbone: Source,
        character_vocabulary: Source | Vocabulary | None = None,
        tokenizer: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Start from a plain BERT or RoBERTa: the token channel is loaded, the character channel is fresh.

        The interactions start as described in `HeterogeneousInteraction.start_as_identity`, so that the token
        channel gives nearly what the backbone gives; random ones would undo much of what it has learnt.

        Prefer a cased backbone where letter case means something: a typo leaves the capital that begins a
        name, and an uncased model never sees it.

        Args:
            backbone: folder or hub id of the plain checkpoint.
            character_vocabulary: a character vocabulary or its file. When left out, the tokenizer's own if it
                is a `CharBertTokenizer`, else the 1,000 characters that stand in most of its pieces.
            tokenizer: the backbone's tokenizer, or where it is; the folder's own when left out.
            kwargs: keys of `CharBertConfig`, and `dtype`, `attn_implementation`, and the hub's options.

        Raises:
            CharBertError: the checkpoint is a CharBERT, or not one of a known backbone, or incomplete.
        """
        hub = {name: kwargs.pop(name) for name in HUB_OPTIONS if name in kwargs}
        config_dict = read_config(backbone, **hub)
        own = is_charbert(config_dict)
        if own or (checkpoint := read_checkpoint(backbone, config_dict, **hub)).has_character_channel:
            raise CharBertError(f"{backbone}: this is a CharBERT already; load it with from_pretrained")
        tokens = backbone_tokenizer(tokenizer or backbone, checkpoint.backbone, **hub)
        if character_vocabulary is not None:
            characters = _as_vocabulary(character_vocabulary)
        else:
            characters = getattr(tokens, "characters", None) or frequent_characters(tokens)
        kwargs.setdefault("character_vocabulary_size", len(characters))
        kwargs.setdefault("ignore_mismatched_sizes", HEAD)  # a plain head reads one channel

        converted = convert(checkpoint)
        model = cls._assemble(checkpoint, converted, released=False, **kwargs)
        check_tokens(tokens, model.config.vocab_size)
        model.base_model.start_interactions()
        model.set_spelling(tokens, characters)
        loaded = sum(name.startswith("charbert.") for name in converted)
        logger.warning(
            "%s: token channel loaded from %s (%d tensors); the character channel and all that it has no "
            "weights for are new and must be trained.",
            cls.__name__,
            backbone,
            loaded,
        )
        return model

    @classmethod
    def _load_own(cls, source: Source, *model_args: Any, **kwargs: Any) -> Any:
        with_info = kwargs.pop("output_loading_info", False)
        may_differ = kwargs.pop("ignore_mismatched_sizes", False)
        refuse_exported(Path(source, kwargs.get("subfolder") or ""))
        with reading(source, "a CharBERT"), without_report(unless=may_differ is True):
            model, info = super().from_pretrained(  # type: ignore[misc]
                source, *model_args, output_loading_info=True, ignore_mismatched_sizes=True, **kwargs
            )
        missing, mismatched, left_over = encoder_faults(model, info)
        if not may_differ:
            mismatched = [str(entry[0]) for entry in info["mismatched_keys"]]
        refuse_partial(source, missing, [] if may_differ is True else mismatched, left_over)
        if with_info:
            return model, info
        say_what_is_new(model, source, info)
        return model

    @classmethod
    def _load_tuned(cls, source: Source, adapter: str | None = None, **kwargs: Any) -> Any:
        from charbert.tuning.saving import from_adapter, from_delta

        model = from_adapter(cls, source, adapter, **kwargs) if adapter else from_delta(cls, source, **kwargs)
        info: dict[str, Any] = {"missing_keys": set(), "unexpected_keys": set(), "mismatched_keys": []}
        return (model, info) if kwargs.get("output_loading_info") else model

    @classmethod
    def _load_released(cls, checkpoint: Checkpoint, **kwargs: Any) -> Any:
        if not checkpoint.has_character_channel:
            raise CharBertError(
                f"{checkpoint.source}: a plain {checkpoint.backbone} without a character channel; start a "
                f"CharBERT from it with {cls.__name__}.from_backbone"
            )
        return cls._assemble(checkpoint, convert(checkpoint), released=True, **kwargs)

    @classmethod
    def _assemble(cls, checkpoint: Checkpoint, converted: Tensors, released: bool, **kwargs: Any) -> Any:
        """A model of this class with the converted tensors in it, in evaluation mode."""
        build = {name: kwargs.pop(name) for name in BUILD_OPTIONS if name in kwargs}
        may_differ = kwargs.pop("ignore_mismatched_sizes", False)
        with_info = kwargs.pop("output_loading_info", False)
        with reading(checkpoint.source, "a CharBERT or its backbone"):
            config = _configuration(checkpoint, converted, released, kwargs)
            if not is_tied(converted):
                config.tie_word_embeddings = False
            model = cls._from_config(config, **build)  # type: ignore[attr-defined]
        base = _prefix(model)
        if not base:
            converted = {name.removeprefix("charbert."): tensor for name, tensor in converted.items()}
        info = compare_tensors(model, converted)
        missing, mismatched, left_over = encoder_faults(model, info)
        if not released:
            fresh = tuple(f"{base}{part}." for part in ("char_encoder", "interactions"))
            missing = [name for name in missing if not name.startswith(fresh)]
        different = [name for (name,) in info["mismatched_keys"]]
        refuse_partial(checkpoint.source, missing, mismatched if may_differ else different, left_over)
        load_fitting(model, converted)
        model.name_or_path = str(checkpoint.source)
        model.tie_weights()
        if with_info:
            return model.eval(), info
        if released:
            say_what_is_new(model, checkpoint.source, info)
        return model.eval()


def _configuration(
    checkpoint: Checkpoint, converted: Tensors, released: bool, overrides: dict[str, Any]
) -> CharBertConfig:
    found = infer_sizes(checkpoint.source, converted, released)
    dropped = ("architectures", "num_labels", "id2label", "label2id", "torchscript", "finetuning_task")
    described = {name: value for name, value in checkpoint.config.items() if name not in dropped}
    for name, size in found["backbone_config"].items():
        # The config of a released checkpoint is only a hint: its weights have always decided.
        if not released and described.get(name, size) != size:
            raise CharBertError(
                f"{checkpoint.source}: its config.json has {name} {described[name]}, its weights {size}"
            )
    backbone_config = AutoConfig.for_model(
        **{**described, **found.pop("backbone_config"), "model_type": checkpoint.backbone}
    )
    labels = {name: checkpoint.config[name] for name in ("id2label", "label2id") if name in checkpoint.config}
    if len(labels.get("id2label", {})) != found.get("num_labels"):
        labels = {}
    if "num_labels" in overrides or "id2label" in overrides:
        labels = {}
        found.pop("num_labels", None)
    known = {*CharBertConfig.__dataclass_fields__, *BACKBONE_ATTRIBUTES, "num_labels"}
    unknown = [name for name in overrides if name not in known]
    if unknown:
        raise CharBertError(f"{', '.join(unknown)}: no key of CharBertConfig and no option of loading")
    return CharBertConfig(**(found | labels | overrides), backbone_config=backbone_config)


def _prefix(model: Any) -> str:
    """What the names of the encoder's tensors begin with, in a model with a head or without."""
    return "" if model.base_model is model else f"{model.base_model_prefix}."


def _may_be_missing(name: str) -> bool:
    """Plain checkpoints often lack the pooler, and old ones lack nothing else that is not computed."""
    return ".pooler." in name or name.startswith("pooler.") or name.endswith("_ids")


def encoder_faults(model: Any, info: Mapping[str, Iterable[Any]]) -> tuple[list[str], list[str], list[str]]:
    """Of the encoder's tensors: those that a checkpoint lacks, has in another size, and has in excess.

    Args:
        model: with a head or without.
        info: what `from_pretrained(output_loading_info=True)` or `compare_tensors` gives.
    """
    prefix = _prefix(model)
    parts = {name for name, _ in model.base_model.named_children()}
    missing = [name for name in info["missing_keys"] if name.startswith(prefix) and not _may_be_missing(name)]
    mismatched = [str(name) for name, *_ in info["mismatched_keys"] if str(name).startswith(prefix)]
    # Layers and interactions, which have numbers. Of other names, old checkpoints may have some that count
    # for nothing.
    left_over = [
        name
        for name in info["unexpected_keys"]
        if name.removeprefix(f"{model.base_model_prefix}.").partition(".")[0] in parts
        and _NUMBERED.search(name)
    ]
    return missing, mismatched, left_over


def refuse_partial(
    source: Any, missing: Iterable[str], mismatched: Iterable[str] = (), left_over: Iterable[str] = ()
) -> None:
    """Say which tensors stand against a checkpoint, if any do.

    Raises:
        CharBertError: some do.
    """
    faults = [
        f"{len(names)} {fault} ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})"
        for fault, names in (
            ("missing", sorted(missing)),
            ("of another size", sorted(mismatched)),
            ("of parts that the model does not have", sorted(left_over)),
        )
        if names
    ]
    if not faults:
        return
    advice = "; ignore_mismatched_sizes=True starts what differs anew" if list(mismatched) else ""
    raise LoadingError(f"{source}: this checkpoint fits only in part; tensors {', '.join(faults)}{advice}")


def say_what_is_new(model: Any, source: Any, info: Mapping[str, Iterable[Any]]) -> None:
    """Log which parts of a model with a head do not come from the checkpoint."""
    if parts := new_parts(model, info):
        logger.warning(
            "%s: %s holds no %s of this size; it is new and must be trained.",
            type(model).__name__,
            source,
            ", ".join(parts),
        )


def new_parts(model: Any, info: Mapping[str, Iterable[Any]]) -> list[str]:
    """The parts of a model with a head that a checkpoint has no weights for, or others than these."""
    names = [*info["missing_keys"], *(name for name, *_ in info["mismatched_keys"])]
    prefix = _prefix(model)
    return sorted({name.partition(".")[0] for name in names if prefix and not name.startswith(prefix)})


@contextmanager
def without_report(unless: bool = False) -> Iterator[None]:
    """Leave out the table that `transformers` logs of tensors that do not fit: they are refused, or said."""
    log = logging.get_logger("transformers.modeling_utils")

    def keep(record: Any) -> bool:
        return unless or "LOAD REPORT" not in record.getMessage()

    log.addFilter(keep)
    try:
        yield
    finally:
        log.removeFilter(keep)


def _as_vocabulary(given: Source | Vocabulary) -> Vocabulary:
    return given if isinstance(given, Vocabulary) else Vocabulary.load(given)


def backbone_tokenizer(source: Any, kind: str, **hub: Any) -> Any:
    """The fast tokenizer of a folder or hub id; a folder that does not name its class gets the backbone's."""
    if not isinstance(source, str | PathLike):
        return source
    reason = ""
    try:
        backbone = find_backbone(kind)
    except CharBertError as error:
        raise CharBertError(f"{source}: {error}") from error
    for loader in (AutoTokenizer, backbone.tokenizer_class):
        try:
            tokens = loader.from_pretrained(source, **hub)
        except Exception as error:  # of files that are damaged, the tokenizers raise almost anything
            reason = reason or f" ({describe_failure(source, error)})"
            continue
        if has_tokens(tokens):
            return tokens
    raise CharBertError(
        f"{source}: no tokenizer there that can be read, so nothing to spell{reason}; name the folder or hub "
        "id of one with tokenizer=, on a command line with --tokenizer"
    )


def has_tokens(tokenizer: Any) -> bool:
    """Whether it knows any: where no file is, transformers may give a tokenizer of special tokens alone."""
    return len(tokenizer) > len(set(tokenizer.all_special_ids))


def fit_tokenizer(tokenizer: Any, model: Any) -> Any:
    """A model's tokenizer whose `model_max_length` is no longer than what the model can read.

    Raises:
        CharBertError: it is another model's, or cannot pad.
    """
    if tokenizer.pad_token_id is None or not isinstance(tokenizer.model_max_length, int | float):
        raise CharBertError(
            f"{tokenizer.name_or_path}: its tokenizer_config.json lacks a pad_token, or model_max_length is "
            "no number"
        )
    rows = model.get_input_embeddings().num_embeddings
    check_tokens(tokenizer, rows, getattr(model.base_model, "spelling", None))
    longest = longest_input(model)
    if longest is None or tokenizer.model_max_length <= longest:
        return tokenizer
    fitting = deepcopy(tokenizer)
    fitting.model_max_length = longest
    return fitting
