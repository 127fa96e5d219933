"""Settings of the commands `charbert convert`, `charbert correct` and `charbert export`."""

from dataclasses import dataclass

from charbert.commands.paths import FILE, FOLDER, MODEL
from charbert.commands.settings import REQUIRED, Settings, option, positional
from charbert.commands.text_files import TextSettings
from charbert.errors import CharBertError

DEFAULT_OPSET, FIRST_OPSET, LAST_OPSET = 20, 18, 25
HEADS = ("pretraining", "token", "sequence", "qa", "none")


@dataclass(kw_only=True)
class ConvertSettings(Settings):
    """Options of `charbert convert`."""

    source: str = positional(
        "folder or hub id of the released checkpoint, or with --half of any CharBERT", MODEL
    )
    head: str | None = option(
        None,
        "the model's head; by default the one that the tensors show",
        choices=HEADS,
        section="checkpoint",
    )
    character_vocabulary: str | None = option(
        None, "file of its characters, for the spelling table", reads=FILE
    )
    word_vocabulary: str | None = option(None, "file of the noisy LM's words, to keep beside it", reads=FILE)
    tokenizer: str | None = option(None, "folder of its tokenizer, if SOURCE has none", reads=MODEL)
    half: bool = option(
        False, "store the weights in bfloat16, in half the size; they are loaded and computed in float32"
    )
    output: str = option(REQUIRED, "folder to write", writes=FOLDER, section="output")
    overwrite: bool = option(False, "write into a folder that holds something")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.word_vocabulary and not self.character_vocabulary:
            raise CharBertError(
                "--word-vocabulary needs --character-vocabulary: they are written with the tokenizer"
            )


@dataclass(kw_only=True)
class CorrectSettings(TextSettings):
    """Options of `charbert correct`."""

    model: str | None = option(
        None,
        "folder or hub id of a pre-trained CharBERT; by default charbert-mini, which comes with the package",
        reads=MODEL,
        section="correction",
    )
    threshold: float = option(
        0.5,
        "least probability of a misspelling; a higher one replaces fewer words, and more of them rightly",
        minimum=0,
        maximum=1,
    )
    known: str | None = option(
        None, "file of words that are right whatever the model predicts, such as names", reads=FILE
    )
    real_words: bool = option(
        False, 'judge words of the vocabulary too, such as "form" for "from"; slower, and finds few'
    )
    top_k: int = option(5, "suggestions for a word in JSON lines, at most", minimum=1)
    device: str | None = option(None, "where the model runs, such as cuda:1 or cpu; by default a GPU")


@dataclass(kw_only=True)
class ExportSettings(Settings):
    """Options of `charbert export`."""

    model: str = positional("folder or hub id of a CharBERT with any head", MODEL)
    int8: bool = option(
        False, "quantise the weights of matrix products: smaller and faster, less exact", section="graph"
    )
    reduce_range: bool | None = option(
        None,
        "int8: use 7 of the 8 bits, for processors of x86 without VNNI, on which sums may overflow; if not "
        "given, where this is one",
    )
    opset: int = option(
        DEFAULT_OPSET, "version of the ONNX operators", minimum=FIRST_OPSET, maximum=LAST_OPSET
    )
    output: str = option(REQUIRED, "folder to write", writes=FOLDER, section="output")
    overwrite: bool = option(False, "write into a folder that holds something")
