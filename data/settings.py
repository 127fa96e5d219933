"""Settings of `python -m data vocabulary` and `tokenize`, without what these import."""

from dataclasses import dataclass

from charbert.commands.paths import DATA, FILE, FOLDER, MODEL, NAMED_FOLDER
from charbert.commands.settings import REQUIRED, Settings, dashed, option, positional
from charbert.errors import CharBertError
from charbert.vocabulary import DEFAULT_CHARACTERS
from data.corpus.sources import HELP

LEAST_TOKENS = 50


@dataclass(kw_only=True)
class VocabularySettings(Settings):
    """Which text is counted, and the sizes of the vocabularies made of it."""

    text: list[str] = positional(HELP, DATA)
    output: str = option(REQUIRED, "tokenizer folder to write", writes=FOLDER, section="output")
    overwrite: bool = option(False, "write into a folder that holds something")
    tokenizer: str = option(
        "wordpiece",
        "wordpiece or bpe (byte-level) to train one, or the folder or hub id of an existing one",
        reads=MODEL,
        section="vocabularies",
    )
    vocab_size: int = option(30_000, "tokens", minimum=LEAST_TOKENS)
    lowercase: bool = option(False, "WordPiece without case and accents")
    characters: int = option(DEFAULT_CHARACTERS, "characters", minimum=1)
    character_vocabulary: str | None = option(None, "take the characters of this file unchanged", reads=FILE)
    words: int = option(30_000, "words", minimum=1)
    known: int = option(
        0, "further words, which correction leaves alone and offers, into known.txt", minimum=0
    )
    word_vocabulary: str | None = option(None, "take the words of this file unchanged", reads=FILE)
    max_length: int = option(512, "longest input in tokens", minimum=3)
    workers: int = option(1, "processes that count", minimum=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        for size, file in (("characters", "character_vocabulary"), ("words", "word_vocabulary")):
            if getattr(self, file) and size in self.given:
                raise CharBertError(f"--{size} and --{dashed(file)} exclude each other")


@dataclass(kw_only=True)
class TokenizeSettings(Settings):
    """Which text is tokenised, and into what."""

    text: list[str] = positional(HELP, DATA)
    tokenizer: str = option(REQUIRED, "tokenizer folder of `python -m data vocabulary`", reads=NAMED_FOLDER)
    output: str = option(REQUIRED, "dataset folder to write", metavar=FOLDER)
    block_size: int = option(
        328,
        "tokens of a block with its two special tokens, before noise makes it about a sixth longer; the "
        "default is for examples of 384",
        minimum=3,
    )
    overwrite: bool = option(False, "replace the dataset in the output folder")
