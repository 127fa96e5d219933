"""`python -m benchmarks wikitext`: wikitext to plain text, how right it is in six languages, and how fast.

On 100 sentences a language, the share whose text is what a reader sees. On adversarial pages of n to 4n
characters, seconds of processor time, and the ratios of neighbouring sizes: near 2 where the time is linear,
near 4 where it is quadratic.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.frame import BenchmarkSettings, Report, measure_seconds
from charbert.commands.settings import option
from data.wiki.sites import make_site
from data.wiki.wikitext import plain_text

# Each is repeated to a page: markup that is never closed, closed too often, or nested, and long runs.
# fmt: off
REPEATS = (
    "|", "|\n", "!|", "{{", "{|\n", "}}", "[[", "-{", "{{a|b=", "{{a}}", "{{a|b}}", "{{a|b}} c ", "{{{a}}",
    "{{a|[[b}}",
    "[[File:a.jpg|", "[http://a", "'", "''a'''b", "<", "<ref>", "<ref>a<ref/>", "<table></table>", "<nowiki>",
    "<!--",
    "<div a=", "&#1", "&amp;", "__A_", "= a\n", "=", ": ", "* ", " \n", "( ", " ,", ",;", "[[a|( )]]",
    "word.\n\n", "1",
)
# fmt: on
NESTS = (
    ("{{nowrap|", "}}"),
    ("{{a|", "}}"),
    ("[[a|", "]]"),
    ("{{{a|", "}}}"),
    ("{|\n", "\n|}\n"),
    ("<table>", "</table>"),
    ("-{", "}-"),
)
VALUES = ("{{convert|%s|km}}", "{{val|%s}}", "{{roman|%s}}", "{{formatnum:%s}}")


SENTENCES = 100


class Sentence(NamedTuple):
    """A small page, and the text that a reader sees; `parts` are the ones in question in it."""

    markup: str
    text: str
    parts: str


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


def make_sentences() -> dict[str, list[Sentence]]:
    """100 sentences by language, each of a pattern and two parts of `sentences.tsv`."""
    patterns: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    parts: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    lines = Path(__file__).with_name("sentences.tsv").read_text(encoding="utf-8").splitlines()
    for language, kind, markup, text in (line.split("\t") for line in lines[1:]):
        (patterns if kind == "sentence" else parts)[language].append((markup.replace("\\n", "\n"), text))
    sentences: dict[str, list[Sentence]] = {}
    for language, there in parts.items():
        sentences[language] = []
        for number in range(SENTENCES):
            pattern = patterns[language][number % len(patterns[language])]
            first = there[number % len(there)]
            second = there[(number + 1 + number // len(there)) % len(there)]
            markup, text = (
                whole.replace("~0", one).replace("~1", other)
                for whole, one, other in zip(pattern, first, second, strict=True)
            )
            sentences[language].append(Sentence(markup, text, f"{first[0]} {second[0]}"))
    return sentences


def find_wrong(language: str, sentences: list[Sentence]) -> list[Sentence]:
    """The sentences whose text is not what a reader sees."""
    site = make_site(language)
    return [sentence for sentence in sentences if plain_text(sentence.markup, site) != sentence.text]


def run(settings: WikitextSpeedSettings) -> None:
    report = Report(settings, "right sentences in percent, seconds of processor time")
    for language, sentences in make_sentences().items():
        wrong = find_wrong(language, sentences)
        right = 100 * (1 - len(wrong) / len(sentences))
        report.add("sentences", {"language": language, "sentences": len(sentences), "right": right})
        print("\n".join(f"    wrong: {sentence.parts}" for sentence in wrong))
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
