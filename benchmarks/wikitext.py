"""Time of wikitext to plain text on adversarial pages of n, 2n and 4n characters.

    python benchmarks/wikitext.py [--characters N]

prints the seconds of processor time of each page, and the ratios of neighbouring sizes: near 2 where the time
is linear, near 4 where it is quadratic.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.frame import BenchmarkSettings, GrowingTable, parse_benchmark, write_json
from charbert.commands.settings import option
from charbert.errors import run_command
from data.wiki.sites import make_site
from data.wiki.wikitext import plain_text

# Each is repeated to a page: markup that is never closed, closed too often, or nested, and long runs.
REPEATS = (
    *(
        "|",
        "|\n",
        "!|",
        "{{",
        "{|\n",
        "}}",
        "[[",
        "-{",
        "{{a|b=",
        "{{a}}",
        "{{{a}}",
        "{{a|[[b}}",
        "[[File:a.jpg|",
    ),
    *(
        "[http://a",
        "'",
        "''a'''b",
        "<",
        "<ref>",
        "<ref>a<ref/>",
        "<table></table>",
        "<nowiki>",
        "<!--",
        "<div a=",
    ),
    *(
        "&#1",
        "&amp;",
        "__A_",
        "= a\n",
        "=",
        ": ",
        "* ",
        " \n",
        "( ",
        " ,",
        ",;",
        "[[a|( )]]",
        "word.\n\n",
        "1",
    ),
)
NESTS = (
    ("{{nowrap|", "}}"),
    ("[[a|", "]]"),
    ("{{{a|", "}}}"),
    ("{|\n", "\n|}\n"),
    ("<table>", "</table>"),
    ("-{", "}-"),
)
VALUES = ("{{convert|%s|km}}", "{{val|%s}}", "{{roman|%s}}", "{{formatnum:%s}}")


@dataclass(kw_only=True)
class WikitextSettings(BenchmarkSettings):
    """How much is read."""

    characters: int = option(250_000, "characters of the shortest page", minimum=1_000)


def make_pages(characters: int) -> dict[str, str]:
    """The adversarial pages of so many characters, each by what is repeated in it."""
    pages = {unit: unit * (characters // len(unit)) for unit in REPEATS}
    for start, end in NESTS:
        depth = characters // len(start + end)
        pages[f"{start} {end}"] = start * depth + "a" + end * depth
    for template in VALUES:
        pages[template] = template % ("1" * characters)
    return pages


def main(arguments: Sequence[str]) -> None:
    settings = parse_benchmark(WikitextSettings, arguments, __file__, __doc__)
    sizes = [settings.characters << doubled for doubled in range(3)]
    pages = [make_pages(size) for size in sizes]
    widest = max(map(len, map(repr, pages[0])))
    table = GrowingTable(
        ["repeated".ljust(widest), *(f"{size:,} ch, s" for size in sizes), "2n / n", "4n / 2n"]
    )
    numbers: dict[str, list[float]] = {}
    site = make_site("zh")
    for unit in pages[0]:
        seconds = []
        for sized in pages:
            started = time.process_time()
            plain_text(sized[unit], site)
            seconds.append(time.process_time() - started)
        ratios = [after / before for before, after in pairwise(seconds)]
        numbers[unit] = [*seconds, *ratios]
        table.add(
            repr(unit).ljust(widest),
            *(f"{second:.3f}" for second in seconds),
            *(f"{ratio:.2f}" for ratio in ratios),
        )
    write_json(settings.json, {"sizes": sizes, "seconds and ratios": numbers})


if __name__ == "__main__":
    sys.exit(run_command(main))
