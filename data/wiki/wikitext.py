"""Wikitext (MediaWiki markup) to plain text, as a reader sees it.

`mwparserfromhell` reads what nests: templates, links and tables. Expressions before it take out the tags,
which it is slow to pair; expressions after it tidy what the removals leave. All take linear time,
also on markup that is never closed.
"""

import html
import re
from collections.abc import Set

import mwparserfromhell
from mwparserfromhell.nodes import ExternalLink, HTMLEntity, Node, Tag, Template, Text, Wikilink
from mwparserfromhell.parser import ParserError
from mwparserfromhell.wikicode import Wikicode

from data.wiki.measures import Values, number, superscript
from data.wiki.templates import render_template

# Every wiki knows these English names beside those of its own language.
HIDDEN_NAMESPACES = frozenset({"category", "file", "image", "media"})

# The parser reads to the end of the section from each bracket that is never closed.
_MAX_OPEN_BRACKETS = 100

_HIDDEN_ELEMENTS = (
    "categorytree|ce|chem|gallery|graph|hiero|imagemap|includeonly|indicator|inputbox|mapframe|maplink|math|"
    "pre|ref|references|score|script|source|style|syntaxhighlight|table|templatedata|templatestyles|timeline"
)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
# An element ends before the next one of its name: many that are never closed still take linear time.
_NOWIKI = re.compile(r"<nowiki>([^<]*(?:<(?!/?nowiki\b)[^<]*)*)</nowiki>", re.IGNORECASE)
_HIDDEN_ELEMENT = re.compile(
    rf"<({_HIDDEN_ELEMENTS})\b[^<>]*(?:/>|(?<!/)>([^<]*(?:<(?!/?\1\b)[^<]*)*)</\1\s*>)", re.IGNORECASE
)
_SUPERSCRIPT = re.compile(r"<sup>\s*([-−+\d]+)\s*</sup>", re.IGNORECASE)
_TAG = re.compile(r"</?([a-z]+[1-6]?)(?:\s+[a-z-]+\s*=[^<>]*)?\s*/?>", re.IGNORECASE)
_BLOCK_TAGS = frozenset({"blockquote", "center", "div", "dl", "hr", "li", "ol", "p", "poem", "ul"})
_EMPHASIS = re.compile(r"'{2,5}")
_HEADING = re.compile(r"^=[^\n]*=[ \t]*$", re.MULTILINE)
_INTERLANGUAGE = re.compile(r"(?:[a-z]{2,3}(?:-[a-z]+)*|simple):(?! )")

# What is left of markup that was never closed: rows of tables and templates, captions, brackets.
_REMNANT = re.compile(
    r"^[ \t]*(?:\{\||\|).*$|^!.*(?:\||!!).*$|^.*thumb\|.*$|</?ref\b[^<>\n]*>?|\[\[[^\[\]|\n]*\||__[A-Z]+__"
    r"|\[\[|\]\]|\{[{|]+|[|}]*\}\}|\|\}|[\u00ad\u200b\u200e\u200f\ufeff]",
    re.MULTILINE,
)
# Headings and lists go, as in BERT's own corpus ("only the text passages", arXiv 1810.04805, section 3.1):
# they are no sentences, and the names and titles in them would outweigh the prose. An indented line, though,
# mostly is a quotation: it stays, as a paragraph.
_LIST_ITEM = re.compile(r"^[ \t]*:*[*#;].*$", re.MULTILINE)
_INDENTED = re.compile(r"^[ \t]*:+(.*)$", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n\s*\n")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_TIDY = [
    (re.compile(r" ?\([ ,;:/–—-]*\)"), ""),
    (re.compile(r"\([ ,;:]+"), "("),
    (re.compile(r"(?<![ ,;])[ ,;]+\)"), ")"),
    (re.compile(r"([,;])(?: ?[,;])+"), r"\1"),
    (re.compile(r" ([,.)])(?![\w.])"), r"\1"),
]


class MarkupError(ValueError):
    """Markup that cannot be parsed, or not in reasonable time."""


def plain_text(markup: str, hidden_namespaces: Set[str] = HIDDEN_NAMESPACES) -> str:
    """Return the prose of a page, its paragraphs separated by a blank line ("\\n\\n").

    Links and tags leave their text, and the templates of `data.wiki.templates` theirs. Other templates,
    headings, lists, tables, captions, references and formulas are dropped. `hidden_namespaces` are the
    lower-case prefixes of links that show nothing, such as "category". Raises `MarkupError`.
    """
    markup = _COMMENT.sub("", markup)
    markup = _NOWIKI.sub(lambda match: "".join(f"&#{ord(character)};" for character in match[1]), markup)
    markup = _HIDDEN_ELEMENT.sub(_visible_formula, markup)
    markup = _SUPERSCRIPT.sub(lambda match: superscript(match[1]), markup)
    # A "<" that is left opens no tag; as an entity it costs the parser no search for the end of one.
    markup = _TAG.sub(_tag_text, markup).replace("<", "&lt;")
    sections = _HEADING.split(_EMPHASIS.sub("", markup))
    text = "\n\n".join(_render(_parsed(section), hidden_namespaces) for section in sections)
    text = _LIST_ITEM.sub("", _REMNANT.sub("", text))
    text = _INDENTED.sub(r"\n\1\n", text)
    return "\n\n".join(filter(_LETTER_OR_DIGIT.search, map(_tidy, _BLANK_LINES.split(text))))


def _visible_formula(element: re.Match[str]) -> str:
    # A lone variable is a word of its sentence; LaTeX is not what a reader sees.
    name, content = element[1].lower(), element[2] or ""
    return content if name == "math" and not re.search(r"[\\{}^_]", content) else ""


def _tag_text(tag: re.Match[str]) -> str:
    name = tag[1].lower()
    if name in _BLOCK_TAGS:
        return "\n\n"
    return " " if name == "br" else ""


def _parsed(section: str) -> Wikicode:
    for opening, closing in ("[]", "{}"):
        depth = 0
        for bracket in re.findall(rf"\{opening}|\{closing}", section):
            depth = depth + 1 if bracket == opening else max(depth - 1, 0)
            if depth > _MAX_OPEN_BRACKETS:
                raise MarkupError(f"more than {_MAX_OPEN_BRACKETS} {opening!r} are open at once")
    try:
        return mwparserfromhell.parse(section, skip_style_tags=True)
    except ParserError as error:
        raise MarkupError(str(error)) from error


def _render(code: Wikicode | None, hidden_namespaces: Set[str]) -> str:
    return "".join(_node_text(node, hidden_namespaces) for node in code.nodes) if code else ""


def _node_text(node: Node, hidden_namespaces: Set[str]) -> str:
    match node:
        case Text():
            return node.value
        case HTMLEntity():
            return html.unescape(str(node))
        case Wikilink():
            title = _render(node.title, hidden_namespaces).strip()
            prefix, colon, _ = title.lower().partition(":")
            if (colon and prefix.strip() in hidden_namespaces) or _INTERLANGUAGE.match(title):
                return ""
            return _render(node.text, hidden_namespaces) or title.removeprefix(":")
        case ExternalLink():
            return _render(node.title, hidden_namespaces) if node.brackets else str(node.url)
        case Template():
            return _template_text(node, hidden_namespaces)
        case Tag() if str(node.tag) in {"dd", "dt", "li"}:
            return str(node.wiki_markup)
        case _:
            return ""


def _template_text(template: Template, hidden_namespaces: Set[str]) -> str:
    def values() -> Values:
        shown = {
            str(value.name).strip(): _render(value.value, hidden_namespaces).strip()
            for value in template.params
        }
        return Values(str, shown)

    name = _render(template.name, hidden_namespaces).strip().lower().replace("_", " ")
    if name.startswith("formatnum:"):
        return number(name.removeprefix("formatnum:").strip())
    return render_template(name, values) or ""


def _tidy(paragraph: str) -> str:
    text = " ".join(paragraph.split())
    for pattern, replacement in _TIDY:
        text = pattern.sub(replacement, text)
    return text.strip().lstrip(" ,;:")
