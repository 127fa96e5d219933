"""How JSON is written."""

import re
from typing import Any

_INDENT = re.compile(r"\s*[\[{]\r?\n([ \t]+)")
_COLON = re.compile(r'"\s*:( ?)')
_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # an escape of half a character, which UTF-8 may have no bytes for


def json_style(text: str) -> dict[str, Any]:
    """Arguments of `json.dumps` that write as this text is written, as far as its beginning shows."""
    indent, colon = _INDENT.match(text), _COLON.search(text)
    blank = colon[1] if colon else " "
    return {
        "indent": indent[1] if indent else None,
        "separators": ("," if indent else f",{blank}", f":{blank}"),
        "ensure_ascii": text.isascii() or _HALF.search(text) is not None,
    }
