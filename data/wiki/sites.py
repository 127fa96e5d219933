"""What a wiki calls things: its language and the names of its namespaces, with their aliases."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from data.wiki.locales import Locale, find_locale, read_table

_ARTICLES = "0"
# Of media, files and categories: a link to one shows nothing in the text of a page.
_HIDDEN_KEYS = frozenset({"-2", "6", "14"})
# Every wiki knows these English names beside those of its own language.
_ENGLISH = {
    "-2": "media",
    "-1": "special",
    "2": "user",
    "4": "project",
    "6": "file",
    "8": "mediawiki",
    "10": "template",
    "12": "help",
    "14": "category",
}
_TALK = "talk"


class Site(NamedTuple):
    """A wiki.

    Attributes:
        language: the code of its language.
        locale: how it writes numbers and dates.
        hidden_namespaces: names, in lower case, of the namespaces to which a link shows nothing.
        other_namespaces: names of all namespaces but that of the articles.
    """

    language: str
    locale: Locale
    hidden_namespaces: frozenset[str]
    other_namespaces: frozenset[str]

    def is_article(self, title: str) -> bool:
        """Whether a page of this title is in the namespace of the articles."""
        prefix, colon, _ = title.partition(":")
        return not colon or namespace_name(prefix) not in self.other_namespaces


def make_site(language: str = "en", names: Mapping[str, str] | None = None) -> Site:
    """A wiki in this language, with the names of namespaces by their number, as a dump has them."""
    names = {key: namespace_name(name) for key, name in (names or {}).items()}
    aliases = filter(None, _languages().get(language.lower(), ("",))[0].split(", "))
    hidden = {"image", *aliases} | {
        name for table in (_ENGLISH, names) for key, name in table.items() if key in _HIDDEN_KEYS
    }
    english = {*_ENGLISH.values(), _TALK} | {f"{name} {_TALK}" for name in _ENGLISH.values()}
    others = {name for key, name in names.items() if key != _ARTICLES and name}
    return Site(language, find_locale(language), frozenset(hidden), frozenset(hidden | english | others))


def namespace_name(text: str) -> str:
    """The name of a namespace as names are compared: case, and blanks or underscores, do not count."""
    return " ".join(text.replace("_", " ").lower().split())


def is_language(prefix: str) -> bool:
    """Whether a link of this prefix leads to the same article in another language."""
    return prefix in _languages()


@cache
def _languages() -> dict[str, tuple[str, ...]]:
    return read_table("namespaces")


ENGLISH = make_site()
