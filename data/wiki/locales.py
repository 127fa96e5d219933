"""Locales: how a language writes numbers and dates, as "1.234,5" and "3. Mai 1999"."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

_PLAIN_NUMBER = re.compile(r"([-−+]?)(\d{1,30})(?:\.(\d+))?")
_CHARACTERS = {"space": "\u00a0", "none": ""}
_LAST_GROUP = 3  # digits
_MONTHS = 12


@cache
def read_table(name: str) -> dict[str, tuple[str, ...]]:
    """A table `NAME.tsv` of this folder, without its header: first column -> the other columns."""
    return {code: tuple(cells) for code, *cells in read_rows(name)[1:]}


@cache
def read_rows(name: str) -> list[list[str]]:
    """The rows of a table `NAME.tsv` of this folder, its header too."""
    lines = Path(__file__).with_name(f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines]


class Locale(NamedTuple):
    """What a language writes numbers and dates with; no months where they are numbers."""

    group: str = ","
    decimal: str = "."
    least_digits: int = 4
    """A whole number of fewer digits is not divided into groups."""
    group_size: int = 3
    """Digits of each group but the last, which has three."""
    formatnum: frozenset[str] = frozenset()
    """Names of the parser function besides "formatnum", in lower case."""
    day_pattern: str = "{year}-{number}-{day}"
    month_pattern: str = "{year}-{number}"
    first_day: str = "1"
    months: tuple[str, ...] = ()
    months_alone: tuple[str, ...] = ()
    """In a date without a day."""

    def is_formatnum(self, function: str) -> bool:
        """Whether a parser function of this name writes a number."""
        name = function.strip().lower()
        return name == "formatnum" or name in self.formatnum

    def number(self, text: str, is_grouped: bool = True) -> str:
        """A plain number, with a point before its decimals, as the language writes it; else the text."""
        plain = _PLAIN_NUMBER.fullmatch(text)
        if not plain:
            return text
        sign, digits, decimals = plain.groups()
        if is_grouped and len(digits) >= self.least_digits:
            digits = self._divide(str(int(digits)))
        return f"{sign}{digits}" if decimals is None else f"{sign}{digits}{self.decimal}{decimals}"

    def _divide(self, digits: str) -> str:
        groups, rest = [digits[-_LAST_GROUP:]], digits[:-_LAST_GROUP]
        while rest:
            groups.append(rest[-self.group_size :])
            rest = rest[: -self.group_size]
        return self.group.join(reversed(groups))

    def date(self, year: str, month: str, day: str = "") -> str | None:
        """A date in words, without its day where that is empty; None for what is no date.

        The month is a number, or its name, which is taken as it is.
        """
        month, day = month.lstrip("0"), day.lstrip("0")
        if not year.isdecimal() or not month or not re.fullmatch(r"|[1-9]|[12]\d|3[01]", day):
            return None
        name = month
        if month.isdecimal():
            if len(month) > 2 or int(month) > _MONTHS:
                return None
            months = self.months if day else self.months_alone
            name = months[int(month) - 1] if months else month
        return (self.day_pattern if day else self.month_pattern).format(
            year=year, month=name, number=name, day=self.first_day if day == "1" else day
        )


@cache
def find_locale(language: str) -> Locale:
    """The locale of a language; of one that is not known, MediaWiki's own separators and dates in numbers."""
    table = read_table("locales")
    cells = table.get(language) or table.get(language.partition("-")[0])
    if cells is None:
        return Locale()
    group, decimal, least_digits, size, names, day, month, first, months, alone = cells
    named = tuple(months.split(", ")) if months else ()
    return Locale(
        _CHARACTERS.get(group, group),
        decimal,
        int(least_digits),
        int(size),
        frozenset(filter(None, names.split(", "))),
        day or Locale().day_pattern,
        month or Locale().month_pattern,
        first or "1",
        named,
        tuple(alone.split(", ")) if alone else named,
    )
