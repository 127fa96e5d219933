"""How JSON is written."""

import re
from typing import Any

_INDENT = re.compile(r"\s*[\[{]\r?\n([ \t]+)")
_COLON = re.compile(r'"\s*:( ?)')


def json_style(text: str) -> dict[str, Any]:
    """Arguments of `json.dumps` that write as this text is written, as far as its beginning shows."""
    indent, colon = _INDENT.match(text), _COLON.search(text)
    blank = colon[1] if colon else " "
    return {
        "indent": indent[1] if indent else None,
        "separators": ("," if indent else f",{blank}", f":{blank}"),
        "ensure_ascii": text.isascii() or "\\u" in text,
    }
