"""`python -m charbert convert`: a released checkpoint becomes a folder of this project."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from full_disk import full_disk
from released_layout import HEADS, edit_weights, save_released
from small_correction import saved_model
from transformers import AutoModel, AutoTokenizer

import charbert
from charbert.__main__ import main
from charbert.errors import run_command


@pytest.fixture
def released(tmp_path: Path) -> Path:
    folder = tmp_path / "released"
    folder.mkdir()
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "converted"


def convert(source: Path, target: Path, *options: Any) -> int:
    return run_command(main, ["convert", str(source), "--output", str(target), *map(str, options)])


@pytest.mark.parametrize(
    "arguments", [("mlm",), ("qa",), ("token", "--head", "token"), ("sequence", "--head", "sequence")]
)
def test_gives_the_same_model(kind: str, released: Path, target: Path, arguments: tuple[str, ...]) -> None:
    head, *options = arguments
    save_released(released, kind, head)
    assert convert(released, target, *options) == 0
    wanted = HEADS[head].from_pretrained(released)
    assert tiny.differing(HEADS[head].from_pretrained(target), wanted) == []


def test_head_of_a_roberta_is_read_from_its_tensors(released: Path, target: Path) -> None:
    save_released(released, "roberta", "sequence")
    assert convert(released, target) == 0
    assert '"CharBertForSequenceClassification"' in (target / "config.json").read_text()


def test_head_that_the_tensors_do_not_tell_is_asked_for(
    released: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_released(released, "bert", "token")
    assert convert(released, target) == 1
    assert "say --head token or --head sequence" in capsys.readouterr().err


def test_a_folder_in_this_format_needs_no_conversion(
    released: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.config("bert").save_pretrained(released)
    assert convert(released, target) == 1
    assert "is in this project's format already" in capsys.readouterr().err
    assert not target.exists()


def test_a_folder_in_this_format_is_stored_in_half_the_size_and_loaded_in_float32(
    released: Path, target: Path
) -> None:
    folder = Path(saved_model(released, "bert", {"fox": 0.9}))
    (folder / "known.txt").write_text("foxes\n")
    assert convert(folder, target, "--half") == 0
    model, exact = (charbert.CharBertForPreTraining.from_pretrained(each) for each in (target, folder))
    assert (
        model.dtype == torch.float32
        and json.loads((target / "config.json").read_text())["dtype"] == "float32"
    )
    for name, tensor in exact.state_dict().items():
        rounded = tensor.bfloat16().float() if tensor.dim() > 1 and tensor.is_floating_point() else tensor
        assert torch.equal(model.state_dict()[name], rounded), name
    assert list(charbert.CharBertTokenizer.from_pretrained(target).known) == ["foxes"]
    sizes = [(each / "model.safetensors").stat().st_size for each in (target, folder)]
    assert sizes[0] < 0.7 * sizes[1]


def test_a_folder_in_this_format_that_cannot_spell_gets_a_table(released: Path, target: Path) -> None:
    model = charbert.CharBertForMultipleChoice(tiny.config("bert"))
    assert model.base_model.spelling is None
    model.save_pretrained(released)
    tiny.tokenizer("bert").characters.save(released / "characters")
    tiny.stock_tokenizer("bert").save_pretrained(released / "stock")
    options = ("--character-vocabulary", released / "characters", "--tokenizer", released / "stock")
    assert convert(released, target, *options) == 0
    converted = charbert.CharBertForMultipleChoice.from_pretrained(target)
    assert converted.spelling_table.spellings() == tiny.spelling_table("bert")


def test_vocabularies_make_a_model_that_spells_and_its_tokenizer(
    kind: str, stock: Any, released: Path, target: Path
) -> None:
    save_released(released, kind)
    stock.save_pretrained(released)
    tiny.tokenizer(kind).characters.save(released / "characters")
    charbert.Vocabulary(["dog", "<unk>"]).save(released / "terms")
    options = ("--character-vocabulary", released / "characters", "--word-vocabulary", released / "terms")
    assert convert(released, target, *options) == 0
    tokenizer = AutoTokenizer.from_pretrained(target)
    assert tokenizer.characters == tiny.tokenizer(kind).characters
    assert list(tokenizer.words) == ["dog", "<unk>"]
    assert AutoModel.from_pretrained(target).spelling_table.spellings() == tiny.spelling_table(kind)


def test_tokenizer_may_come_from_elsewhere(kind: str, stock: Any, released: Path, target: Path) -> None:
    save_released(released, kind)
    stock.save_pretrained(released / "elsewhere")
    tiny.tokenizer(kind).characters.save(released / "characters")
    options = ("--character-vocabulary", released / "characters", "--tokenizer", released / "elsewhere")
    assert convert(released, target, *options) == 0
    assert AutoTokenizer.from_pretrained(target).get_vocab() == stock.get_vocab()


def test_words_without_characters_are_refused(
    released: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_released(released, "bert")
    charbert.Vocabulary(["dog", "<unk>"]).save(released / "terms")
    assert convert(released, target, "--word-vocabulary", released / "terms") == 1
    assert "--word-vocabulary needs --character-vocabulary" in capsys.readouterr().err
    assert not target.exists()


def test_plain_bert_is_refused(plain_folder: Path, target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(plain_folder, target) == 1
    assert "without a character channel" in capsys.readouterr().err


def test_folder_that_holds_something_is_written_into_only_if_asked(
    released: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_released(released, "bert")
    target.mkdir()
    (target / "mine.txt").write_text("mine")
    assert convert(released, target) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert convert(released, target, "--overwrite") == 0
    assert (target / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize(("arguments", "status"), [(["--help"], 0), ([], 2)])
def test_usage_has_the_usual_exit_status(arguments: list[str], status: int) -> None:
    with pytest.raises(SystemExit) as left:
        run_command(main, arguments)
    assert left.value.code == status


def test_missing_and_unknown_options_are_wrong_usage(released: Path) -> None:
    assert run_command(main, ["convert"]) == 2
    assert run_command(main, ["convert", str(released)]) == 2
    assert run_command(main, ["convert", str(released), "--output", "there", "--haed", "qa"]) == 2


def test_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "charbert", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout == f"charbert {charbert.__version__}\n"


@pytest.mark.parametrize("size", [0, 100, 3000, 30_000])
def test_a_full_disk_is_one_line_and_leaves_nothing(
    released: Path, target: Path, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    save_released(released, "bert")
    tiny.stock_tokenizer("bert").save_pretrained(released)
    tiny.tokenizer("bert").characters.save(released / "characters.txt")
    with full_disk(size):
        assert convert(released, target, "--character-vocabulary", released / "characters.txt") == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(lines) == 1 and "File too large" in lines[0] and str(target.parent) in lines[0]
    assert not target.exists() or not any(target.iterdir())
    assert {path.name for path in target.parent.iterdir()} <= {"released", "converted"}


@pytest.mark.parametrize("number", ["999999999", "2", "01", "9" * 5000])
def test_layers_that_are_missing_are_said(
    released: Path, target: Path, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    save_released(released, "bert")

    def renumber(tensors: dict[str, Any]) -> None:
        for name in [name for name in tensors if ".layer.1." in name]:
            tensors[name.replace(".layer.1.", f".layer.{number}.")] = tensors.pop(name)

    edit_weights(released, renumber)
    assert convert(released, target) == 1
    assert "its 2 layers are not numbered from 0 on" in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x02."], ids=str)
def test_damaged_weights_are_one_line(
    released: Path, target: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    save_released(released, "bert")
    (released / "pytorch_model.bin").write_bytes(content)
    assert convert(released, target) == 1
    said = capsys.readouterr().err
    assert "pytorch_model.bin: cannot be read as weights" in said
    assert "weights_only" not in said and len(said.splitlines()) == 1
