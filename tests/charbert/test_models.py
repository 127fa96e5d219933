"""Weights that come with the package: loaded by name, and used if none are given."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import ModelCard
from safetensors import safe_open
from small_correction import saved_model
from transformers import pipeline

import charbert
from charbert import CharBertError
from charbert.__main__ import main
from charbert.lm_heads import CharBertForPreTraining
from charbert.settings import CorrectSettings

TEXT, CORRECTED = "The goverment anounced it", "The government announced it"
MEGABYTE = 1_000_000


def test_they_are_stored_in_bfloat16_and_computed_in_float32() -> None:
    model, _ = charbert.load("mini")
    assert model.dtype == torch.float32 and not model.training
    with safe_open(charbert.path() / "model.safetensors", "pt") as stored:
        assert stored.get_tensor("nlm_head.decoder.weight").dtype == torch.bfloat16
    assert sum(file.stat().st_size for file in charbert.path().iterdir()) <= 32 * MEGABYTE


def test_correction_takes_mini_when_no_model_is_given(tmp_path: Path) -> None:
    assert charbert.Corrector(known=["anounced"])([TEXT])[0].text == "The government anounced it"
    assert pipeline("typo-correction", device="cpu")(TEXT)["text"] == CORRECTED
    (tmp_path / "texts.txt").write_text(TEXT)
    main(["correct", str(tmp_path / "texts.txt"), "--output", str(tmp_path / "new.txt")])
    assert (tmp_path / "new.txt").read_text() == CORRECTED


def test_their_card_has_their_licence_and_code_that_runs() -> None:
    card = ModelCard.load(charbert.path() / "README.md")
    assert card.data.license == "cc-by-sa-4.0"
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", card.text, re.DOTALL)[0], names)
    assert names["correction"].text == CORRECTED
    assert names["tagger"].config.num_labels == 9


def test_a_name_without_weights_is_refused_with_those_that_exist() -> None:
    message = r"no weights named 'maxi' come with charbert \(there are: mini\); give the folder of a model"
    with pytest.raises(CharBertError, match=message):
        charbert.load("maxi")


@pytest.mark.parametrize("name", ("maxi", "bert-base-cased", ""))
def test_the_hub_is_not_asked_for_a_corrector_without_an_owner(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(CharBertForPreTraining, "from_pretrained", None)
    with pytest.raises(CharBertError, match=f"no weights named '{name}' come with charbert"):
        charbert.Corrector(name)


def test_the_hub_is_asked_for_a_corrector_with_an_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(CharBertForPreTraining, "from_pretrained", asked.append)
    with pytest.raises(CharBertError, match="no noisy LM"):
        charbert.Corrector("owner/maxi")
    assert asked == ["owner/maxi"]


@pytest.mark.parametrize("kept", (0, 0.5, 0.9))
@pytest.mark.parametrize(
    "name",
    (
        *("model.safetensors", "config.json", "words.txt", "characters.txt", "known.txt"),
        *("tokenizer.json", "tokenizer_config.json"),
    ),
)
def test_a_file_that_is_cut_off_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kept: float
) -> None:
    monkeypatch.setattr(charbert.models, "FOLDER", tmp_path)
    folder = Path(saved_model(tmp_path / "mini", "bert", {"brown": 0.9}))
    (folder / "known.txt").write_text("wombat\nfoxes\n")
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(CharBertError, match=str(folder)) as caught:
        charbert.load()
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def corrector() -> charbert.Corrector:
    return charbert.Corrector("mini")


@pytest.mark.parametrize(
    "text",
    (
        "kinda tired tbh, thx tho",
        "nope, idk, smh, ugh",
        "It weighs 5 kgs and takes 3 tsp of it.",
        "The amt. due is 5 dollars, see no. 3, desc. below.",
        "An institu-\ntion, the cor-\r\n  rection and hyphen-\nation",
        "Run `pip instal foo` or:\n```\nretrun expres\n```",
        "int adress = 3;\nretrun adress += 1;",
        'Call retrun() with --verbse, or {"adress": tru} at exmple:adress.',
        "It goes to stdout, argv has it, and sudo is needed.",
        "See <code>retrun buf</code> and <pre class='x'>prnt strcpy</pre>.",
        "It was his wont, and the cant of thieves.",
        "We met Jony Ive there.",
        "The colour of the neighbour's pyjamas; the color of the neighbor's pajamas",
    ),
)
def test_what_is_no_misspelling_stays(corrector: charbert.Corrector, text: str) -> None:
    assert corrector([text])[0].text == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    (
        ("I dont know, youre right.", "I don't know, you're right."),
        ("Thats what theyre saying", "That's what they're saying"),
        ("Ive seen it, we cant and wont go", "I've seen it, we can't and won't go"),
        ("`foo' and the goverment's `bar'", "`foo' and the government's `bar'"),
        ("a - goverment\nand so", "a - government\nand so"),
    ),
)
def test_what_is_one_is_corrected(corrector: charbert.Corrector, text: str, wanted: str) -> None:
    assert corrector([text])[0].text == wanted


def test_correct_loads_the_packages_model_once_and_shows_no_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    charbert.correct("Teh", known=["teh"])  # other words that are known
    assert charbert.correct(TEXT).text == CORRECTED
    monkeypatch.setattr(CharBertForPreTraining, "from_pretrained", None)  # nothing is loaded any more
    assert [each.text for each in charbert.correct([TEXT, "fine"])] == [CORRECTED, "fine"]
    assert capsys.readouterr().err == ""


def test_commands_take_the_name_unless_a_folder_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = str(charbert.path("mini"))
    assert CorrectSettings(file="-", model="mini").model == folder
    (tmp_path / "mini").mkdir()
    assert CorrectSettings(file="-", model="mini").model == "mini"
