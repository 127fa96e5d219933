"""Wikipedia templates that are part of a sentence, and the text that a reader sees for each."""

import calendar
import re
from collections.abc import Callable

from data.wiki.measures import (
    Values,
    density,
    fraction,
    measure,
    number,
    ordinal,
    percentage,
    read_table,
    roman,
    scientific,
    superscript,
)

_Renderer = Callable[[Values], str]
_MONTHS = dict(zip(map(str, range(1, 13)), calendar.month_name[1:], strict=True))
_INDIAN = {"c": "crore", "l": "lakh", "lc": "lakh crore", "b": "billion", "m": "million", "t": "trillion"}
_MUSIC = {"flat": "♭", "b": "♭", "sharp": "♯", "#": "♯", "natural": "♮"}
_SHIPS = "HMAS, HMCS, HMNZS, HMS, HNLMS, HSwMS, INS, MS, MV, ORP, RMS, SMS, SS, USAT, USCGC, USNS, USS"
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
_CURRENCIES = {
    "£": "£, gbp",
    "€": "€, eur, euro",
    "₹": "₹, inr",
    "¥": "¥, jpy, yen",
    "CN¥": "cny, rmb, cn¥",
    "₩": "₩, krw",
    "US$": "us$, usd",
    "A$": "a$, aud, au$",
    "C$": "c$, cad, ca$",
    "NZ$": "nz$, nzd",
    "₱": "₱, php",
    "₽": "₽, rub",
}


def render_template(name: str, values: Callable[[], Values]) -> str | None:
    """The text that a reader sees for a template, or None for one that is no part of a sentence.

    `name` is lower case with spaces; `values` are asked for only where they are needed.
    """
    if (in_sentence := _TEMPLATES.get(name)) is not None:
        return in_sentence(values())
    family, _, rest = name.replace("/", "-", 1).partition("-")
    if family == "lang" and rest:
        return label_language(rest, values(), 1)
    if family == "script" and rest:
        return values()["1"]
    return name if re.fullmatch(r"\d/\d", name) else None


def label_language(language: str, values: Values, first: int) -> str:
    """A word with the name of its language, as {{lang-xx}} and {{langx|xx}} show it."""
    (name,) = read_table("languages").get(language.partition("-")[0], ("",))
    label = "" if values["label"] == "none" else values["label"] or name
    romanised = values["translit"] or values[f"{first + 1}"]
    meaning = values["lit"] or values["translation"] or values[f"{first + 2}"]
    parts = [f"{label}: {values[f'{first}']}" if label else values[f"{first}"]]
    parts += [f"romanized: {romanised}"] * bool(romanised) + [f"lit. '{meaning}'"] * bool(meaning)
    return ", ".join(parts)


def _scripts(labels: dict[str, str]) -> _Renderer:
    def text(values: Values) -> str:
        parts = [f"{label}: {values[key]}" for key, label in labels.items() if values[key]]
        meaning = values["l"] or values["lit"]
        parts += [f"lit. '{meaning}'"] * bool(meaning)
        return "; ".join(parts) or values["1"]

    return text


def _nth(position: int) -> _Renderer:
    return lambda values: values[f"{position}"]


def _always(text: str) -> _Renderer:
    return lambda _: text


def _before(text: str) -> _Renderer:
    return lambda values: f"{text}{values['1']}" if values["1"] else ""


def _joined(values: Values, separator: str = "") -> str:
    return separator.join(value for key, value in values.items() if key.isdecimal() and value)


def _last(values: Values) -> str:
    return next((values[str(key)] for key in range(9, 0, -1) if values[str(key)]), "")


def _block(values: Values) -> str:
    return f"\n\n{values['1'] or values['text'] or values['quote']}\n\n"


def _date(values: Values, start: int = 1) -> str:
    year, month_number, day_number = (values[f"{start + step}"] for step in range(3))
    month, day = _MONTHS.get(month_number.lstrip("0")), day_number.lstrip("0")
    if month is None or not year.isdecimal():
        return year
    if not day:
        return f"{month} {year}"
    return f"{day} {month} {year}" if values["df"] else f"{month} {day}, {year}"


def _death_date_and_age(values: Values) -> str:
    age = _years(values, 4, 1)
    return f"{_date(values)} (aged {age})" if age else _date(values)


def _age(values: Values) -> str:
    # With one date, it is the age today, which no text of a dump says.
    return _years(values, 1, 4)


def _years(values: Values, start: int, end: int) -> str:
    dates = [[values[f"{first + step}"] for step in range(3)] for first in (start, end)]
    if not all(re.fullmatch(r"\d{1,4}", part) for date in dates for part in date):
        return ""
    (year, *birthday), (last_year, *day) = ([int(part) for part in date] for date in dates)
    return str(last_year - year - (day < birthday))


def _as_of(values: Values) -> str:
    if values["alt"]:
        return values["alt"]
    first = "since" if values["since"] else "as of"
    return f"{first if values['lc'] else first.capitalize()} {_date(values)}"


def _span(mark: str) -> _Renderer:
    return lambda values: f"{mark}{' – '.join(filter(None, (values['1'], values['2'])))}"


def _old_style_date(values: Values) -> str:
    return f"{values['1']} [O.S. {values['3']}] {values['2']}"


def _with_brackets(before: int, *inside: int) -> _Renderer:
    def text(values: Values) -> str:
        brackets = ", ".join(filter(None, (values[f"{position}"] for position in inside)))
        return f"{values[f'{before}']} ({brackets})" if brackets else values[f"{before}"]

    return text


def _ship(values: Values, prefix: str, first: int) -> str:
    name, hull, style = (values[f"{first + step}"] for step in range(3))
    whole = " ".join(filter(None, (prefix, name)))
    shown = {"1": hull, "2": name, "3": whole, "6": f"{name} ({hull})"}
    return shown.get(style) or (f"{whole} ({hull})" if hull else whole)


def _ship_of(prefix: str) -> _Renderer:
    return lambda values: _ship(values, prefix, 1)


def _interlanguage_link(values: Values) -> str:
    # The old order of the values: the language, the title there, the text.
    is_old = re.fullmatch(r"[a-z]{2,3}", values["1"]) and values["2"]
    return values["lt"] or ((values["3"] or values["2"]) if is_old else values["1"])


def _sic(values: Values) -> str:
    text = _joined(values)
    return text if values["hide"] or values["nolink"] == "hide" else f"{text} [sic]".strip()


def _track_gauge(values: Values) -> str:
    gauge = re.fullmatch(r"([\d.]+)\s*(mm)", values["1"])
    return f"{number(gauge[1])} {gauge[2]}" if gauge else values["1"]


def _height(values: Values) -> str:
    return f"{values['ft']} ft {values['in'] or 0} in" if values["ft"] else ""


def _sort_name(values: Values) -> str:
    return " ".join(filter(None, (values[key] for key in "12")))


def _bible(values: Values) -> str:
    return " ".join(filter(None, (values[key] for key in "123")))


# What a reader sees, and the names of the templates, redirects included, that show it.
_TABLE: list[tuple[_Renderer, str]] = [
    # What only looks different, or links.
    (
        _nth(1),
        """abbr, abbrlink, as written, b, big, bold, char, code, dfn, em, flag, flag country, flagcountry,
        flagu, format price, hebrew, huge, i, italic, kbd, key press, large, larger, longitem, math,
        mention, midsize, mono, mvar, nastaliq, nihongo foot, nihongo2, nobold, nobr, nobreak, noitalic,
        nowr, nowrap, nq, overline, polytonic, pre2, s, samp, sc, sc2, small, smallcaps, smaller,
        strike, strong, sub, term, tooltip, tt, u, underline, unicode, vanchor, var, visible anchor""",
    ),
    (_nth(2), "audio, color, colour, font color, lang, native name, rtl-lang, script, wikt-lang"),
    (_last, "font, resize, transl, transliteration"),
    (_joined, "chem, chem2, linktext, not a typo, proper name, typo"),
    (
        _block,
        "blockquote, bquote, center, centre, cquote, poemquote, pull quote, quotation, quote",
    ),
    (_interlanguage_link, "ill, ill2, illm, interlanguage link, link-interwiki"),
    (_sic, "sic"),
    # Numbers and measures.
    (measure, "convert"),
    (lambda values: measure(values, abbreviated=True), "cvt"),
    (scientific, "val"),
    (lambda values: number(values["1"]), "comma, formatnum, nts, num, number"),
    (lambda values: _joined(values, " "), "gaps"),
    (fraction, "frac, fracn, fract, fraction, sfrac, tfrac"),
    (ordinal, "nth, ord, ordinal"),
    (roman, "roman, roman numeral"),
    (percentage, "pct, percent, percentage"),
    (density, "pop density"),
    (_track_gauge, "rail gauge, railgauge, track gauge"),
    (_height, "height"),
    (lambda values: f"×10{superscript(values['1'])}", "e, x10^"),
    (lambda values: f"10{superscript(values['1'])}", "10^"),
    (lambda values: superscript(values["1"]), "sup"),
    (_before("√"), "radic, sqrt"),
    (_before("±"), "plusminus, pm, ±"),
    (lambda values: _MUSIC.get(values["1"], ""), "music"),
    (lambda values: f"U.S. Patent {number(values['1'])}", "us patent, uspatent"),
    (lambda values: f"₹{values['1']} {_INDIAN.get(values['2'], '')}".strip(), "inrconvert"),
    *((_before(sign), names) for sign, names in _CURRENCIES.items()),
    # Dates and ages.
    (
        _date,
        """birth date, birth date and age, birth-date, date, death date, death-date, dts, end date, film date,
        release date, start date, start date and age""",
    ),
    (_death_date_and_age, "dda, death date and age"),
    (_age, "age"),
    (_as_of, "as of"),
    (_old_style_date, "oldstyledate"),
    (_span("c. "), "c., ca, ca., circa"),
    (_span("fl. "), "fl., floruit"),
    (_span("r. "), "r., reign"),
    (_span("b. "), "b., born"),
    (_span("d. "), "d., died"),
    (lambda values: f"{values['1']} (m. {values['2']})" if values["2"] else values["1"], "marriage"),
    # Other languages and scripts; `render_template` knows {{lang-xx}}.
    (lambda values: label_language(values["1"], values, 2), "langx"),
    (_scripts(_CHINESE), "lang-zh, zh"),
    (_scripts(_KOREAN), "ko-hhrm, korean"),
    (_with_brackets(1, 2, 3), "nihongo"),
    (_with_brackets(3, 2, 1), "nihongo3"),
    (_with_brackets(2, 3, 1), "nihongo krt"),
    (lambda values: f"⟨{values['1']}⟩" if values["1"] else "", "angbr, angle bracket, grapheme"),
    (lambda values: f"‘{values['1']}’", "gloss"),
    (lambda values: f"lit. '{values['1']}'", "lit, lit., literally"),
    # Names.
    (_sort_name, "sortname"),
    (lambda values: values["2"] or values["1"], "sort"),
    *((_ship_of(prefix), prefix.lower()) for prefix in _SHIPS.split(", ")),
    (lambda values: _ship(values, values["1"], 2), "ship"),
    (lambda values: f"{values['1']}-class {values['2']}".strip(), "sclass, sclass2"),
    (_bible, "bibleref, bibleref2, bibleverse"),
    # Characters.
    (_always("–"), "en dash, ndash, –"),
    (_always("—"), "em dash, mdash, mdashb, —"),
    (_always(" – "), "dash, snd, sndash, snds, spaced en dash, spaced ndash, spnd, spndash"),
    (_always(" — "), "smdash, spaced em dash, spaced mdash"),
    (_always(" · "), "bull, bullet, dot, middot, ·, •"),
    (_always(" / "), "\\, slash"),
    (_always(" "), "hair space, hairsp, indent, nbsp, nnbsp, pad, sp, space, spaces, thin space, thinsp"),
    # As entities, which no pair of apostrophes around them is counted with.
    (_always("&#39;"), "', -', apostrophe"),
    (_always('&#39;"'), "' \", '\""),
    (_always('"&#39;'), "\" ', \"'"),
    (_always('"'), '-"'),
    (_always("&#39;s"), "'s"),
    (_always("×"), "times, ×"),
    (_always("π"), "pi"),
    (_always("°"), "deg, degree"),
    (_always("′"), "prime"),
    (_always("″"), "double prime, dprime"),
    (_always("−"), "minus"),
    (_always("+"), "plus"),
    (_always("="), "="),
    (_always("%"), "%"),
    (_always("..."), "..., ellipsis"),
    (_always("♭"), "flat"),
    (_always("♯"), "sharp"),
    (_always("ʻ"), "okina, ʻ, ‘okina, `okina"),
    (_always("ʾ"), "aleph, alif, hamza, hamzah"),
    (_always("ʿ"), "ain, ayin, ayn"),
    (_always("ꞌ"), "saltillo"),
    (_always("{|"), "(!"),
    (_always("|}"), "!)"),
    (_always("|-"), "!-"),
    (_always("||"), "!!"),
]
_TEMPLATES = {name.strip(): text for text, names in _TABLE for name in names.split(",")}
