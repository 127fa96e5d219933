"""The commands and the code of the how-tos in docs/, as they stand there, on small models."""

import re
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import tiny
from hub import hub_of_this_process
from huggingface_hub.cli.hf import app as hf_app
from released_layout import save_released
from small_correction import WORDS, saved_model
from small_finetuning import write_conll, write_csv

import charbert
from charbert import Vocabulary

ROOT = Path(__file__).parents[1]
FEW_STEPS = "--max-steps 1 --warmup-steps 0 --save-steps 1 --eval-steps 1 --batch-size 2 --num-workers 0"
FEW = {
    "finetune finetune/configs/robustness.yaml": "--kinds paper --rates 0 1 --seeds 1 --limit 4",
    "finetune finetune/configs/": "--epochs 1 --max-length 24 --batch-size 8",
    "pretrain pretrain/configs/small.yaml": f"{FEW_STEPS} --max-length 24 --eval-examples 4",
    "pretrain recognizer": f"{FEW_STEPS} --eval-examples 4",
}
"""What the commands that begin so get beside what stands there."""
PAGES = {
    "delta-tuning": ("runs/ner-lora/delta.json", "runs/ner-bitfit/model.safetensors", "entities-merged"),
    "released": ("runs/released/words.txt", "runs/ner-released/results.json"),
    "defending": ("runs/recognizer/results.json", "runs/defences/report.html"),
    "noise": ("misspelled.txt", "misspelled.csv", "runs/misspelled-report/report.html", "runs/typists"),
    "correction": ("corrected.txt",),
}
"""The how-tos that are run, and some of what they write."""
SLOW = ("defending", "noise")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the documents name, in small."""
    folder = tmp_path_factory.mktemp("howtos")
    tiny.build(charbert.CharBertForPreTraining, "bert").save_pretrained(folder / "charbert-bert")
    tiny.tokenizer("bert").save_pretrained(folder / "charbert-bert")
    released = folder / "released" / "charbert-bert-wiki"
    tiny.stock_tokenizer("bert").save_pretrained(released)
    save_released(released, "bert")
    tiny.tokenizer("bert").characters.save(folder / "released" / "bert_char_vocab")
    Vocabulary(WORDS).save(folder / "released" / "term_vocab")
    (folder / "conll2003").mkdir()
    for name in ("eng.train", "eng.testa", "eng.testb"):
        write_conll(folder / "conll2003" / name)
    saved_model(folder / "runs" / "charbert-base", "bert", {})
    for name in ("finetune", "pretrain"):
        (folder / name).symlink_to(ROOT / name)
    write_csv(folder / "reviews.csv")
    for name, text in {
        "reviews.txt": "the quick brown fox",
        "texts.txt": "the qiuck brown fox",
        "names.txt": "Brusels",
        "misspellings.txt": "quick qiuck\nlazy layz",
    }.items():
        (folder / name).write_text(f"{text}\n")
    return folder


@pytest.fixture(scope="module")
def pretraining(workplace: Path, corpus: Path) -> None:
    """The text of pre-training, under the names that the documents have for it."""
    for name in ("wikipedia", "german"):
        (workplace / "runs" / name).symlink_to(corpus)


@pytest.mark.parametrize("page", [page for page in PAGES if page not in SLOW])
def test_commands_and_code_run(page: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(page, workplace, monkeypatch)


@pytest.mark.slow  # trainings of several models, whose commands are run elsewhere in other words
@pytest.mark.usefixtures("pretraining")
@pytest.mark.parametrize("page", SLOW)
def test_commands_that_pretrain_run(page: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(page, workplace, monkeypatch)


def run(page: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the blocks of a page, and look for what they write."""
    monkeypatch.chdir(workplace)
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    for language, block in re.findall(r"```(bash|python)\n(.*?)```", text, re.DOTALL):
        if language == "python":
            exec(compile(block, page, "exec"), names)
            continue
        for line in block.splitlines():
            program, *words = shlex.split(line.removeprefix("python -m "))
            few = next(
                (more for start, more in FEW.items() if f"{program} {' '.join(words)}".startswith(start)), ""
            )
            import_module(f"{program}.__main__").main([*words, *few.split()])
    assert [name for name in PAGES[page] if not (workplace / name).exists()] == []


def test_the_page_of_the_hub_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tiny.build(charbert.CharBertForTokenClassification, "bert").save_pretrained("runs/ner")
    tiny.tokenizer("bert").save_pretrained("runs/ner")
    Path("runs/ner/training_args.bin").touch()
    text = (ROOT / "docs" / "hub.md").read_text(encoding="utf-8")
    with hub_of_this_process(tmp_path / "cache") as hub:
        for language, block in re.findall(r"```(bash|python)\n(.*?)```", text, re.DOTALL):
            if language == "python":
                exec(compile(block, "hub", "exec"), {})
                continue
            with pytest.raises(SystemExit) as ended:
                hf_app(shlex.split(block)[1:])
            assert not ended.value.code
            assert hub.card("me/tagger") == Path("runs/ner/README.md").read_text()
            assert "training_args.bin" not in hub.files("me/tagger")


def test_the_loop_of_distillation_trains_a_student() -> None:
    text = (ROOT / "docs" / "distillation.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    model_class, batch = charbert.CharBertForTokenClassification, tiny.ragged_batch("bert")
    names: dict[str, Any] = {
        "teacher": tiny.build(model_class, "bert", backbone={"num_hidden_layers": 4}, num_labels=3),
        "batch": {**batch, "labels": batch["input_ids"] % 3},
    }
    exec(compile(code.replace("layers=6", "layers=2"), "docs/distillation.md", "exec"), names)
    names["loss"].backward()
    assert all(weight.grad is not None for weight in names["student"].parameters())
