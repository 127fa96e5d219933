"""`python -m benchmarks wikitext`: time of wikitext to plain text on adversarial pages of n to 4n characters.

Seconds of processor time, and the ratios of neighbouring sizes: near 2 where the time is linear, near 4 where
it is quadratic.
"""

from dataclasses import dataclass
from functools import partial

from benchmarks.frame import BenchmarkSettings, Report, measure_seconds
from charbert.commands.settings import option
from data.wiki.sites import make_site
from data.wiki.wikitext import plain_text

# Each is repeated to a page: markup that is never closed, closed too often, or nested, and long runs.
# fmt: off
REPEATS = (
    "|", "|\n", "!|", "{{", "{|\n", "}}", "[[", "-{", "{{a|b=", "{{a}}", "{{{a}}", "{{a|[[b}}",
    "[[File:a.jpg|", "[http://a", "'", "''a'''b", "<", "<ref>", "<ref>a<ref/>", "<table></table>", "<nowiki>",
    "<!--",
    "<div a=", "&#1", "&amp;", "__A_", "= a\n", "=", ": ", "* ", " \n", "( ", " ,", ",;", "[[a|( )]]",
    "word.\n\n", "1",
)
# fmt: on
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
class WikitextSpeedSettings(BenchmarkSettings):
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


def run(settings: WikitextSpeedSettings) -> None:
    report = Report(settings, "seconds of processor time")
    sizes = [settings.characters << doubled for doubled in range(3)]
    site = make_site("zh")
    pages = [make_pages(size) for size in sizes]
    for unit in pages[0]:
        seconds = [measure_seconds(partial(plain_text, sized[unit], site), rounds=1) for sized in pages]
        once, twice, four_times = seconds
        report.add(
            "wikitext",
            {
                "repeated": repr(unit),
                **{f"{size:,}": second for size, second in zip(sizes, seconds, strict=True)},
                "2n / n": twice / once,
                "4n / 2n": four_times / twice,
            },
        )
