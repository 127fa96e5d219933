"""Wikitext (MediaWiki markup) to plain text, as a reader sees it.

`data.wiki.brackets` renders what nests: templates, links and tables. Expressions before it take out the tags,
those after it tidy what the removals leave. All take linear time, also on markup that is never closed.
"""

import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from data.wiki.brackets import Part, Renderers, join_parts, render_brackets
from data.wiki.measures import Values, superscript
from data.wiki.sites import ENGLISH, Site, is_language, namespace_name
from data.wiki.templates import render_template
from data.wiki.unknown import MARKS, UnknownTemplates
from data.wiki.variants import choose_variant

# Stands where markup was that keeps apostrophes apart. No text of a dump has it: XML cannot hold it.
_GAP = "\x02"
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-zA-Z][a-zA-Z\d]{1,31});")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_NOWIKI = re.compile(r"<nowiki>([^<]*(?:<(?!/?nowiki\b)[^<]*)*)</nowiki>", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~\n]")
_HIDDEN_ELEMENTS = (
    "categorytree|ce|chem|gallery|graph|hiero|imagemap|includeonly|indicator|inputbox|mapframe|maplink|"
    "math|pre|ref|references|score|script|source|style|syntaxhighlight|table|templatedata|templatestyles|"
    "timeline"
)
_HIDDEN_TAG = re.compile(rf"<(?:({_HIDDEN_ELEMENTS})\b[^<>]*|/({_HIDDEN_ELEMENTS})\s*)>", re.IGNORECASE)
_SUPERSCRIPT = re.compile(r"<sup>\s*([-−+\d]+)\s*</sup>", re.IGNORECASE)
_TAG = re.compile(r"</?([a-z]+[1-6]?)(?:\s+[a-z-]+\s*=[^<>]*)?\s*/?>", re.IGNORECASE)
_BLOCK_TAGS = frozenset({"blockquote", "center", "div", "dl", "hr", "li", "ol", "p", "poem", "ul"})
_QUOTES = re.compile(r"('{2,})")
_HEADING = re.compile(r"^=[^\n]*=[ \t]*$", re.MULTILINE)
_EXTERNAL_LINK = re.compile(
    r"\[(?:(?:[a-z]+:)?//|(?:mailto|news|tel|urn|geo|magnet):)[^\s\[\]]*(?:[^\S\n]([^\[\]\n]*))?\]",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:https?:|ftp:)?//", re.IGNORECASE)
_MEDIA = re.compile(
    r"[^:]+:[^:]*\.(?:apng|djvu|flac|gif|jpe?g|mid|mp3|mpe?g|og[agvx]|opus|pdf|png|stl|svg|tiff?|wav|web[mp]|xcf)",
    re.IGNORECASE,
)

# What is left of markup that was never closed: rows of tables and templates, brackets.
_REMNANT = re.compile(
    r"^-{4,}|^[ \t]*(?:\{\||\|).*$|^!.*(?:\||!!).*$|</?ref\b[^<>\n]*>?|\{[{|]+|\|\}|\}\}+|\[\[|\]\]"
    r"|[\u00ad\u200b\u200e\u200f\ufeff]",
    re.MULTILINE,
)
_SWITCH = re.compile(r"(?:__|＿＿)([^\s!-@\[-^`{-~_＿](?:[^\s!-@\[-^`{-~_＿]|_(?!_)){0,60})(?:__|＿＿)")
_ENGLISH_SWITCHES = frozenset(
    "archivedtalk disambig expectunusedcategory expectunusedtemplate expectwithoutscans forcetoc hiddencat "
    "index keeptitle newsectionlink nocc nocontentconvert noeditsection nogallery noglobal noindex "
    "nonewsectionlink notalk notc notitleconvert notoc staticredirect toc".split()
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
# The same in Chinese and Japanese, which have signs of their own.
_WIDE_SIGN = re.compile(r"[（、，；]")
_TIDY_WIDE = [
    (re.compile(r"（[ 、，；：,;:]*）"), ""),
    (re.compile(r"（[ 、，；：,;:]+"), "（"),
    (re.compile(r"(?<![ 、，；：,;:])[ 、，；：,;:]+）"), "）"),
    (re.compile(r"([、，；])(?: ?[、，；])+"), r"\1"),
]


def plain_text(markup: str, site: Site = ENGLISH, unknown: Counter[str] | None = None) -> str:
    """Return the prose of a page of a wiki, its paragraphs separated by a blank line ("\\n\\n").

    Links and tags leave their text, and the templates of `data.wiki.templates` theirs. Other templates leave
    their first value inside of a sentence, where they are counted in `unknown`, and nothing elsewhere.
    Headings, lists, tables, captions, references and formulas are dropped. Takes linear time and memory.
    """
    templates = UnknownTemplates()
    for mark in (_GAP, *MARKS):
        markup = markup.replace(mark, "")
    text = _show_tags(_ENTITY.sub(_decoded_letter, _COMMENT.sub("", markup)))
    text = render_brackets(text, _renderers(site, templates))
    text = templates.resolve(_without_emphasis(text))
    if unknown is not None:
        unknown.update(templates.counts)
    text = _HEADING.sub("\n\n", _EXTERNAL_LINK.sub(r"\1", text))
    text = _LIST_ITEM.sub("", _SWITCH.sub(_without_switch, _REMNANT.sub("", text)))
    paragraphs = _BLANK_LINES.split(_INDENTED.sub(r"\n\1\n", text))
    return "\n\n".join(filter(_LETTER_OR_DIGIT.search, map(_tidy, paragraphs)))


def _decoded_letter(entity: re.Match[str]) -> str:
    # What could be markup stays an entity until all markup is gone.
    character = html.unescape(entity[0])
    return entity[0] if character.isascii() else character


def _show_tags(markup: str) -> str:
    markup = _NOWIKI.sub(
        lambda element: _GAP + _PUNCTUATION.sub(lambda sign: f"&#{ord(sign[0])};", element[1]) + _GAP, markup
    )
    markup = "".join(_visible(markup))
    return _TAG.sub(_tag_text, _SUPERSCRIPT.sub(lambda match: superscript(match[1]), markup))


def _visible(markup: str) -> Iterator[str]:
    """The pieces of a page without the elements that show nothing, also where tables are nested.

    An element ends at the first end of its name, a table at its own; one that never ends is only a tag.
    """
    elements: list[tuple[int, int, str]] = []
    starts: defaultdict[str, list[re.Match[str]]] = defaultdict(list)
    for tag in _HIDDEN_TAG.finditer(markup):
        name = (tag[1] or tag[2]).lower()
        if tag[1] and tag[0].endswith("/>"):
            elements.append((*tag.span(), ""))
        elif tag[1]:
            starts[name].append(tag)
        elif starts[name]:
            first = starts[name].pop()
            text = _shown_formula(markup[first.end() : tag.start()]) if name == "math" else ""
            elements.append((first.start(), tag.end(), text))
            if name != "table":
                starts[name].clear()
    position = 0
    for start, end, text in sorted(elements, key=lambda element: (element[0], -element[1])):
        if start >= position:
            yield markup[position:start]
            yield text + _gap(markup, start, end)
        position = max(position, end)
    yield markup[position:]


def _shown_formula(content: str) -> str:
    # A lone variable is a word of its sentence; LaTeX is not what a reader sees.
    return "" if re.search(r"[\\{}^_]", content) else content


def _tag_text(tag: re.Match[str]) -> str:
    name = tag[1].lower()
    if name in _BLOCK_TAGS:
        return "\n\n"
    if name == "br":
        return " "
    return _GAP if name == "nowiki" else _gap(tag.string, *tag.span())


def _gap(markup: str, start: int, end: int) -> str:
    """What keeps the apostrophes before and after a place apart."""
    return _GAP if "'" in (markup[max(start - 1, 0) : start], markup[end : end + 1]) else ""


def _renderers(site: Site, templates: UnknownTemplates) -> Renderers:
    def link(parts: list[Part]) -> str:
        title = _value(parts[0])
        if _URL.match(title):
            return f"[{join_parts(parts)}]"  # an external link with one bracket too many
        if not _is_shown(title, site):
            return ""
        # Of apostrophes, a pair may not reach out of the link; in a title they are text.
        text = _without_emphasis(join_parts(parts[1:])) or title.removeprefix(":").replace("'", "&#39;")
        return f"{_GAP}{text}{_GAP}"

    def unclosed_link(parts: list[Part]) -> str:
        texts = [part.text for part in parts]
        if _is_shown(_value(parts[0]), site):
            return "|".join(texts[1:] or texts)
        options = next((number for number, text in enumerate(texts) if " " in text.strip()), len(texts))
        return "|".join(texts[max(options, 1) :])

    return Renderers(
        lambda parts: _template_text(parts, site, templates),
        link,
        unclosed_link,
        lambda parts: choose_variant(join_parts(parts), site),
    )


def _is_shown(title: str, site: Site) -> bool:
    prefix, colon, rest = title.partition(":")
    if not colon or not prefix:
        return True
    name = namespace_name(prefix)
    is_elsewhere = is_language(name) and not rest.startswith(" ")
    return not (name in site.hidden_namespaces or is_elsewhere or _MEDIA.fullmatch(title))


def _template_text(parts: list[Part], site: Site, templates: UnknownTemplates) -> str:
    name = _value(parts[0]).replace("_", " ")

    def values() -> Values:
        shown = {"0": name}
        position = 0
        for part in parts[1:]:
            position += part.name is None
            shown[str(position) if part.name is None else part.name.strip()] = _value(part)
        return Values(str, shown)

    if name == "!":
        return "|"
    text = render_template(name, values, site)
    if text is None:
        function, colon, value = name.partition(":")
        if colon and site.locale.is_formatnum(function):
            is_plain = len(parts) > 1  # {{formatnum:1,234|R}} asks for a number without separators
            text = value.strip() if is_plain else site.locale.number(value.strip())
        else:
            text = templates.mark(name, values, site)
    return text + _GAP


def _value(part: Part) -> str:
    return part.text.replace(_GAP, "").strip()


def _without_emphasis(text: str) -> str:
    return "\n".join(map(_without_quotes, text.split("\n"))).replace(_GAP, "")


def _without_quotes(line: str) -> str:
    """A line without the apostrophes that make it italic or bold.

    Of four, and of more than five, the first are text. Where bold and italic marks are both odd in number,
    one bold is an italic behind an apostrophe: that after a word of one letter, else after a longer word.
    """
    pieces = _QUOTES.split(line)
    if len(pieces) == 1:
        return line
    bold: list[int] = []
    both = italics = 0
    for index in range(1, len(pieces), 2):
        count = len(pieces[index])
        marks = 3 if count == 4 else min(count, 5)
        pieces[index - 1] += "'" * (count - marks)
        bold += [index] * (marks == 3)
        italics += marks == 2
        both += marks == 5
    if bold and (len(bold) + both) % 2 and (italics + both) % 2:
        pieces[min(bold, key=lambda index: _rank_of_apostrophe(pieces[index - 1])) - 1] += "'"
    return "".join(pieces[::2])


def _rank_of_apostrophe(before: str) -> int:
    if before.endswith(" "):
        return 2
    return 0 if before[-2:-1] == " " else 1


def _without_switch(switch: re.Match[str]) -> str:
    """Nothing for a behaviour switch, as __NOTOC__, in any language; `__init__` in a sentence stays."""
    name, text = switch[1], switch.string
    is_line = (
        text[max(switch.start() - 1, 0) : switch.start()] in "\n"
        and text[switch.end() : switch.end() + 1] in "\n"
    )
    return "" if is_line or name == name.upper() or name.lower() in _ENGLISH_SWITCHES else switch[0]


def _tidy(paragraph: str) -> str:
    text = " ".join(_ENTITY.sub(lambda entity: html.unescape(entity[0]), paragraph).split())
    is_wide = not text.isascii() and _WIDE_SIGN.search(text)
    for pattern, replacement in [*_TIDY, *_TIDY_WIDE] if is_wide else _TIDY:
        text = pattern.sub(replacement, text)
    return text.strip().lstrip(" ,;:")
