"""What `python -m charbert convert` does."""

from pathlib import Path

import charbert
from charbert.checkpoints import convert, read_checkpoint, read_config
from charbert.commands.results import check_output_folder, write_results
from charbert.errors import CharBertError
from charbert.loading import backbone_tokenizer
from charbert.tokenization import CharBertTokenizer
from charbert.vocabulary import Vocabulary

MODELS = {
    "pretraining": charbert.CharBertForPreTraining,
    "token": charbert.CharBertForTokenClassification,
    "sequence": charbert.CharBertForSequenceClassification,
    "qa": charbert.CharBertForQuestionAnswering,
    "none": charbert.CharBertModel,
}


def convert_checkpoint(
    source: str,
    target: str,
    head: str | None = None,
    character_vocabulary: str | None = None,
    word_vocabulary: str | None = None,
    tokenizer: str | None = None,
    overwrite: bool = False,
) -> None:
    """Load a released checkpoint and save it in this project's format, with a tokenizer if there is one."""
    check_output_folder(target, overwrite)
    if word_vocabulary and not character_vocabulary:
        raise CharBertError(
            "--word-vocabulary needs --character-vocabulary: they are written with the tokenizer"
        )
    characters = Vocabulary.load(character_vocabulary) if character_vocabulary else None
    words = Vocabulary.load(word_vocabulary) if word_vocabulary else None
    model_class = MODELS[head or head_of(source)]
    model = model_class.from_pretrained(source, character_vocabulary=characters, tokenizer=tokenizer)
    if characters is not None:
        stock = backbone_tokenizer(tokenizer or source, model.config.backbone_config.model_type)
        CharBertTokenizer.from_stock(stock, characters, words).save_pretrained(target)
    model.save_pretrained(target)
    numbers = {"parameters": model.num_parameters(), "spelling_length": model.config.spelling_length}
    settings = {"source": source, "head": head, "character_vocabulary": character_vocabulary}
    write_results(target, numbers, {**settings, "word_vocabulary": word_vocabulary, "tokenizer": tokenizer})
    spelling = "with" if characters is not None else "without"
    print(f"{model_class.__name__} written to {Path(target)}, {spelling} a spelling table")


def head_of(source: str) -> str:
    """The head that a released checkpoint has, as far as its tensors tell.

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
