"""`python -m charbert convert`: a released CharBERT checkpoint -> a folder in this project's format."""

from dataclasses import asdict
from pathlib import Path

from safetensors.torch import load, save_file
from transformers.utils import SAFE_WEIGHTS_NAME

import charbert
from charbert.auto import find_class
from charbert.backbones import is_charbert
from charbert.checkpoints import convert, read_checkpoint, read_config
from charbert.commands.results import new_folder, write_results
from charbert.errors import CharBertError
from charbert.hub.cards import Facts, write_card
from charbert.loading import backbone_tokenizer, fit_tokenizer
from charbert.settings import ConvertSettings
from charbert.tokenization import CharBertTokenizer
from charbert.vocabulary import Vocabulary

MODELS = {
    "pretraining": charbert.CharBertForPreTraining,
    "token": charbert.CharBertForTokenClassification,
    "sequence": charbert.CharBertForSequenceClassification,
    "qa": charbert.CharBertForQuestionAnswering,
    "none": charbert.CharBertModel,
}


def run(settings: ConvertSettings) -> None:
    """Load a released checkpoint and save it in this project's format, with a tokenizer if there is one.

    Raises:
        CharBertError: it cannot be read, is none, or is in this project's format already and stays as large.
    """
    config = read_config(settings.source)
    if is_charbert(config) and not (settings.character_vocabulary or settings.half):
        raise CharBertError(
            f"{settings.source}: is in this project's format already; use it as it is, give it a spelling "
            "table by --character-vocabulary, or store it in half the size by --half"
        )
    with new_folder(settings) as made:
        characters, words = (
            Vocabulary.load(path) if path else None
            for path in (settings.character_vocabulary, settings.word_vocabulary)
        )
        if is_charbert(config) and not settings.head:
            model_class = find_class(settings.source, config)
        else:
            model_class = MODELS[settings.head or detect_head(settings.source)]
        model = model_class.from_pretrained(
            settings.source, character_vocabulary=characters, tokenizer=settings.tokenizer
        )
        if characters is not None:
            kind = model.config.backbone_config.model_type
            stock = backbone_tokenizer(settings.tokenizer or settings.source, kind)
            tokenizer = CharBertTokenizer.from_stock(stock, characters, words)
            fit_tokenizer(tokenizer, model).save_pretrained(made)
        elif is_charbert(config):
            CharBertTokenizer.from_pretrained(settings.source).save_pretrained(made)
        model.save_pretrained(made)
        if settings.half:
            halve_weights(made / SAFE_WEIGHTS_NAME)
        write_card(made, Facts(base=settings.source, parameters=model.num_parameters()), renew=True)
        numbers = {"parameters": model.num_parameters(), "spelling_length": model.config.spelling_length}
        write_results(made, numbers, asdict(settings))
    spelling = "with" if model.base_model.spelling is not None else "without"
    print(f"{model_class.__name__} written to {settings.output}, {spelling} a spelling table")


def halve_weights(path: Path) -> None:
    """Store the matrices of a saved model in bfloat16; vectors, which take little room, stay exact.

    Its config.json still says float32, and so it is loaded.
    """
    tensors = load(path.read_bytes())  # load_file would map the file that is written here
    stored = {
        name: tensor.bfloat16() if tensor.is_floating_point() and tensor.dim() > 1 else tensor
        for name, tensor in tensors.items()
    }
    save_file(stored, path, metadata={"format": "pt"})


def detect_head(source: str) -> str:
    """The head that a released checkpoint has, by the names of its tensors.

    Raises:
        CharBertError: a classifier, which may be one of tokens or of sequences.
    """
    checkpoint = read_checkpoint(source, read_config(source))
    names = (
        {name.split(".")[0] for name in convert(checkpoint)} if checkpoint.has_character_channel else set()
    )
    if "nlm_head" in names:
        return "pretraining"
    if "qa_outputs" in names:
        return "qa"
    if any(name.startswith("char_classifier.") for name in checkpoint.tensors):
        return "sequence"
    if "classifier" in names:
        raise CharBertError(f"{source}: has a classifier; say --head token or --head sequence")
    return "none"
