"""Hooks of the documentation site: pages from outside of docs/, links as on GitHub, help of commands."""

import os
import posixpath
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
OUTSIDE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Pages of the site that stand in the root of the checkout."""
HELP = re.compile(r"(?<=^\$ )(?:python -m )?(\S+.* --help)$", re.MULTILINE)
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)#\s]+)(#[^)]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    for name, page in OUTSIDE.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=relink(text, "", page)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    if page.file.src_uri in OUTSIDE.values():
        return markdown
    markdown = HELP.sub(add_help, markdown)
    return relink(markdown, posixpath.join("docs", posixpath.dirname(page.file.src_uri)), page.file.src_uri)


def add_help(match: re.Match[str]) -> str:
    """A command that asks for help, and what it prints."""
    command = [sys.executable, "-m", *shlex.split(match[1])]
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return f"{match[0]}\n{done.stdout.rstrip()}"


def relink(markdown: str, folder: str, page: str) -> str:
    """Links of a file in `folder` of the checkout as links of `page`; text alone where there is no page."""

    def replace(match: re.Match[str]) -> str:
        image, text, target, anchor = match.groups(default="")
        path = posixpath.normpath(posixpath.join(folder, target))
        if path in OUTSIDE:
            path = OUTSIDE[path]
        elif path.startswith("docs/") and not (ROOT / path).is_dir():
            path = path.removeprefix("docs/")
        elif (ROOT / path).exists():
            return text
        return f"{image}[{text}]({posixpath.relpath(path, posixpath.dirname(page) or '.')}{anchor})"

    return LINK.sub(replace, markdown)
