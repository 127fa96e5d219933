"""Measures, units and numbers of Wikipedia's templates, as a reader sees them: "1,300 miles", "2.5 km²"."""

import re
from collections import defaultdict
from typing import Literal, NamedTuple

from data.wiki.locales import read_table
from data.wiki.sites import ENGLISH, Site

Style = Literal["symbol", "name", "adjective"]

# The values of a template by name, or by position from "1"; a missing one is the empty string.
Values = defaultdict[str, str]

_SUPERSCRIPTS = str.maketrans("0123456789+-−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ")
_AMOUNT = re.compile(r"([-−+]?\d+(?:[.,]\d+)?)(?![\d.,])")
_MIXED_FRACTION = re.compile(r"(?<!\d)(\d{1,9})\+(\d{1,9})/(\d{1,9})(?!\d)")
_RANGES = {
    "to": " to ",
    "to(-)": " to ",
    "to about": " to about ",
    "and": " and ",
    "and(-)": " and ",
    "or": " or ",
    "or(-)": " or ",
    "by": " by ",
    "x": " by ",
    "xx": " × ",
    "×": " × ",
    "*": " × ",
    "-": "–",
    "–": "–",
    "±": " ± ",
    "+/-": " ± ",
    "+": " + ",
    "/": " / ",
    ",": ", ",
    ", and": ", and ",
    ", or": ", or ",
}
_POWER_OF_TEN = re.compile(r"e(?:3|6|9|12)(?=[a-zA-Z])|[kMGT](?=oilbbl|cuft)")
_POWERS = {
    "e3": "thousand",
    "k": "thousand",
    "e6": "million",
    "M": "million",
    "e9": "billion",
    "G": "billion",
    "e12": "trillion",
    "T": "trillion",
}
_COMPOUND = {("ft", "in"), ("lb", "oz"), ("st", "lb"), ("mi", "ft"), ("mi", "yd"), ("yd", "ft"), ("m", "cm")}


class Unit(NamedTuple):
    """A unit of measure: its symbol, the name of one, the name of many."""

    symbol: str
    one: str
    many: str


def find_unit(code: str) -> Unit | None:
    """The unit that {{convert}} and {{val}} call by this code."""
    cells = read_table("units").get(code)
    return None if cells is None else Unit(*cells)


def quantity(amount: str, code: str, style: Style, is_one: bool = False, spelling: str = "") -> str:
    """An amount with its unit: "5 km", "5 kilometres" or "5-kilometre"; an unknown unit stays as it is.

    `is_one` asks for the name of one; the spelling is British unless it is "us".
    """
    power = _POWER_OF_TEN.match(code)
    if power and find_unit(code) is None:
        amount, code = f"{amount} {_POWERS[power[0]]}", code[power.end() :]
        is_one = False
    unit = find_unit(code) or Unit(code, code, code)
    if style == "symbol" or unit.one == unit.symbol:
        return f"{amount}{unit.symbol}" if unit.symbol.startswith("/") else f"{amount} {unit.symbol}".rstrip()
    name = unit.one if is_one or style == "adjective" else unit.many
    if spelling == "us":
        name = name.replace("metre", "meter").replace("litre", "liter")
    if style == "adjective":
        return f"{amount}-{name}".replace(" ", "-") if amount else name
    return f"{amount} {name}"


def superscript(number: str) -> str:
    return number.translate(_SUPERSCRIPTS)


def measure(values: Values, site: Site, argument: str = "") -> str:
    """What {{convert}} and, with an argument, {{cvt}} show before the brackets.

    The second unit is left out: what MediaWiki computes would need its table of factors and roundings. In
    other wikis than the English ones the symbols of units are shown, whose names are English here.
    """
    amounts, joins, position = [values["1"]], [], 2
    while (join := _RANGES.get(values[f"{position}"])) and values[f"{position + 1}"]:
        joins.append(join)
        amounts.append(values[f"{position + 1}"])
        position += 2
    shown = [_MIXED_FRACTION.sub(r"\1 \2/\3", amount) for amount in amounts]
    if values["comma"] != "off":
        shown = [site.locale.number(amount) for amount in shown]
    if site.language != ENGLISH.language:
        joins = ["–" if join.strip(" ,").isalpha() else join for join in joins]
    amount = shown[0] + "".join(join + value for join, value in zip(joins, shown[1:], strict=True))
    code, second, second_code = (values[f"{position + step}"] for step in range(3))
    abbreviated = values["abbr"] in {"on", "in"} or (bool(argument) and values["abbr"] not in {"out", "off"})
    abbreviated = abbreviated or site.language != ENGLISH.language
    style: Style = "symbol" if abbreviated else "adjective" if values["adj"] else "name"
    spelling = values["sp"]
    is_one = amounts == ["1"]
    text = quantity(amount, code, style, is_one, spelling)
    if (code, second_code) in _COMPOUND and re.fullmatch(r"[\d./+]+", second):
        text += " " + quantity(
            _MIXED_FRACTION.sub(r"\1 \2/\3", second), second_code, style, second == "1", spelling
        )
    elif values["adj"] == "mid":
        text += next(
            (value for value in values.values() if value.startswith("-") and value[1:2].isalpha()), ""
        )
    return text


def unit(values: Values, site: Site) -> str:
    """A number and its unit, each part of which may be followed by its exponent: 5|km, 10|m|s|-1, 20|km|2."""
    amount, *rest = [value for key, value in values.items() if key.isdecimal() and key != "0"] or [""]
    first = _AMOUNT.match(amount)
    # Decimals stand behind a comma too where the language has one.
    text = site.locale.number(first[1].replace(",", ".")) + amount[first.end() :] if first else amount
    parts: list[str] = []
    for value in filter(None, rest):
        if parts and re.fullmatch(r"[-−]?\d", value):
            parts[-1] += superscript(value)
        else:
            parts.append(value)
    return " ".join(filter(None, (text, "⋅".join(parts))))


def scientific(values: Values, site: Site) -> str:
    """What {{val}} shows: a number, its uncertainty, a power of ten and a unit."""
    text = site.locale.number(values["1"])
    if values["2"].startswith("("):
        text += values["2"]  # of the last digits: 1.234(56)
    elif values["2"]:
        above, below = values["2"].lstrip("+"), values["3"].lstrip("-−")
        text += f"+{above}−{below}" if below else f"±{values['2']}"
    if values["e"]:
        text = f"({text})" if "±" in text or "+" in text[1:] else text
        text += f"×10{superscript(values['e'])}"
    unit = values["u"] or values["ul"]
    if per := values["up"] or values["upl"]:
        unit += f"/{per}"
    unit = known.symbol if (known := find_unit(unit)) else unit
    return f"{values['p']}{text}{values['s']} {unit}".strip() if unit else f"{values['p']}{text}{values['s']}"


def fraction(values: Values) -> str:
    first, second, third = (values[key] for key in "123")
    if third:
        return f"{first} {second}/{third}"
    return f"{first}/{second}" if second else f"1/{first}"


def ordinal(values: Values) -> str:
    text = values["1"]
    endings = {"1": "st", "2": "nd", "3": "rd"}
    return text + ("th" if text[-2:-1] == "1" else endings.get(text[-1:], "th"))


def roman(values: Values) -> str:
    if not re.fullmatch(r"\d{1,4}", values["1"]) or not 0 < int(values["1"]) < 4000:
        return values["1"]
    rest, text = int(values["1"]), ""
    for value, numeral in (
        *((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L")),
        *((40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")),
    ):
        text += numeral * (rest // value)
        rest %= value
    return text


def percentage(values: Values) -> str:
    part, whole = (_float(values[key]) for key in "12")
    if part is None or not whole:
        return f"{values['1']}%"
    digits = values["3"] or values["decimals"]
    return f"{part / whole * 100:.{int(digits) if digits.isdecimal() and len(digits) == 1 else 0}f}%"


def density(values: Values) -> str:
    """What {{pop density}} shows before the brackets: people, then area and its unit."""
    people, area = (_float(values[key]) for key in "12")
    if people is None or not area:
        return ""
    digits = values["prec"] if values["prec"].isdecimal() and len(values["prec"]) == 1 else "0"
    return quantity(f"{people / area:,.{digits}f}", f"/{values['3']}", "symbol")


def _float(text: str) -> float | None:
    plain = text.replace(",", "")
    return float(plain) if re.fullmatch(r"-?\d{1,30}(?:\.\d{0,30})?", plain) else None
