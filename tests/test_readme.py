"""Every command and every piece of code in the README runs, one after the other, on small data made here."""

import bz2
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny
from plain import save_plain
from released_layout import save_released
from small_finetuning import write_conll, write_csv
from small_runs import free_port

from charbert import Vocabulary

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = "<page><title>{0}</title><ns>0</ns><id>{0}</id><revision><id>1</id><text>{1}</text></revision></page>"
FEW_STEPS = (
    "--max_length 24 --eval_examples 4 --max_steps {} --warmup_steps 0 --save_steps 1 --eval_steps 2 "
    "--logging_steps 1 --batch_size 2 --num_workers 0 --bf16 false --torch_compile false "
    "--lr_scheduler_type constant"  # else --resume with more steps would be another run
)
# How each command of the README is run here: as it stands, or with these arguments after it.
MORE_ARGUMENTS = {
    "python -m data wikipedia": "--workers 2",
    "python -m data vocabulary": "--workers 2",
    "python -m data tokenize": "--block-size 24",
    "torchrun --nproc-per-node 2 -m pretrain pretrain/configs/base.yaml --resume": FEW_STEPS.format(3),
    # Without the hub: an argument that is given twice counts as it stands last.
    "torchrun --nproc-per-node 2 -m pretrain pretrain/configs/base.yaml --output runs/streamed": (
        f"{FEW_STEPS.format(2)} --stream runs/wikipedia/text --block_size 24"
    ),
    "torchrun --nproc-per-node 2 -m pretrain pretrain/configs/base.yaml": FEW_STEPS.format(2),
    "torchrun --nnodes 2": FEW_STEPS.format(2),
    "torchrun --nproc-per-node 8": FEW_STEPS.format(2),
    "python -m pretrain pretrain/configs/small.yaml": FEW_STEPS.format(2),
    "python -m charbert convert": "",
    "python -m finetune finetune/configs": "--epochs 1 --max_length 24",
    "python -m data attack": "",
    "python -m finetune robustness": "--kinds paper space --rates 0 1 --seeds 1",
    "python -m finetune worst-case": "--searched-examples 2 --variants 2",
    "python -m finetune predict": "",
    "python -m finetune score": "",
}
# Machines with many GPUs, in small.
IN_SMALL = {
    "--nnodes 2 --nproc-per-node 8": "--nnodes 2 --nproc-per-node 1",
    "--nproc-per-node 8": "--nproc-per-node 2",
    "first-machine:29500": "localhost:{port}",
}
# Not run inside the tests, which they install or call: CI runs them.
OUTER_COMMANDS = ("make quickstart", "make test")


PAGES = README + "".join(
    (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("pretraining.md", "languages.md")
)
BLOCK = re.compile(r"```(bash|python)\n(.*?)```", re.DOTALL)
COMMANDS = [
    line for language, block in BLOCK.findall(PAGES) if language == "bash" for line in block.splitlines()
]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the README's commands find what they name, in small."""
    folder = tmp_path_factory.mktemp("readme")
    text = "\n\n".join([" ".join(tiny.SENTENCES) * 2] * 2)
    pages = "".join(PAGE.format(number, text) for number in range(1, 300))
    dump = f"<mediawiki>{pages}</mediawiki>".encode()
    for wiki in ("enwiki", "dewiki"):
        (folder / f"{wiki}-latest-pages-articles-multistream.xml.bz2").write_bytes(bz2.compress(dump))
    save_plain(folder / "google-bert" / "bert-base-cased", "bert", "masked_lm")
    released = folder / "released" / "charbert-bert-wiki"
    tiny.stock_tokenizer("bert").save_pretrained(released)
    tiny.tokenizer("bert").characters.save(folder / "released" / "bert_char_vocab")
    save_released(released, "bert")
    (folder / "conll2003").mkdir()
    for name in ("eng.train", "eng.testa", "eng.testb"):
        write_conll(folder / "conll2003" / name)
    for name in ("reviews.csv", "more-reviews.csv"):
        write_csv(folder / name)
    for name in ("pretrain", "finetune"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def run(command: str, workplace: Path, *more: str) -> str:
    for large, small in IN_SMALL.items():
        command = command.replace(large, small.format(port=free_port()))
    program, *arguments = shlex.split(command)
    program = {"python": sys.executable, "torchrun": str(Path(sys.executable).with_name("torchrun"))}[program]
    machines = [
        subprocess.Popen(
            [program, *arguments, *more],
            cwd=workplace,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2 if "--nnodes 2" in command else 1)
    ]
    printed = [machine.communicate() for machine in machines]
    for machine, (_, errors) in zip(machines, printed, strict=True):
        assert machine.returncode == 0, errors
    return printed[0][0]


def test_every_command_of_the_readme_is_known_here() -> None:
    known = (*MORE_ARGUMENTS, *OUTER_COMMANDS)
    assert [command for command in COMMANDS if not command.startswith(known)] == []
    assert [start for start in known if not any(command.startswith(start) for command in COMMANDS)] == []


@pytest.mark.parametrize(
    ("pages", "runs"),
    (
        pytest.param(README, ("charbert-base", "ner", "reviews", "report"), id="README"),
        pytest.param(PAGES, ("streamed", "machines", "sharded"), id="all", marks=pytest.mark.slow),
    ),
)
def test_all_blocks_run_one_after_the_other(
    pages: str, runs: tuple[str, ...], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workplace)
    names: dict[str, Any] = {}
    for language, block in BLOCK.findall(pages):
        if language == "python":
            exec(block, names)
            continue
        for command in block.splitlines():
            start = next((start for start in MORE_ARGUMENTS if command.startswith(start)), None)
            if start is not None:
                run(command, workplace, *MORE_ARGUMENTS[start].split())
    assert names["correction"].text == "The government announced it."
    assert names["logits"].shape[-1] == 9
    for name in runs:
        assert (workplace / "runs" / name / "results.json").exists()
    assert Vocabulary.load(workplace / "charbert-bert" / "characters.txt")
    assert (workplace / "more-reviews.jsonl").exists()
    assert (workplace / "worst.json").exists()


def test_the_readme_is_read_in_one_sitting() -> None:
    assert len(README.splitlines()) <= 180


def test_make_quickstart_runs_the_quickstart(workplace: Path) -> None:
    [command] = re.findall(r"-m (pretrain quickstart .*)", (ROOT / "Makefile").read_text())
    dump = workplace / "enwiki-latest-pages-articles-multistream.xml.bz2"
    printed = run(f"python -m {command}", workplace, "--dump", str(dump), "--max-steps", "2")
    assert "restored" in printed and "charbert-mini" in printed
    assert re.search(r"loss curves: .*curves\.png", printed)
    assert (workplace / "runs" / "quickstart" / "model" / "curves.png").exists()


@pytest.mark.parametrize("command", ("", "data", "pretrain", "finetune", "charbert"))
def test_every_command_has_help(workplace: Path, command: str) -> None:
    for part in (
        ["charbert", "convert"],
        ["data", "wikipedia"],
        ["data", "vocabulary"],
        ["data", "tokenize"],
        ["data", "attack"],
        ["pretrain", "recognizer"],
        ["pretrain", "quickstart"],
        ["finetune", "predict"],
        ["finetune", "score"],
        ["finetune", "robustness"],
        ["finetune", "worst-case"],
    ):
        if part[0] == command:
            run(f"python -m {' '.join(part)} --help", workplace)
    if command:
        assert "--help" in run(f"python -m {command} --help", workplace)


def test_the_version_is_told(workplace: Path) -> None:
    assert re.fullmatch(r"charbert \d+\.\d+\.\d+\n", run("python -m charbert --version", workplace))
