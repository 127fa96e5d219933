"""`python -m benchmarks correction`: `charbert.correct` beside plain dictionary spell checkers.

Each list of misspellings is put into the same paragraphs of a clean text: a share of the words that it has
becomes one of their wrong forms, each word a few times at most. All see the same texts:

- `CharBERT`, and `CharBERT + NAME`, for which the words of that checker's dictionary are known words;
- `NAME`, the checker alone, and `NAME, no names`, which leaves words with a capital inside of a sentence.

A misspelled word is found if exactly it was flagged: precision, recall and F1. It is corrected if it became
what it was, in its letter case ("top 1"), or would have by one of the first five suggestions ("top 5"), in
percent of all misspelled words; "right" is in percent of the words replaced. "wrong before" and "after" are
the words of the text that are not what they were, per 1,000: as it was given, and corrected. "false alarms"
are the words flagged in the clean text, per 1,000, and "of names" those that look like names, per 1,000 that
do: of three letters or more, with a capital inside of a sentence. The speed is that of the clean text, for a
checker that of its first paragraphs; a checker is asked once about each different word.

With `--corrected` the text has errors of its own, and the other file has the same lines without them, token
by token: "mended" are the wrong tokens that became right, "right" all tokens that are right after, both in
percent, "broken" those that are right no longer, per 1,000.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.frame import DeviceSettings, Report
from benchmarks.misspelt import MisspeltText, misspell, read_aligned, read_half, read_lines
from benchmarks.spell_checkers import CHECKERS, WORDS
from charbert.commands.devices import find_device
from charbert.commands.paths import DATA, FILE, MODEL
from charbert.commands.settings import REQUIRED, option, positional
from charbert.correction.corrector import THRESHOLD, CorrectedWord, Corrector, replace_words
from charbert.correction.rule import SHORTEST, looks_like_a_name
from charbert.errors import CharBertError
from charbert.lm_heads import CharBertForPreTraining

SUGGESTIONS = 5
TIMED = 20  # paragraphs for which a checker's speed is measured: one takes seconds for each
Finder = Callable[[Sequence[str]], list[list[CorrectedWord]]]


@dataclass(kw_only=True)
class CorrectionSettings(DeviceSettings):
    text: str = positional("clean text, any that `python -m data` reads", DATA)
    model: str = option(REQUIRED, "output folder of pre-training", reads=MODEL)
    misspellings: list[str] = option([], "lists of misspellings")
    corrected: str | None = option(
        None,
        "in place of lists: the lines of the text, which has errors, corrected token by token",
        reads=FILE,
    )
    lines: int = option(500, "paragraphs, every other one of the text", minimum=1)
    rate: float = option(0.25, "share of the words with a wrong form that get one", minimum=0, maximum=1)
    uses: int = option(
        1, "times that a word is misspelt at most; with more, frequent words count more", minimum=1
    )
    seed: int = option(1, "of the misspellings")
    checkers: list[str] = option(
        list(CHECKERS), f"of {', '.join(CHECKERS)}, which must be installed", choices=CHECKERS
    )
    threshold: float = option(THRESHOLD, "of CharBERT")
    real_words: bool = option(False, "CharBERT judging words it knows, too")

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.misspellings) == bool(self.corrected):
            raise CharBertError("give either --misspellings or --corrected")


def run(given: CorrectionSettings) -> None:
    """Score and time all on each list."""
    device = find_device(given.device)
    if given.corrected:
        run_on_errors(given, given.corrected, device)
        return
    lines = read_lines(given.text, given.lines)
    lists = misspell_by_lists(lines, given)
    model = CharBertForPreTraining.from_pretrained(given.model).to(device)
    report = Report(given, f"{count_words(lines):,} words in {len(lines):,} lines of {given.text}")
    finders = make_finders(model, given)
    finders["CharBERT"](lines[:TIMED])  # what comes first on a device takes longer
    alarms, speeds = {}, {}
    for name, find in finders.items():
        found, speeds[name] = time_finder(find, lines)
        alarms[name] = count_alarms(lines, found)
    # Two rows share a checker and its answers: for its speed each needs one that has given none.
    for checker in given.checkers:
        for name in make_checkers(checker):
            speeds[name] = time_finder(make_checkers(checker)[name], lines[:TIMED])[1]
    for list_name, texts in lists.items():
        count = sum(len(each.meant) for each in texts)
        for name, find in finders.items():
            scores = score(texts, find([each.text for each in texts]))
            row = {"": name, **scores, **alarms[name], "words/s": speeds[name]}
            report.add(f"{list_name}: {count:,} words misspelled", row)


def run_on_errors(given: CorrectionSettings, corrected: str, device: torch.device) -> None:
    """Score and time all on a text with errors of its own."""
    lines, right = read_aligned(given.text, corrected)
    model = CharBertForPreTraining.from_pretrained(given.model).to(device)
    tokens = sum(map(len, right))
    report = Report(given, f"{tokens:,} tokens in {len(lines):,} lines of {given.text}")
    finders = make_finders(model, given)
    finders["CharBERT"](lines[:TIMED])  # what comes first on a device takes longer
    rows: dict[str, Finder] = {"none": lambda texts: [[] for _ in texts], **finders}
    for name, find in rows.items():
        found, speed = time_finder(find, lines)
        row = {"": name, **score_tokens(lines, right, found), "words/s": speed}
        report.add(f"{Path(given.text).name}: {tokens:,} tokens", row)


def score_tokens(
    lines: Sequence[str], right: Sequence[Sequence[str]], found: Sequence[list[CorrectedWord]]
) -> dict[str, float]:
    """What became of the tokens of some lines: mended and right in percent, broken per 1,000."""
    pairs = [
        (before == wanted, after == wanted)
        for line, wanted_ones, words in zip(lines, right, found, strict=True)
        for before, after, wanted in zip(
            line.split(), replace_words(line, words).text.split(), wanted_ones, strict=True
        )
    ]
    wrong = sum(not was_right for was_right, _ in pairs)
    return {
        "mended": 100 * pairs.count((False, True)) / max(wrong, 1),
        "right": 100 * sum(is_right for _, is_right in pairs) / len(pairs),
        "broken": 1000 * pairs.count((True, False)) / len(pairs),
    }


def misspell_by_lists(lines: Sequence[str], given: CorrectionSettings) -> dict[str, list[MisspeltText]]:
    """Paragraphs with misspellings of each list, by the name of its file.

    Raises:
        CharBertError: a list cannot be read or used, two have one name, or none misspells a word of the text.
    """
    made: dict[str, list[MisspeltText]] = {}
    for path in given.misspellings:
        if Path(path).name in made:
            raise CharBertError(f"{path}: a second list of this name; rename one of them")
        made[Path(path).name] = misspell(lines, read_half(path), given.rate, given.uses, given.seed)
    if not any(each.meant for texts in made.values() for each in texts):
        raise CharBertError(f"{given.text}: no word of it was misspelt; give more --lines or a higher --rate")
    return made


def make_finders(model: CharBertForPreTraining, given: CorrectionSettings) -> dict[str, Finder]:
    """All that find and correct words, by the name of their row."""

    def use(corrector: Corrector) -> Finder:
        return lambda texts: [
            each.words for each in corrector(texts, top_k=SUGGESTIONS, threshold=given.threshold)
        ]

    finders = {"CharBERT": use(Corrector(model))}
    if given.real_words:
        finders["CharBERT, real words too"] = use(Corrector(model, real_words=True))
    for name in given.checkers:
        finders[f"CharBERT + {name}"] = use(Corrector(model, known=CHECKERS[name]().words))
    for name in given.checkers:
        finders |= make_checkers(name)
    return finders


def make_checkers(name: str) -> dict[str, Finder]:
    """A checker with names and without, by the name of the row."""
    checker = CHECKERS[name]()
    return {
        name: lambda texts: [checker.find_wrong(text) for text in texts],
        f"{name}, no names": lambda texts: [checker.find_wrong(text, leave_names=True) for text in texts],
    }


def score(texts: Sequence[MisspeltText], found: Sequence[Sequence[CorrectedWord]]) -> dict[str, float]:
    """What was found in some texts, and what of it was right: in percent; wrong words per 1,000."""
    # What was meant by each flagged word (None: it was right), and the word with what is suggested for it.
    flagged = [
        (each.meant.get((word.start, word.end)), word)
        for each, words in zip(texts, found, strict=True)
        for word in words
    ]
    misspelt = sum(len(each.meant) for each in texts)
    hits = sum(meant is not None for meant, _ in flagged)
    first = sum(word.correction == meant for meant, word in flagged)
    among = sum(
        meant in [suggestion.word for suggestion in word.suggestions[:SUGGESTIONS]] for meant, word in flagged
    )
    replaced = [meant for meant, word in flagged if word.correction != word.word]
    precision, recall = hits / max(len(flagged), 1), hits / max(misspelt, 1)
    per_thousand = 1000 / count_words([each.text for each in texts])
    return {
        "precision": 100 * precision,
        "recall": 100 * recall,
        "F1": 200 * precision * recall / max(precision + recall, 1e-9),
        "top 1": 100 * first / max(misspelt, 1),
        "top 5": 100 * among / max(misspelt, 1),
        "right": 100 * first / max(len(replaced), 1),
        "wrong before": per_thousand * misspelt,
        "wrong after": per_thousand * (misspelt - first + replaced.count(None)),
    }


def count_alarms(lines: Sequence[str], found: Sequence[Sequence[CorrectedWord]]) -> dict[str, float]:
    """What was found in lines that are right: per 1,000 words, and per 1,000 that look like names."""
    names = {
        (number, *match.span())
        for number, line in enumerate(lines)
        for match in WORDS.finditer(line)
        if len(match[0]) >= SHORTEST and looks_like_a_name(line, *match.span())
    }
    flagged = [(number, word.start, word.end) for number, words in enumerate(found) for word in words]
    return {
        "false alarms": 1000 * len(flagged) / count_words(lines),
        "of names": 1000 * len(names.intersection(flagged)) / max(len(names), 1),
    }


def time_finder(find: Finder, texts: Sequence[str]) -> tuple[list[list[CorrectedWord]], float]:
    """What is found, and words a second."""
    started = time.perf_counter()
    found = find(texts)
    return found, count_words(texts) / (time.perf_counter() - started)


def count_words(texts: Sequence[str]) -> int:
    return sum(len(text.split()) for text in texts)
