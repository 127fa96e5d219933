"""CharBERT is registered with the Auto classes in any order of imports; torch waits until it is needed."""

import subprocess
import sys
from pathlib import Path

import pytest
import tiny

import charbert

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    tiny.build(charbert.CharBertForTokenClassification, "bert").save_pretrained(path)
    tiny.tokenizer("bert").save_pretrained(path)
    return path


@pytest.mark.parametrize(
    "first",
    (
        "import charbert; from transformers import AutoModelForTokenClassification",
        # A part of the package that imports the Auto classes before it is whole.
        "import charbert.modeling; from transformers import AutoModelForTokenClassification",
    ),
)
def test_auto_classes_load_a_charbert_in_any_order_of_imports(first: str, folder: Path) -> None:
    code = f"""
{first}
from transformers import AutoTokenizer, pipelines
print(type(AutoModelForTokenClassification.from_pretrained({str(folder)!r})).__module__)
print(type(AutoTokenizer.from_pretrained({str(folder)!r})).__module__)
print("typo-correction" in pipelines.PIPELINE_REGISTRY.get_supported_tasks())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == ["charbert.heads", "charbert.tokenization", "True"], done.stderr


def test_names_are_imported_when_they_are_used() -> None:
    code = """
import sys, charbert
assert set(charbert.__all__) <= set(dir(charbert))
charbert.Vocabulary, charbert.CharBertError
assert "torch" not in sys.modules and "transformers" not in sys.modules
assert charbert.CharBertModel is charbert.CharBertModel and "torch" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("name", charbert.__all__)
def test_every_name_of_the_package_is_there(name: str) -> None:
    assert getattr(charbert, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'charbert' has no attribute 'CharBart'"):
        _ = charbert.CharBart  # type: ignore[attr-defined]
