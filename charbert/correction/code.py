"""Code and addresses in a text, of which no word is judged: blocks, lines, and words written together."""

import re

# Limited, so that many that are begun and never ended cost no more than the text is long.
_BLOCK = re.compile(
    r"```.{0,20000}?```|(?<!`)`(?=[^\s`])[^`\n]*(?<=\S)`(?![`\w])|<(code|pre|script|style)\b.{0,20000}?</\1\s*>",
    re.DOTALL | re.IGNORECASE,
)
# A statement, which has a call or "=" and ends with ";" or a brace; a definition; an assignment.
_LINE = re.compile(
    r"^(?:[^\n]{0,200}?(?:=|\w\((?!e?s\)))[^\n]{0,200}[;{}]"
    r"|[^\S\n]{0,40}def \w+\([^\n]*"
    r"|[^\S\n]{0,40}[a-z_][\w.]{0,99}(?:, [\w.]{1,99}){0,9} [-+*/%|&]?= \S[^\n]*)$",
    re.MULTILINE,
)
_TOGETHER = re.compile(
    r"[\d@#$_\\<>={}^]|\w\.\w|\w::?\w|:\w+:|\w[\"']:|\(\)|\+\+|%\w+%|&\w|^--[a-z]|^\W*[ru]/\w|/.*/|://"
)


def find_code(text: str) -> list[int]:
    """The starts and ends, in turn, of blocks of Markdown and HTML and of lines of code."""
    spans = sorted(found.span() for code in (_BLOCK, _LINE) for found in code.finditer(text))
    places = [0]
    for start, end in spans:  # they may overlap
        places += [max(start, places[-1]), max(end, places[-1])]
    return places[1:]


def is_code(together: str) -> bool:
    """Whether what is written together, without white space in it, is of code or an address."""
    return bool(_TOGETHER.search(together))
