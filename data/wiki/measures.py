"""Measures and numbers of Wikipedia's templates, as a reader sees them: "1,300 miles", "2.5 km²"."""

import re
from collections import defaultdict

from data.wiki.units import UNITS, Style, quantity

# The values of a template by name, or by position from "1"; a missing one is the empty string.
Values = defaultdict[str, str]

_SUPERSCRIPTS = str.maketrans("0123456789+-−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ")
_PLAIN_NUMBER = re.compile(r"([-−+]?)(\d{4,30})((?:\.\d+)?)")
_MIXED_FRACTION = re.compile(r"(\d+)\+(\d+)/(\d+)")
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
_COMPOUND = {("ft", "in"), ("lb", "oz"), ("st", "lb"), ("mi", "ft"), ("mi", "yd"), ("yd", "ft"), ("m", "cm")}


def superscript(number: str) -> str:
    return number.translate(_SUPERSCRIPTS)


def number(text: str) -> str:
    """A plain number with commas between the thousands; anything else as it stands."""
    plain = _PLAIN_NUMBER.fullmatch(text)
    return f"{plain[1]}{int(plain[2]):,}{plain[3]}" if plain else text


def measure(values: Values, abbreviated: bool = False) -> str:
    """What {{convert}} shows before the brackets.

    The second unit is left out: what MediaWiki computes would need its table of factors and roundings.
    """
    amounts, joins, position = [values["1"]], [], 2
    while (join := _RANGES.get(values[f"{position}"])) and values[f"{position + 1}"]:
        joins.append(join)
        amounts.append(values[f"{position + 1}"])
        position += 2
    shown = [_MIXED_FRACTION.sub(r"\1 \2/\3", amount) for amount in amounts]
    if values["comma"] != "off":
        shown = [number(amount) for amount in shown]
    amount = shown[0] + "".join(join + value for join, value in zip(joins, shown[1:], strict=True))
    code, second, second_code = (values[f"{position + step}"] for step in range(3))
    abbreviated = values["abbr"] in {"on", "in"} or (abbreviated and values["abbr"] not in {"out", "off"})
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


def scientific(values: Values) -> str:
    """What {{val}} shows: a number, its uncertainty, a power of ten and a unit."""
    text = number(values["1"])
    if values["2"]:
        text += f"±{values['2']}" if not values["3"] else f"+{values['2']}−{values['3'].lstrip('-−')}"
    if values["e"]:
        text = f"({text})" if values["2"] else text
        text += f"×10{superscript(values['e'])}"
    unit = values["u"] or values["ul"]
    if per := values["up"] or values["upl"]:
        unit += f"/{per}"
    unit = UNITS[unit].symbol if unit in UNITS else unit
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
    if not values["1"].isdecimal() or not 0 < int(values["1"]) < 4000:
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
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None
