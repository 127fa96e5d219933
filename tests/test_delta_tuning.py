"""The commands and the code of docs/delta-tuning.md, as they stand there, on small models."""

import re
import shlex
from pathlib import Path

import pytest
import tiny
from small_finetuning import write_conll

import charbert
from finetune.__main__ import main

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "delta-tuning.md").read_text(encoding="utf-8")
FEW = {"finetune/configs/ner.yaml": ["--epochs", "1", "--max-length", "24", "--batch-size", "8"]}


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all that the document names."""
    tiny.build(charbert.CharBertForPreTraining, "bert").save_pretrained(tmp_path / "charbert-bert")
    tiny.tokenizer("bert").save_pretrained(tmp_path / "charbert-bert")
    (tmp_path / "conll2003").mkdir()
    for name in ("eng.train", "eng.testa", "eng.testb"):
        write_conll(tmp_path / "conll2003" / name)
    (tmp_path / "finetune").symlink_to(ROOT / "finetune")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_run(workplace: Path) -> None:
    [block] = re.findall(r"```bash\n(.*?)```", DOCUMENT, re.DOTALL)
    for line in block.splitlines():
        _, _, program, *words = shlex.split(line)
        assert program == "finetune"
        main([*words, *FEW.get(words[0], [])])
    assert (workplace / "runs/ner-lora/delta.json").exists()
    assert (workplace / "runs/ner-bitfit/model.safetensors").exists()


def test_the_code_runs(workplace: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "docs/delta-tuning.md", "exec"), {})
    assert (workplace / "entities-merged/model.safetensors").exists()
