"""Hooks of the documentation site: its pages from outside of docs/, and links as GitHub has them."""

import posixpath
import re
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
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)#\s]+)(#[^)]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    for name, page in OUTSIDE.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=relink(text, "", page)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    if page.file.src_uri in OUTSIDE.values():
        return markdown
    return relink(markdown, posixpath.join("docs", posixpath.dirname(page.file.src_uri)), page.file.src_uri)


def relink(markdown: str, folder: str, page: str) -> str:
    """Links of a file in `folder` of the checkout as links of `page`; text alone where there is no page."""

    def replace(match: re.Match[str]) -> str:
        image, text, target, anchor = match.groups(default="")
        path = posixpath.normpath(posixpath.join(folder, target))
        if path in OUTSIDE:
            path = OUTSIDE[path]
        elif path.startswith("docs/"):
            path = path.removeprefix("docs/")
        elif (ROOT / path).exists():
            return text
        return f"{image}[{text}]({posixpath.relpath(path, posixpath.dirname(page) or '.')}{anchor})"

    return LINK.sub(replace, markdown)
