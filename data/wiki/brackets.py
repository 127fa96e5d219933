"""What nests in wikitext (templates, links, tables, variants of a script), rendered from the inside out.

One pass with a stack takes linear time on any text: a bracket is rendered when its end comes, one that never
ends is text, and what is nested too deeply is dropped.
"""

import re
from collections import Counter
from collections.abc import Callable
from typing import Literal, NamedTuple

Kind = Literal["page", "template", "link", "table", "variant"]

# What is nested more deeply is no text for readers. Each level copies what is in it once more.
_MOST_NESTED = 40
_BRACKET = re.compile(
    r"^[ \t:]*\{\||^[ \t]*\|\}(?!\}(?!\}))|\{{2,}|\}{2,}(?:-(?!\{))?|\}-|-\{(?!\{)|\[\[|\]\]|\|", re.MULTILINE
)


class Part(NamedTuple):
    """What stands between two bars: of a template, with a name where it has one."""

    name: str | None
    text: str


class Renderers(NamedTuple):
    """What a reader sees for a bracket, by its parts: the first is the name, the target or the only text."""

    template: Callable[[list[Part]], str]
    link: Callable[[list[Part]], str]
    unclosed_link: Callable[[list[Part]], str]
    variant: Callable[[list[Part]], str]


class _Frame:
    """A bracket that is open."""

    __slots__ = ("_name", "_parts", "_pieces", "braces", "kind", "nested", "opening")

    def __init__(self, kind: Kind, opening: str) -> None:
        self.kind = kind
        self.opening = opening
        self.braces = len(opening)
        self.nested = 0
        self._parts: tuple[Part, ...] | list[Part] = ()
        self._name: str | None = None
        self._pieces: list[str] = []

    def add_markup(self, text: str) -> None:
        """Add text as it stands in the page, where a first "=" ends a name."""
        if self.kind == "template" and self._parts and self._name is None and "=" in text:
            name, _, text = text.partition("=")
            self._name = "".join([*self._pieces, name])
            self._pieces = []
        self._pieces.append(text)

    def add_text(self, text: str, nested: int = 0) -> None:
        """Add what was rendered, with brackets in it that are nested so deeply."""
        self._pieces.append(text if nested <= _MOST_NESTED else "")
        self.nested = max(self.nested, nested)

    def start_part(self) -> None:
        self._parts = self.parts()
        self._name, self._pieces = None, []

    def drop_bars(self) -> None:
        while self._pieces and self._pieces[-1] == "|":
            self._pieces.pop()

    def parts(self) -> list[Part]:
        return [*self._parts, Part(self._name, "".join(self._pieces))]

    def close_inner(self, text: str) -> None:
        """Go on after the inner two or three of its braces, which are rendered as this text."""
        self._parts, self._name, self._pieces = [], None, []
        self.add_text(text, self.nested + 1)


def render_brackets(markup: str, renderers: Renderers) -> str:
    """The text of a page with every bracket replaced by what a reader sees. Linear in its length."""
    return _Pass(renderers).render(markup)


class _Pass:
    def __init__(self, renderers: Renderers) -> None:
        self._renderers = renderers
        self._stack = [_Frame("page", "")]
        self._open: Counter[Kind] = Counter()

    def render(self, markup: str) -> str:
        position = 0
        for bracket in _BRACKET.finditer(markup):
            if bracket.start() > position:
                self._stack[-1].add_markup(markup[position : bracket.start()])
            position = max(bracket.end(), position)
            token = bracket[0]
            if token == "|":
                self._bar()
            elif token == "[[":
                self._push("link", token)
            elif token == "]]":
                position += self._end_link(markup[position : position + 1])
            elif token == "-{":
                self._push("variant", token)
            elif token[0] == "{" and token[1] == "{":
                self._push("template", token)
            elif token[0] == "}":
                self._end_braces(token)
            elif token[-1] == "|":
                self._push("table", token)
            elif not self._close("table"):
                self._stack[-1].add_markup(token)
        self._stack[-1].add_markup(markup[position:])
        self._fold(0)
        return self._stack[0].parts()[0].text

    def _push(self, kind: Kind, opening: str) -> None:
        self._stack.append(_Frame(kind, opening))
        self._open[kind] += 1

    def _bar(self) -> None:
        if self._stack[-1].kind in ("page", "table"):
            self._stack[-1].add_text("|")
        else:
            self._stack[-1].start_part()

    def _close(self, kind: Kind) -> _Frame | None:
        """End the innermost bracket of a kind; those in it are never closed. None where none is open."""
        if not self._open[kind]:
            return None
        index = len(self._stack) - 1
        while self._stack[index].kind != kind:
            index -= 1
        self._fold(index)
        self._open[kind] -= 1
        return self._stack.pop()

    def _fold(self, index: int) -> None:
        """Turn the brackets above a frame into text of it."""
        for frame in self._stack[index + 1 :]:
            self._open[frame.kind] -= 1
            self._stack[index].add_text(self._unclosed(frame), frame.nested)
        del self._stack[index + 1 :]

    def _unclosed(self, frame: _Frame) -> str:
        parts = frame.parts()
        if frame.kind == "link":
            return self._renderers.unclosed_link(parts)
        text = join_parts(parts)
        return text if frame.kind == "template" else frame.opening + text

    def _end_link(self, following: str) -> int:
        """End a link; 1 where the next character, a bracket in its text that ends there, is part of it."""
        frame = self._close("link")
        if frame is None:
            return 0
        parts = frame.parts()
        last = parts[-1].text
        takes = following == "]" and len(parts) > 1 and last.count("[") > last.count("]")
        if takes:
            parts[-1] = Part(parts[-1].name, last + "]")
        self._show(frame, self._renderers.link(parts))
        return int(takes)

    def _end_braces(self, token: str) -> None:
        count, dash = token.count("}"), token.endswith("-")
        while count >= 2 and (frame := self._close("template")):
            used = min(count, frame.braces, 3)
            count -= used
            frame.braces -= used
            parts = frame.parts()
            # The argument of a template has no value where it is in a page, but may have a default.
            text = join_parts(parts[1:]) if used == 3 else self._renderers.template(parts)
            if frame.braces >= 2:
                frame.close_inner(text)
                self._stack.append(frame)
                self._open["template"] += 1
            elif text == "|" and self._stack[-1].kind == "link":
                self._stack[-1].start_part()  # {{!}} divides a link, and is text anywhere else
            else:
                self._stack[-1].add_markup("{" * frame.braces)
                self._show(frame, text)
        if count == 1 and dash and (variant := self._close("variant")):
            self._show(variant, self._renderers.variant(variant.parts()))
            return
        if count >= 2:
            self._stack[-1].drop_bars()
        self._stack[-1].add_markup("}" * (count == 1) + "-" * dash)

    def _show(self, frame: _Frame, text: str) -> None:
        self._stack[-1].add_text(text, frame.nested + 1)


def join_parts(parts: list[Part]) -> str:
    """Parts as they stood in the page."""
    return "|".join([text if name is None else f"{name}={text}" for name, text in parts])
