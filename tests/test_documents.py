"""What the documents say of the code is true."""

import re
import shlex
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from runpy import run_path
from typing import Any

import pytest

from charbert.commands.options import parse_command

ROOT = Path(__file__).parents[1]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FOLDERS = ("charbert", "data", "pretrain", "finetune")
SOURCES = "|".join((*FOLDERS, "benchmarks", "tests"))

DOCUMENTS = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md"))]


def listed_modules() -> list[str]:
    """The paths of the modules in the tree of docs/architecture.md."""
    [tree] = re.findall(r"```\n(charbert/.*?)```", ARCHITECTURE, re.DOTALL)
    found, folders = [], [""]
    for line in tree.splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        folders = folders[: depth + 1]
        if name.endswith("/"):
            folders.append(folders[-1] + name)
        else:
            found.append(folders[-1] + name)
    return found


def test_the_tree_lists_every_module() -> None:
    modules = [
        str(path.relative_to(ROOT))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "__init__.py"
    ]
    assert sorted(listed_modules()) == sorted(modules)


# A change log names what was there.
@pytest.mark.parametrize("document", [document for document in DOCUMENTS if document.name != "CHANGELOG.md"])
def test_files_named_in_documents_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    # Of an earlier revision, which the sentence names.
    text = re.sub(r"`benchmarks/\w+\.py[^`]*` of\s+revision \w+", "", text)
    named = re.findall(rf"(?<![\w/.-])((?:{SOURCES})/[a-z_/0-9]+\.\w+)", text)
    links = [str(document.parent / link) for link in re.findall(r"\]\(([\w./-]+?)(?:#[\w-]+)?\)", text)]
    assert [name for name in (*named, *links) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_lists_and_tables_are_those_of_the_site_too(document: Path) -> None:
    """An empty line before a list, and four blanks before what is inside of one: GitHub needs neither."""
    text = re.sub(r"```.*?\n```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    attached = r"\n(?!(?:[-|#\n]| {1,3}\S|\d+\. ))[^\n]+\n(?:- |1\. |\|)[^\n]*"
    shallow = r"\n {1,3}(?:[-|] ?|1\. |```)[^\n]*"
    barred = r"\|[^\n]*`[^`\n]*\\\|[^\n]*"  # in code of a table, the site shows the backslash
    assert re.findall(rf"{attached}|{shallow}|{barred}", text) == []


def commands(document: Path) -> list[str]:
    """The commands of this project in a document, a line each, without `python -m` or `torchrun ... -m`."""
    text = document.read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    start = rf"(?:python -m |torchrun .* -m |(?=charbert ))((?:{'|'.join(FOLDERS)}) "
    return re.findall(rf"^{start}[^$\n]+)$", blocks, re.MULTILINE)  # `$`: a line of a script


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if commands(document)])
def test_commands_are_understood(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each option is one of the command, and its value one that it can have; files need not be there."""
    monkeypatch.chdir(ROOT)
    for line in commands(document):
        program, name, *rest = shlex.split(line, comments=True)
        main: Any = import_module(f"{program}.__main__")
        default = getattr(main, program.upper(), None)
        command = main.COMMANDS.get(name, default)
        arguments = rest if name in main.COMMANDS else [name, *rest]
        parse_command(resolve_name(command.settings), arguments, line, "", config=command.config)


def test_the_site_has_every_page_public_name_and_command() -> None:
    pages = {str(page.relative_to(ROOT / "docs")) for page in DOCUMENTS if ROOT / "docs" in page.parents}
    assert pages - set((ROOT / "mkdocs.yml").read_text(encoding="utf-8").split()) == set()
    reference = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs/reference").glob("*.md"))
    shown = set(re.findall(r"^::: ([\w.]+)$", reference, re.MULTILINE))
    for package in ("charbert", "charbert.noise", "charbert.tuning"):
        names = {f"{package}.{name}" for name in import_module(package).__all__}
        assert names - shown - {"charbert.tuning", "charbert.__version__"} == set()
    asked = set(re.findall(r"^\$ (?:python -m )?(.*) --help$", reference, re.MULTILINE))
    for program in FOLDERS:
        main: Any = import_module(f"{program}.__main__")
        found = {f"{program} {name}" for name in main.COMMANDS}
        assert found | ({program} if hasattr(main, program.upper()) else set()) <= asked


@pytest.mark.parametrize(
    ("folder", "page", "link", "shown"),
    [
        ("", "index.md", "![a](docs/network.svg)", "![a](network.svg)"),
        ("", "index.md", "[a](docs/data.md#blocks)", "[a](data.md#blocks)"),
        ("docs", "data.md", "[a](../CONTRIBUTING.md)", "[a](contributing.md)"),
        ("docs/reference", "reference/noise.md", "[a](../data.md)", "[a](../data.md)"),
        ("docs", "data.md", "[a](../Makefile) [b](runs)", "a b"),
        ("docs", "data.md", "[a](https://arxiv.org) [b](#a)", "[a](https://arxiv.org) [b](#a)"),
        ("docs", "data.md", "[a](nowhere.md)", "[a](nowhere.md)"),
    ],
)
def test_links_lead_to_the_same_on_the_site(folder: str, page: str, link: str, shown: str) -> None:
    assert run_path(str(ROOT / "docs" / "hooks.py"))["relink"](link, folder, page) == shown


def test_every_example_is_short_and_named() -> None:
    named = re.findall(
        r"\(\.\./examples/(\w+\.py)\)", (ROOT / "docs/examples.md").read_text(encoding="utf-8")
    )
    lengths = {path.name: len(path.read_text().splitlines()) for path in (ROOT / "examples").glob("*.py")}
    assert sorted(named) == sorted(lengths) and max(lengths.values()) < 60


def test_modules_are_short_and_folders_have_few() -> None:
    for folder in {path.parent for name in FOLDERS for path in (ROOT / name).rglob("*.py")}:
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= (24 if folder.name == "charbert" else 14), folder
        assert all(len(path.read_text(encoding="utf-8").splitlines()) <= 400 for path in modules)
