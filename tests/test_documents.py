"""What the documents say of the code is true."""

import re
from pathlib import Path

import pytest

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
    attached = r"\n(?![-|#\n ]|\d+\. )[^\n]+\n(?:- |1\. |\|)[^\n]*"
    shallow = r"\n {1,3}(?:[-|] ?|1\. |```)[^\n]*"
    assert re.findall(rf"{attached}|{shallow}", text) == []


def test_modules_are_short_and_folders_have_few() -> None:
    for folder in {path.parent for name in FOLDERS for path in (ROOT / name).rglob("*.py")}:
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= (24 if folder.name == "charbert" else 14), folder
        assert all(len(path.read_text(encoding="utf-8").splitlines()) <= 400 for path in modules)
