"""Who may import whom, and what `import charbert` may cost."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from charbert.errors import run_command

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "charbert": {"charbert"},
    "data": {"charbert", "data"},
    "pretrain": {"charbert", "data", "pretrain"},
    "finetune": {"charbert", "data", "finetune"},
}
HEAVY = (
    "datasets",
    "accelerate",
    "matplotlib",
    "pandas",
    "pyarrow",
    "peft",
    "tensorboard",
)


def imported_folders(source: str) -> set[str]:
    """The project's folders that a module's text imports from, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [node.module or ""]
        else:
            continue
        found |= {name.split(".")[0] for name in names} & MAY_IMPORT.keys()
    return found


MODULES = [path for folder in MAY_IMPORT for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_imports_only_from_folders_it_may(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    assert imported_folders(path.read_text(encoding="utf-8")) <= MAY_IMPORT[folder]


@pytest.mark.parametrize(
    "source",
    ["import data", "import data.text as t", "from data import x", "def f():\n    from data.x import y"],
)
def test_every_form_of_import_is_seen(source: str) -> None:
    assert imported_folders(source) == {"data"}


def run_python(*statements: str) -> set[str]:
    """The words that a fresh interpreter prints."""
    command = [sys.executable, "-c", "\n".join(("import sys", *statements))]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_library_is_light() -> None:
    # What transformers brings in for a BERT of its own is not ours to refuse.
    added = run_python(
        "from transformers import AutoModel, BertModel, PreTrainedTokenizerFast",
        "before = set(sys.modules)",
        "import charbert",
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})",
    )
    assert "charbert" in added
    assert added.isdisjoint(HEAVY)


# Of each command, options that are right but for a path that is missing: `missing`.
COMMANDS = {
    "charbert": {"convert": "missing/at/all --output out"},
    "data": {
        "wikipedia": "missing.xml --output out",
        "vocabulary": "missing.txt --output out",
        "tokenize": "README.md --tokenizer missing --output out",
        "attack": "missing.csv --task text --output out.csv",
    },
    "pretrain": {
        "": "pretrain/configs/tiny.yaml --data missing --tokenizer missing --output out",
        "recognizer": "pretrain/configs/recognizer.yaml --data missing --tokenizer missing --output out",
        "quickstart": "--dump missing.bz2 --output out",
    },
    "finetune": {
        "": "finetune/configs/ner.yaml --data missing --backbone bert-base-cased --output out",
        "distill": "finetune/configs/ner.yaml --data missing --teacher docs --student-layers 1 --output out",
        "predict": "missing missing.csv --output out.jsonl",
        "score": "missing.csv missing.csv --task text",
        "robustness": "finetune/configs/robustness.yaml --models missing --test README.md --output out",
        "worst-case": "missing/at/all README.md --output out.json",
    },
}


@pytest.mark.parametrize("program", COMMANDS)
def test_help_and_mistakes_are_answered_without_torch(program: str) -> None:
    lines = [[], ["--help"], ["no-such-command"]]
    for command, options in COMMANDS[program].items():
        right = [*command.split(), *options.split()]
        lines += [right, [*command.split(), "--help"], [*right, "--no-such-option"], [*right, "--output"]]
    done = run_python(
        f"from {program}.__main__ import main",
        "from charbert.errors import run_command",
        "sys.stderr = sys.stdout",
        f"for line in {lines!r}:",
        "    try:",
        "        assert run_command(main, line), line",
        "    except SystemExit:",
        "        pass",
        "print(*{'import:' + name.split('.')[0] for name in sys.modules})",
    )
    heavy = {"torch", "transformers", "datasets", "pandas", "matplotlib", "sklearn", "scipy"}
    assert "import:charbert" in done and done.isdisjoint(f"import:{name}" for name in heavy)


@pytest.mark.parametrize(
    "program, command",
    [(program, command) for program, commands in COMMANDS.items() for command in commands],
)
def test_a_missing_path_is_named_before_anything_is_done(
    program: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main = import_module(f"{program}.__main__").main
    assert run_command(main, [*command.split(), *COMMANDS[program][command].split()]) == 1
    assert re.search(r"^error: (--)?[\w-]+: missing\S*: no such (file|folder)", capsys.readouterr().err)
