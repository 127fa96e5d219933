"""Loading checkpoints: `from_pretrained` and `from_backbone` of every model."""

from os import PathLike
from typing import Any

import torch
from transformers import AutoConfig, AutoTokenizer
from transformers.utils import logging

from charbert.backbones import BACKBONES
from charbert.checkpoints import Checkpoint, Tensors, convert, infer_sizes, read_checkpoint, read_config
from charbert.configuration import BACKBONE_ATTRIBUTES, CharBertConfig
from charbert.errors import CharBertError
from charbert.spelling import frequent_characters
from charbert.vocabulary import Vocabulary

logger = logging.get_logger(__name__)

HUB_OPTIONS = ("cache_dir", "force_download", "local_files_only", "token", "revision", "subfolder")
BUILD_OPTIONS = ("dtype", "attn_implementation")
Source = str | PathLike[str]


class PretrainedLoading:
    """Loading for `CharBertPreTrainedModel`: a checkpoint is taken for what it is, or refused in one line."""

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

        Args:
            character_vocabulary: a character vocabulary or its file, to build the spelling table of a
                released checkpoint, which may come without one.
            tokenizer: the tokens to spell, or where they are; the folder's own when left out.
            kwargs: as in `transformers`; a key of the configuration overrides the checkpoint's.

        Raises:
            CharBertError: a checkpoint without a character channel, or one that fits this model only in part.
        """
        if pretrained_model_name_or_path is None:
            return super().from_pretrained(None, *model_args, **kwargs)  # type: ignore[misc]
        source = pretrained_model_name_or_path
        hub = {name: kwargs[name] for name in HUB_OPTIONS if name in kwargs}
        config_dict = read_config(source, **hub)
        if config_dict.get("model_type") == CharBertConfig.model_type:
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
    ) -> Any:
        """Start from a plain BERT or RoBERTa: the token channel is loaded, the character channel is fresh.

        The interactions start as described in `HeterogeneousInteraction.start_as_identity`, so that the token
        channel gives nearly what the backbone gives; random ones would undo much of what it has learnt.

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
        own = config_dict.get("model_type") == CharBertConfig.model_type
        if own or (checkpoint := read_checkpoint(backbone, config_dict, **hub)).has_character_channel:
            raise CharBertError(f"{backbone}: this is a CharBERT already; load it with from_pretrained")
        tokens = backbone_tokenizer(tokenizer or backbone, checkpoint.backbone, **hub)
        if character_vocabulary is not None:
            characters = _as_vocabulary(character_vocabulary)
        else:
            characters = getattr(tokens, "characters", None) or frequent_characters(tokens)
        kwargs.setdefault("character_vocabulary_size", len(characters))

        converted = convert(checkpoint)
        model = cls._assemble(checkpoint, converted, released=False, **kwargs)
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
        allow_mismatch = kwargs.pop("ignore_mismatched_sizes", False)
        model, info = super().from_pretrained(  # type: ignore[misc]
            source, *model_args, output_loading_info=True, ignore_mismatched_sizes=True, **kwargs
        )
        prefix = _prefix(model)
        missing = [
            name for name in info["missing_keys"] if name.startswith(prefix) and not _may_be_missing(name)
        ]
        mismatched = [] if allow_mismatch else [str(entry[0]) for entry in info["mismatched_keys"]]
        _refuse_partial(str(source), missing, mismatched)
        return (model, info) if with_info else model

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
        config = _configuration(checkpoint, converted, released, kwargs)
        if not _tied(converted):
            config.tie_word_embeddings = False
        model = cls._from_config(config, **build)  # type: ignore[attr-defined]
        base = _prefix(model)
        if not base:
            converted = {name.removeprefix("charbert."): tensor for name, tensor in converted.items()}
        own = model.state_dict()
        fresh = ("char_encoder.", "interactions.") if not released else ()
        missing = [
            name
            for name in own.keys() - converted.keys()
            if name.startswith(base)
            and not name.removeprefix(base).startswith(fresh)
            and not _may_be_missing(name)
        ]
        fitting = {name: tensor for name, tensor in converted.items() if name in own}
        mismatched = [name for name, tensor in fitting.items() if tensor.shape != own[name].shape]
        _refuse_partial(checkpoint.source, missing, mismatched)
        model.load_state_dict(fitting, strict=False)
        model.tie_weights()
        heads = sorted(
            {name.split(".")[0] for name in own.keys() - fitting.keys() if not name.startswith(base)}
        )
        if released and base and heads:
            logger.warning(
                "%s: %s holds no %s; it is new and must be trained.", cls.__name__, checkpoint.source, heads
            )
        return model.eval()


def _configuration(
    checkpoint: Checkpoint, converted: Tensors, released: bool, overrides: dict[str, Any]
) -> CharBertConfig:
    found = infer_sizes(converted, released)
    dropped = ("architectures", "num_labels", "id2label", "label2id", "torchscript", "finetuning_task")
    described = {name: value for name, value in checkpoint.config.items() if name not in dropped}
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


def _tied(converted: Tensors) -> bool:
    """Whether the masked-LM head scores with the token embeddings, as far as the checkpoint says."""
    decoder = converted.get("mlm_head.decoder.weight")
    embeddings = converted.get("charbert.backbone.embeddings.word_embeddings.weight")
    return decoder is None or embeddings is None or torch.equal(decoder, embeddings)


def _prefix(model: Any) -> str:
    """What the names of the encoder's tensors begin with, in a model with a head or without."""
    return "" if model.base_model is model else f"{model.base_model_prefix}."


def _may_be_missing(name: str) -> bool:
    """Plain checkpoints often lack the pooler, and old ones lack nothing else that is not computed."""
    return ".pooler." in name or name.startswith("pooler.") or name.endswith("_ids")


def _refuse_partial(source: str, missing: list[str], mismatched: list[str]) -> None:
    faults = [
        f"{len(names)} {fault} ({', '.join(sorted(names)[:5])}{', ...' if len(names) > 5 else ''})"
        for fault, names in (("missing", missing), ("of another size", mismatched))
        if names
    ]
    if faults:
        raise CharBertError(f"{source}: this checkpoint fits only in part; tensors {', '.join(faults)}")


def _as_vocabulary(given: Source | Vocabulary) -> Vocabulary:
    return given if isinstance(given, Vocabulary) else Vocabulary.load(given)


def backbone_tokenizer(source: Any, kind: str, **hub: Any) -> Any:
    """The fast tokenizer of a folder or hub id; a folder that does not name its class gets the backbone's."""
    if not isinstance(source, str | PathLike):
        return source
    for loader in (AutoTokenizer, BACKBONES[kind].tokenizer_class):
        try:
            tokens = loader.from_pretrained(source, **hub)
        except (OSError, ValueError, KeyError):
            continue
        if has_tokens(tokens):
            return tokens
    raise CharBertError(
        f"{source}: no tokenizer there, so nothing to spell; name one with tokenizer=FOLDER_OR_HUB_ID"
    )


def has_tokens(tokenizer: Any) -> bool:
    """Whether it knows any: where no file is, transformers may give a tokenizer of special tokens alone."""
    return len(tokenizer) > len(set(tokenizer.all_special_ids))
