"""Unknown templates: what those in no table leave inside of a sentence, and how often each did.

Whether one stands in a sentence is known when all markup around it is gone. Until then its text is marked.
"""

import re
from collections import Counter
from collections.abc import Callable

from data.wiki.measures import Values
from data.wiki.sites import Site
from data.wiki.templates import render_unknown

# Number of the name, text, end. No text of a dump has these: XML cannot hold them.
_START, _TEXT, _END = "\x03\x04\x05"
MARKS = (_START, _TEXT, _END)
_MARKED = re.compile(f"{_START}([0-9]+){_TEXT}([^{_START}-{_END}]*){_END}")
_MARK = re.compile(f"{_START}[0-9]*{_TEXT}?|{_TEXT}|{_END}")
_LONGEST_NAME = 80
# Those of parser functions, and of templates that are named by another.
_NO_NAME = re.compile(rf"[#:{{}}\[\]<>\n{_START}-{_END}]")
_LETTER = re.compile(r"[^\W\d_]")
_NOT_BLANK = re.compile(r"\S")
# Lists, tables and headings are no sentences, and go.
_NO_SENTENCE = re.compile(r"[ \t:]*[*#;|!={]")
# Scripts that set no spaces between words: Thai to Tibetan, Burmese, Khmer, Chinese and Japanese.
_SPACELESS = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\U0003ffff"
# A note or a tag is attached to the word or the punctuation before it, a part of a sentence stands apart.
_ATTACHED = re.compile(rf"[^\W{_SPACELESS}]|[.,;:!?)\]»”\"{_END}]")
_ENDS_OF_SENTENCE = tuple(".!?。！？")
# At the beginning of a line, a block of its own is followed by the text at once.
_APART = re.compile(rf"[\s,.;:!?'’)/–—-]|[{_SPACELESS}]")


class UnknownTemplates:
    """The unknown templates of a page.

    Attributes:
        counts: how many of each name, as it is written in the page, have left their text in a sentence.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._names: list[str] = []

    def mark(self, name: str, values: Callable[[], Values], site: Site) -> str:
        """What a template leaves where it stands in a sentence, marked."""
        if len(name) > _LONGEST_NAME or _NO_NAME.search(name):
            return ""
        text = render_unknown(values(), site)
        if not text:
            return ""
        self._names.append(name)
        return f"{_START}{len(self._names) - 1}{_TEXT}{_MARK.sub('', text)}{_END}"

    def resolve(self, text: str) -> str:
        """Keep what is marked where it stands in a sentence, and count it; remove it elsewhere."""
        if not self._names:
            return text
        lines = text.split("\n")
        for index, line in enumerate(lines):
            if _START in line or _END in line:
                lines[index] = self._resolve_line(line)
        return "\n".join(lines)

    def _resolve_line(self, line: str) -> str:
        around = _MARKED.sub("", line)
        if _NO_SENTENCE.match(around) or not _LETTER.search(around):
            return _MARK.sub("", around)

        first, last = _NOT_BLANK.search(line), len(line.rstrip())

        def choose(marked: re.Match[str]) -> str:
            is_first = first is not None and first.start() == marked.start()
            if not _is_in_sentence(line, marked, is_first, is_last=marked.end() == last):
                return ""
            self.counts[self._names[int(marked[1])]] += 1
            return marked[2]

        return _MARK.sub("", _MARKED.sub(choose, line))


def _is_in_sentence(line: str, marked: re.Match[str], is_first: bool, is_last: bool) -> bool:
    """Whether what is marked is a part of the sentence around it, and no note, tag or block.

    `is_first` and `is_last` say whether the line begins and ends with it.
    """
    if is_first:
        return bool(_APART.match(line, marked.end()))
    if _ATTACHED.match(line, marked.start() - 1):
        return False
    return not is_last or not line[: marked.start()].rstrip().endswith(_ENDS_OF_SENTENCE)
