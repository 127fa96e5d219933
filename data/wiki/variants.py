"""Variants of a script, as -{zh-hans:计算机; zh-hant:電腦}- in the Chinese Wikipedia: one of the texts."""

import re
from itertools import zip_longest

from data.wiki.sites import Site

# Languages whose wikis are written in several scripts or vocabularies.
_LANGUAGES = "ban crh gan iu kk ku mni sh shi sr tg tly ug uz wuu zgh zh".split()
_CODE = rf"(?:{'|'.join(_LANGUAGES)}|ike)(?:-[a-z]+)*"
_RULE = re.compile(rf"(?:^|;)\s*(?:[^;:]*=>\s*)?({_CODE})\s*:", re.IGNORECASE)
_FLAGS = re.compile(rf"\s*(?:[-+ADHNRSTW]|{_CODE})?(?:\s*;\s*{_CODE})*\s*", re.IGNORECASE)
# Rules of titles and for the rest of a page, a rule's description, the name of a language.
_HIDDEN_FLAGS = frozenset("-DHNT")
# Without a reader's choice, in the order of MediaWiki; elsewhere the first that is there.
_PREFERRED = ("zh-hans", "zh-hant", "zh-cn", "zh-tw", "zh-hk", "zh-sg", "zh-mo", "zh-my")


def choose_variant(content: str, site: Site) -> str:
    """The text that a reader sees for `-{content}-`, one variant of it.

    Where the wiki's language has no variants, content without rules stays as it is, in its brackets.
    """
    flags, bar, rest = content.partition("|")
    if bar and _FLAGS.fullmatch(flags):
        if flags.strip().upper() in _HIDDEN_FLAGS:
            return ""
    else:
        rest = content
    rules = list(_RULE.finditer(rest))
    texts: dict[str, str] = {}
    for rule, following in zip_longest(rules, rules[1:]):
        end = following.start() if following else len(rest)
        texts[rule[1].lower()] = rest[rule.end() : end].strip().rstrip(";")
    if texts:
        return next((texts[code] for code in _PREFERRED if code in texts), next(iter(texts.values())))
    return rest if site.language.partition("-")[0] in _LANGUAGES else f"-{{{content}}}-"
