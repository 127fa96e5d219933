"""Saved folders load with `trust_remote_code=True` where charbert is installed and not imported."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny
import transformers
from hub import served_hub

import charbert.hub
from charbert.auto import MODELS

ROOT = Path(__file__).parents[3]
LOADED = """
import json, os, sys
import transformers
from transformers import AutoConfig, AutoTokenizer

folder, *names = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained("me/tagger", trust_remote_code=True)
tagger = transformers.AutoModelForTokenClassification.from_pretrained("me/tagger", trust_remote_code=True)
found = [type(tokenizer).__name__, type(tagger).__name__]
assert "typo-correction" in transformers.pipelines.PIPELINE_REGISTRY.get_supported_tasks()
for name in names:
    path = os.path.join(folder, name)
    model = getattr(transformers, name).from_pretrained(path, trust_remote_code=True)
    model.save_pretrained(path)  # which would copy the source of a class of someone else's
    found.append(type(model).__name__)
print(json.dumps(found))
"""


def test_folders_load_without_an_import_of_the_package(tmp_path: Path) -> None:
    for auto_class, model_class in MODELS.items():
        tiny.build(model_class, "bert").save_pretrained(tmp_path / auto_class.__name__)
    tiny.tokenizer("bert").save_pretrained(tmp_path / "AutoModelForTokenClassification")
    names = [auto_class.__name__ for auto_class in MODELS]
    command = [sys.executable, "-c", LOADED, str(tmp_path), *names]
    with served_hub() as hub:
        hub.add_folder("me/tagger", tmp_path / "AutoModelForTokenClassification")
        hub_of_it = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "cache")}
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **hub_of_it}, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    from_hub = ["CharBertTokenizer", "CharBertForTokenClassification"]
    assert json.loads(done.stdout) == [*from_hub, *(each.__name__ for each in MODELS.values())]
    for name in names:
        assert [path.name for path in (tmp_path / name).glob("*.py")] == ["modeling_charbert.py"]


def test_every_auto_class_is_named() -> None:
    named = {auto_class.__name__: model_class.__name__ for auto_class, model_class in MODELS.items()}
    wanted = {
        name: f"modeling_charbert.{of}" for name, of in {**named, "AutoConfig": "CharBertConfig"}.items()
    }
    assert tiny.config("bert").auto_map == wanted


def test_a_folder_without_an_auto_map_loads_and_gets_one_when_it_is_saved(tmp_path: Path) -> None:
    tiny.config("bert").save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in content.items() if key != "auto_map"}))
    loaded = transformers.AutoConfig.from_pretrained(tmp_path)
    loaded.save_pretrained(tmp_path)
    assert json.loads(path.read_text()) == content


def test_a_class_of_a_user_is_saved_with_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "own_tagger.py"
    source.write_text(
        "import charbert\n\nclass OwnTagger(charbert.CharBertForTokenClassification):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    own: Any = __import__("own_tagger").OwnTagger
    own.register_for_auto_class("AutoModelForTokenClassification")
    tiny.build(own, "bert").save_pretrained(tmp_path / "saved")
    saved = transformers.AutoConfig.from_pretrained(tmp_path / "saved")
    assert saved.auto_map["AutoModelForTokenClassification"] == "own_tagger.OwnTagger"
    assert (tmp_path / "saved" / "own_tagger.py").read_text() == source.read_text()


@pytest.mark.parametrize("what", ["configuration", "tokenizer", "model"])
def test_a_file_is_no_folder_to_save_into(what: str, tmp_path: Path) -> None:
    made = {"configuration": tiny.config, "tokenizer": tiny.tokenizer}
    saved = made[what]("bert") if what in made else tiny.build(charbert.CharBertModel, "bert")
    (tmp_path / "there").write_text("text")
    with pytest.raises(charbert.CharBertError, match="there: is a file; name a folder to save into"):
        saved.save_pretrained(tmp_path / "there")
    assert (tmp_path / "there").read_text() == "text"


def test_without_the_package_it_is_said_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    code = Path(charbert.hub.__file__).with_name("modeling_charbert.py").read_text()
    monkeypatch.setitem(sys.modules, "charbert", None)
    with pytest.raises(ImportError, match="needs the package charbert, which is not installed"):
        exec(code, {})
