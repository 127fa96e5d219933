"""The model of a run: from scratch, from a plain backbone, or a CharBERT to go on from."""

from copy import deepcopy
from typing import Any

from transformers import AutoConfig, PreTrainedModel

from charbert.backbones import check_length, find_backbone
from charbert.commands.training import checkpoint_gradients
from charbert.configuration import CharBertConfig
from charbert.distillation.loss import Alignment
from charbert.distillation.student import refuse_new_parts
from charbert.errors import CharBertError
from charbert.lm_heads import CharBertForPreTraining
from charbert.loading import backbone_tokenizer, say_what_is_new
from charbert.tokenization import CharBertTokenizer
from charbert.tuning.saving import refuse_delta
from pretrain.advbert import masked_lm_class, plain_from_backbone
from pretrain.settings import CHANNELS, PretrainSettings


def build_model(settings: PretrainSettings, tokenizer: CharBertTokenizer) -> PreTrainedModel:
    """The model that the settings ask for, able to spell the tokenizer's tokens unless it is a plain one.

    Raises:
        CharBertError: it does not fit the tokenizer, or has too few positions for the examples.
    """
    model = _plain(settings, tokenizer) if settings.plain else _charbert(settings, tokenizer)
    check_length(model, settings.max_length)
    if settings.gradient_checkpointing:
        checkpoint_gradients(model)
    if settings.teacher is not None:
        _check_teacher_tokens(settings, model, tokenizer)
    return model


def make_alignment(
    settings: PretrainSettings, model: PreTrainedModel, tokenizer: CharBertTokenizer
) -> Alignment | None:
    """The alignment that the settings ask for, of a model that is not yet trained; None: none.

    Raises:
        CharBertError: the model has no such layer.
    """
    if not settings.alignment_weight:
        return None
    layers = model.config.num_hidden_layers
    if wrong := [layer for layer in settings.alignment_layers if not 1 <= abs(layer) <= layers]:
        raise CharBertError(f"--alignment-layers: no layer {wrong[0]}; the model has {layers}")
    if settings.backbone and not settings.plain:
        teacher = plain_from_backbone(settings.backbone, tokenizer).base_model
    else:  # also a student, which has some of the layers of its teacher
        teacher = deepcopy(model.base_model)
    channels = ["token"] if settings.plain else settings.alignment_channels
    return Alignment(teacher, [CHANNELS[name] for name in channels], settings.alignment_layers)


def _check_teacher_tokens(
    settings: PretrainSettings, model: PreTrainedModel, tokenizer: CharBertTokenizer
) -> None:
    """Refuse a teacher whose folder holds a tokenizer of other tokens, characters or words."""
    kind = getattr(model.config, "backbone_config", model.config).model_type
    own = backbone_tokenizer(settings.teacher, kind)
    differing = "tokens" if own.get_vocab() != tokenizer.get_vocab() else None
    for name in () if settings.plain else ("characters", "words"):
        if getattr(own, name, None) not in (None, getattr(tokenizer, name)):
            differing = differing or name
    if differing:
        raise CharBertError(
            f"--teacher: {settings.teacher}: its tokenizer has other {differing} than that of --tokenizer, "
            f"{settings.tokenizer}; give the tokenizer and data that the teacher was trained with"
        )


def _plain(settings: PretrainSettings, tokenizer: CharBertTokenizer) -> PreTrainedModel:
    if settings.backbone:
        return plain_from_backbone(settings.backbone, tokenizer, needs_head=settings.teacher is not None)
    return masked_lm_class(settings.architecture)(_scratch(settings, tokenizer))


def _charbert(settings: PretrainSettings, tokenizer: CharBertTokenizer) -> CharBertForPreTraining:
    words = len(tokenizer.words)
    character_channel: dict[str, Any] = {
        "char_embedding_size": settings.char_embedding_size,
        "char_encoder": settings.char_encoder,
        "interaction": settings.interaction,
        "interaction_per_layer": settings.interaction_per_layer,
        "word_vocabulary_size": words,
    }
    if settings.model:
        refuse_delta(settings.model)
        model, info = CharBertForPreTraining.from_pretrained(settings.model, output_loading_info=True)
        (say_what_is_new if settings.teacher is None else refuse_new_parts)(model, settings.model, info)
        if model.config.word_vocabulary_size != words:
            raise CharBertError(
                f"{settings.model}: predicts {model.config.word_vocabulary_size} words, but the tokenizer "
                f"folder {settings.tokenizer} has {words}"
            )
        model.set_spelling(tokenizer)
    elif settings.backbone:
        model = CharBertForPreTraining.from_backbone(
            settings.backbone, tokenizer=tokenizer, **character_channel
        )
        if settings.interaction_offset:
            model.base_model.start_interactions(settings.interaction_offset)
    else:
        config = CharBertConfig(
            backbone_config=_scratch(settings, tokenizer),
            character_vocabulary_size=len(tokenizer.characters),
            **character_channel,
        )
        model = CharBertForPreTraining(config)
        model.set_spelling(tokenizer)
    return model


def _scratch(settings: PretrainSettings, tokenizer: CharBertTokenizer) -> AutoConfig:
    """The configuration of a backbone that starts with random weights."""
    backbone = find_backbone(settings.architecture)
    return AutoConfig.for_model(
        settings.architecture,
        vocab_size=len(tokenizer),
        hidden_size=settings.hidden_size,
        num_hidden_layers=settings.num_hidden_layers,
        num_attention_heads=settings.num_attention_heads,
        intermediate_size=settings.intermediate_size,
        hidden_dropout_prob=settings.dropout,
        attention_probs_dropout_prob=settings.dropout,
        max_position_embeddings=backbone.max_position_embeddings(
            settings.longest_input or settings.max_length, tokenizer.pad_token_id
        ),
        type_vocab_size=backbone.type_vocab_size,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
