"""Wikipedia templates that are part of a sentence, and the text that a reader sees for each.

A row of `templates.tsv` says what templates show in the wikis of a language, or of all ("*"):

- a pattern: `{1} km` has the first value, `{texte|1}` the first of two that is there, `{0}` the template's
  name, `{#1}` a number as the language writes it, `{,1}` one without groups, `{^1}` a superscript; what is
  between `<` and `>` is shown where all of its values are there. A pattern without any value shows nothing.
- `=function`, one of `_FUNCTIONS`, which may be given an argument: `=ship USS`.
- nothing, for templates that are no part of the sentence.

Names are in lower case; one between slashes is an expression, for names that are in no row.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache, partial

from data.wiki import measures
from data.wiki.locales import read_rows, read_table
from data.wiki.measures import Values
from data.wiki.sites import ENGLISH, Site, is_language

TABLE = "data/wiki/templates.tsv"
_Renderer = Callable[[Values, Site], str]
_EVERY_LANGUAGE = "*"
_FIELD = re.compile(r"\{([#,^]?)([\w|.-]+)\}")
_OPTIONAL = re.compile(r"<([^<>]*)>")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
# No text of a sentence: an address, a file, lines of a block.
_NO_WORDS = re.compile(
    r"(?:[a-z]+:)?//|www\.|[^\n]*\.(?:apng|flac|gif|jpe?g|mid|mp3|og[agvx]|opus|pdf|png|svg|tiff?|wav|web[mp])\Z"
    r"|.*\n",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\d{3,4}")
_ISO_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_INDIAN = {"c": "crore", "l": "lakh", "lc": "lakh crore", "b": "billion", "m": "million", "t": "trillion"}
_MUSIC = {"flat": "♭", "b": "♭", "sharp": "♯", "#": "♯", "natural": "♮"}
_CHINESE = {
    "s": "simplified Chinese",
    "t": "traditional Chinese",
    "c": "Chinese",
    "p": "pinyin",
    "w": "Wade–Giles",
    "j": "Jyutping",
    "cy": "Cantonese Yale",
    "poj": "Pe̍h-ōe-jī",
}
_KOREAN = {"hangul": "Korean", "hanja": "Hanja", "rr": "RR", "mr": "MR"}


def render_template(name: str, values: Callable[[], Values], site: Site) -> str | None:
    """The text that a reader sees for a template, or None for one that is not known.

    `name` is as it is written, with spaces; `values` are asked for only where they are needed.
    """
    renderer = _find_renderer(site.language.partition("-")[0], name.lower())
    if renderer is None:
        return None
    return "" if renderer is _nothing else renderer(values(), site)


def render_unknown(values: Values, site: Site) -> str:
    """What a template that is not known leaves in a sentence: its first value, if that is text.

    Of a language and a word of it, it leaves the word; of three numbers that are a date, the date.
    """
    first, second = values["1"], values["2"]
    if second and is_language(first) and _LETTER_OR_DIGIT.search(second):
        first = second
    if not _LETTER_OR_DIGIT.search(first) or _NO_WORDS.match(first):
        return ""
    date = _date_parts(values, 1)
    if all(part.isdecimal() for part in date) and _YEAR.fullmatch(date[0]):
        return site.locale.date(*date) or first
    return first


@lru_cache(1 << 16)
def _find_renderer(language: str, name: str) -> _Renderer | None:
    named, expressions = _renderers(language)
    if (found := named.get(name)) is not None:
        return found
    return next((renderer for pattern, renderer in expressions if pattern.fullmatch(name)), None)


@cache
def _renderers(language: str) -> tuple[dict[str, _Renderer], list[tuple[re.Pattern[str], _Renderer]]]:
    """The templates of a language's wikis by name, and by expression; its own come before those of all."""
    named: dict[str, _Renderer] = {}
    expressions: list[tuple[re.Pattern[str], _Renderer]] = []
    rows = read_rows("templates")[1:]
    for key in (language, _EVERY_LANGUAGE):
        for row_language, shown, names in rows:
            if row_language != key:
                continue
            renderer = _make_renderer(shown)
            is_expression = {name: len(name) > 2 and name[0] == name[-1] == "/" for name in names.split(", ")}
            for name in is_expression:
                named.setdefault(name, renderer)
            if patterns := [name[1:-1] for name, is_one in is_expression.items() if is_one]:
                expressions.append((re.compile("|".join(patterns)), renderer))
    return named, expressions


def _make_renderer(shown: str) -> _Renderer:
    if not shown:
        return _nothing
    if shown != "=" and shown[0] == "=":
        function, _, argument = shown[1:].partition(" ")
        return partial(_FUNCTIONS[function], argument=argument) if argument else _FUNCTIONS[function]
    if not _FIELD.search(shown):
        return lambda _values, _site: shown
    if field := re.fullmatch(r"\{(\w+)\}", shown):
        key = field[1]
        return lambda values, _site: values[key]
    return partial(_fill, shown)


def _fill(pattern: str, values: Values, site: Site) -> str:
    filled = 0

    def field(match: re.Match[str]) -> str:
        nonlocal filled
        text = next((values[key] for key in match[2].split("|") if values[key]), "")
        filled += bool(text)
        if match[1] in ("#", ","):
            return site.locale.number(text, is_grouped=match[1] == "#")
        return measures.superscript(text) if match[1] == "^" else text

    def optional(part: str) -> str:
        before, count = filled, len(_FIELD.findall(part))
        text = _FIELD.sub(field, part)
        return text if filled == before + count else ""

    parts = _OPTIONAL.split(pattern)  # every second one is optional
    texts = [optional(part) if number % 2 else _FIELD.sub(field, part) for number, part in enumerate(parts)]
    needs_value = any(map(_FIELD.search, parts[::2]))
    return "".join(texts).strip() if filled or not needs_value else ""


def _nothing(_values: Values, _site: Site) -> str:
    return ""


def _label_language(values: Values, site: Site, argument: str = "") -> str:
    """A word with the name of its language, as {{lang-xx}} and, with an argument, {{langx|xx}} show it."""
    first = 2 if argument else 1
    code = values["1"] if argument else values["0"].lower().removeprefix("lang-")
    label, word = values["label"] or _language_name(code, site.language), values[f"{first}"]
    if label and label != "none":
        word = _language_name(_EVERY_LANGUAGE, site.language).format(label, word)
    romanised = values["translit"] or values[f"{first + 1}"]
    meaning = values["lit"] or values["translation"] or values[f"{first + 2}"]
    is_english = site.language == ENGLISH.language
    parts = [word] + [f"romanized: {romanised}" if is_english else romanised] * bool(romanised)
    parts += [f"lit. '{meaning}'" if is_english else meaning] * bool(meaning)
    return ", ".join(parts)


def _language_name(code: str, language: str) -> str:
    """The name of a language in another, or nothing; of "*", a pattern for the name and a word."""
    columns = read_rows("languages")[0][1:]
    names = read_table("languages").get(code.partition("-")[0])
    if names is None or language not in columns:
        return "{}: {}" if code == _EVERY_LANGUAGE else ""
    return names[columns.index(language)]


def _scripts(labels: dict[str, str]) -> _Renderer:
    def text(values: Values, _site: Site) -> str:
        parts = [f"{label}: {values[key]}" for key, label in labels.items() if values[key]]
        meaning = values["l"] or values["lit"]
        parts += [f"lit. '{meaning}'"] * bool(meaning)
        return "; ".join(parts) or values["1"]

    return text


def _join(values: Values, _site: Site, argument: str = "") -> str:
    return " ".join(_positional(values)) if argument else "".join(_positional(values))


def _positional(values: Values) -> list[str]:
    return [value for key, value in values.items() if key.isdecimal() and key != "0" and value]


def _last(values: Values, _site: Site) -> str:
    return next((values[str(key)] for key in range(9, 0, -1) if values[str(key)]), "")


def _block(values: Values, _site: Site) -> str:
    return f"\n\n{values['1'] or values['text'] or values['quote']}\n\n"


def _date(values: Values, site: Site, argument: str = "1") -> str:
    """A date of three values from the one of this number on."""
    start, locale = int(argument), site.locale
    year, month, day = _date_parts(values, start)
    if values["df"] and day and (written := locale.date(year, month)):
        return f"{day.lstrip('0')} {written}"
    if written := locale.date(year, month, day):
        return written
    # What is no whole date, such as a day and the name of its month; of numbers only the first.
    first, *others = (values[f"{start + step}"] for step in range(3))
    text = first if others[0].isdecimal() else " ".join(filter(None, (first, *others)))
    return re.sub(r"^1(?= [^\W\d])", locale.first_day, text)


def _date_parts(values: Values, start: int) -> list[str]:
    """Year, month and day, which a template may also have in the other order, or in one value."""
    parts = [values[f"{start + step}"] for step in range(3)]
    if iso := _ISO_DATE.fullmatch(parts[0]):
        return list(iso.groups())
    if _YEAR.fullmatch(parts[0]):
        return parts
    if _YEAR.fullmatch(parts[1]) and not parts[2]:
        return [parts[1], parts[0], ""]
    return parts[::-1] if _YEAR.fullmatch(parts[2]) else parts


def _death_date_and_age(values: Values, site: Site) -> str:
    age = _years(values, 4, 1)
    return f"{_date(values, site)} (aged {age})" if age else _date(values, site)


def _age(values: Values, _site: Site) -> str:
    # With one date, it is the age today, which no text of a dump says.
    return _years(values, 1, 4)


def _years(values: Values, start: int, end: int) -> str:
    dates = [_date_parts(values, first) for first in (start, end)]
    if not all(re.fullmatch(r"\d{1,4}", part) for date in dates for part in date):
        return ""
    (year, *birthday), (last_year, *day) = ([int(part) for part in date] for date in dates)
    return str(last_year - year - (day < birthday))


def _as_of(values: Values, site: Site) -> str:
    if values["alt"]:
        return values["alt"]
    first = "since" if values["since"] else "as of"
    return f"{first if values['lc'] else first.capitalize()} {_date(values, site)}"


def _old_style_date(values: Values, _site: Site) -> str:
    """A date in both calendars as Russian has it: "8 (19) ноября 1711", "25 апреля (7 мая) 1840"."""
    day, _, month = values["1"].partition(" ")
    if values["3"].isdecimal():
        return f"{values['3']} ({day}) {month} {values['2']}"
    return f"{values['3']} ({values['1']}) {values['2']}" if values["3"] else f"{values['1']} {values['2']}"


def _choose(values: Values, site: Site, argument: str) -> str:
    """A pattern by a value, the last by any: `=choose 2 AT:{1} m ü. A.; CH:{1} m ü. M.; :{1} m`."""
    keys, _, choices = argument.partition(" ")
    patterns = dict(choice.split(":", 1) for choice in choices.split("; "))
    chosen = "+".join(values[key] for key in keys.split("+"))
    return _fill(patterns.get(chosen, patterns[""]), values, site)


def _span(values: Values, _site: Site, argument: str) -> str:
    return f"{argument} {' – '.join(filter(None, (values['1'], values['2'])))}"


def _in_brackets(values: Values, _site: Site, argument: str) -> str:
    """The first of some values, and the others, if any, in brackets: `=brackets 1 2 3`."""
    before, *inside = (values[key] for key in argument.split())
    brackets = ", ".join(filter(None, inside))
    return f"{before} ({brackets})" if brackets else before


def _ship(values: Values, _site: Site, argument: str = "") -> str:
    first = 1 if argument else 2
    prefix = argument or values["1"]
    name, hull, style = (values[f"{first + step}"] for step in range(3))
    whole = " ".join(filter(None, (prefix, name)))
    shown = {"1": hull, "2": name, "3": whole, "6": f"{name} ({hull})"}
    return shown.get(style) or (f"{whole} ({hull})" if hull else whole)


def _interlanguage_link(values: Values, _site: Site) -> str:
    # The old order of the values: the language, the title there, the text.
    is_old = re.fullmatch(r"[a-z]{2,3}", values["1"]) and values["2"]
    return values["lt"] or ((values["3"] or values["2"]) if is_old else values["1"])


def _sic(values: Values, site: Site) -> str:
    text = _join(values, site)
    return text if values["hide"] or values["nolink"] == "hide" else f"{text} [sic]".strip()


def _track_gauge(values: Values, site: Site) -> str:
    gauge = re.fullmatch(r"([\d.]+)\s*(mm)", values["1"])
    return f"{site.locale.number(gauge[1])} {gauge[2]}" if gauge else values["1"]


def _crore(values: Values, _site: Site) -> str:
    return f"₹{values['1']} {_INDIAN.get(values['2'], '')}".strip()


_FUNCTIONS: dict[str, Callable[..., str]] = {
    "age": _age,
    "asof": _as_of,
    "block": _block,
    "brackets": _in_brackets,
    "choose": _choose,
    "chinese": _scripts(_CHINESE),
    "crore": _crore,
    "date": _date,
    "death": _death_date_and_age,
    "density": lambda values, _site: measures.density(values),
    "fraction": lambda values, _site: measures.fraction(values),
    "gauge": _track_gauge,
    "join": _join,
    "korean": _scripts(_KOREAN),
    "language": _label_language,
    "last": _last,
    "link": _interlanguage_link,
    "measure": measures.measure,
    "oldstyle": _old_style_date,
    "music": lambda values, _site: _MUSIC.get(values["1"], ""),
    "ordinal": lambda values, _site: measures.ordinal(values),
    "percent": lambda values, _site: measures.percentage(values),
    "roman": lambda values, _site: measures.roman(values),
    "scientific": measures.scientific,
    "ship": _ship,
    "sic": _sic,
    "span": _span,
    "unit": measures.unit,
}
