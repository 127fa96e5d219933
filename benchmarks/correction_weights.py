"""The weights of the correction's rule (`charbert.correction.rule.Weights`), fitted to a model.

    python benchmarks/correction_weights.py TEXT --model DIR --misspellings FILE... [--json FILE]

The lists are put into the paragraphs as by `benchmarks/correction.py`, with the same arguments, but into the
paragraphs that it passes over, and with the words of the lists that it leaves right. Every word that is
judged asks two questions: is it a misspelling, and what was meant? The weights are those under which the
right answers are likeliest, found on every other text; the loss, in nats a word, is that of the rest, beside
that of the weights in use. `seen` is found last, from words of the vocabulary in place of others, in some of
the texts.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from benchmarks.misspelt import (
    FITTED,
    MisspeltText,
    add_misspelling_options,
    clean_lines,
    misspelt_lists,
)
from benchmarks.report import table, write_json
from benchmarks.timing import add_common_options, device_of
from charbert.commands.progress import at_least
from charbert.correction.reader import WordReader, WordSpan
from charbert.correction.rule import Rule, Weights, log_ranks, looks_like_a_name
from charbert.errors import CharBertError, run_command
from charbert.lm_heads import CharBertForPreTraining

OF_UNSEEN = ("head", "sure", "rank", "edit", "unseen", "letter", "name")
FEWEST = 20
"""Misspelled words to fit on, and as many to see what it gave."""
CONSIDERED = 64
"""Of the words that a word may have been meant for, those that weigh most."""


class JudgedWord(NamedTuple):
    """A word as the rule sees it, with K words that it may have been meant for."""

    scores: torch.Tensor
    """(K,) their log-probabilities."""
    distances: torch.Tensor
    """(K,) their distances from it."""
    log_ranks: torch.Tensor
    """(K,) what their places in the vocabulary tell."""
    own_score: float
    """Its own log-probability."""
    own_log_rank: float
    is_seen: bool
    """Whether it is in the vocabulary."""
    letters: int
    is_name: bool
    is_wrong: bool
    meant: int
    """The number of the right word among the K, or -1."""


def main(arguments: Sequence[str]) -> None:
    given = _options().parse_args(arguments)
    device = device_of(given.device)
    lists = misspelt_lists(clean_lines(given.text, given.lines, FITTED), FITTED, given)
    texts = [text for each in lists.values() for text in each]
    reader = WordReader(CharBertForPreTraining.from_pretrained(given.model).to(device))
    in_use = Weights()
    ours, rest = (list(judged(reader, texts[part::2], real_words=False)) for part in range(2))
    if min(sum(word.meant >= 0 for word in part) for part in (ours, rest)) < FEWEST:
        raise CharBertError(
            f"{given.text}: fewer than {2 * FEWEST} words are misspelled that the model can restore; give "
            "more --lines or longer lists"
        )
    weights = fitted(in_use, ours, OF_UNSEEN)
    real = [word for word in judged(reader, texts[:: given.every], real_words=True) if word.is_seen]
    weights = fitted(weights, real, ("seen",))
    of_rest = Likelihood(rest)
    columns = [{**asdict(each), "loss": float(of_rest.loss(asdict(each)))} for each in (in_use, weights)]
    rows = [(name, f"{value:.3f}", f"{columns[1][name]:.3f}") for name, value in columns[0].items()]
    print(
        f"{len(ours) + len(rest):,} words unseen, {sum(word.is_wrong for word in ours + rest):,} misspelled"
    )
    print(table([("", "in use", "fitted"), *rows]))
    if given.json:
        write_json(given.json, {"in use": columns[0], "fitted": columns[1], "settings": vars(given)})


def judged(reader: WordReader, texts: Sequence[MisspeltText], real_words: bool) -> Iterator[JudgedWord]:
    """The words of some texts that are judged, in no certain order."""
    rule = Rule(reader.words, real_words=real_words)

    def surface(place: WordSpan) -> str:
        return reader.normalize(texts[place.text].text[place.start : place.end])

    def is_suspect(place: WordSpan) -> bool:
        return rule.is_suspect(texts[place.text].text, place.start, place.end, surface(place))

    for place, scores in reader.score_words([each.text for each in texts], is_suspect):
        text, meant = texts[place.text]
        word, right = surface(place), meant.get((place.start, place.end))
        own, (ids, distances) = reader.words.id(word), rule.find_candidates(word)
        best = (scores[ids] - 4 * distances).argsort()[::-1][:CONSIDERED]
        if not len(best):
            continue
        candidates = [reader.words[number] for number in ids[best].tolist()]
        wanted = "" if right is None else reader.normalize(right)
        yield JudgedWord(
            scores=torch.from_numpy(scores[ids[best]]),
            distances=torch.from_numpy(distances[best]).float(),
            log_ranks=torch.from_numpy(log_ranks(ids[best])),
            own_score=float(scores[own]),
            own_log_rank=float(log_ranks(own)),
            is_seen=word in reader.words,
            letters=len(word),
            is_name=looks_like_a_name(text, place.start, place.end),
            is_wrong=right is not None,
            meant=candidates.index(wanted) if wanted in candidates else -1,
        )


class Likelihood:
    """How likely weights find the truth about W words."""

    def __init__(self, words: Sequence[JudgedWord]) -> None:
        self._scores = pad_sequence([word.scores for word in words], batch_first=True, padding_value=-1e9)
        self._distances = pad_sequence([word.distances for word in words], batch_first=True)
        self._meant = torch.tensor([word.meant for word in words])
        self._log_ranks = pad_sequence([word.log_ranks for word in words], batch_first=True)
        self._own_score = torch.tensor([word.own_score for word in words])
        self._own_log_rank = torch.tensor([word.own_log_rank for word in words])
        self._is_seen = torch.tensor([word.is_seen for word in words])
        self._letters = torch.tensor([word.letters for word in words])
        self._is_name = torch.tensor([word.is_name for word in words])
        self._is_wrong = torch.tensor([word.is_wrong for word in words], dtype=torch.float)

    def loss(self, weights: Mapping[str, Any]) -> torch.Tensor:
        """The mean negative log-likelihood of what is a misspelling, and of what was meant by it."""

        def weighed_by(scores: torch.Tensor, log_ranks: torch.Tensor) -> torch.Tensor:
            return weights["head"] * scores + weights["sure"] * scores.exp() - weights["rank"] * log_ranks

        weighed = weighed_by(self._scores, self._log_ranks) - weights["edit"] * self._distances
        seen = weights["seen"] + weighed_by(self._own_score, self._own_log_rank)
        unseen = weights["unseen"] - weights["letter"] * self._letters
        kept = torch.where(self._is_seen, seen, unseen) + weights["name"] * self._is_name
        detection = F.binary_cross_entropy_with_logits(weighed.logsumexp(1) - kept, self._is_wrong)
        known = self._meant >= 0
        return detection + F.cross_entropy(weighed[known], self._meant[known], reduction="sum") / len(kept)


def fitted(weights: Weights, words: Sequence[JudgedWord], free: Sequence[str]) -> Weights:
    """The weights, of which those that are free are such that the truth is likeliest."""
    found = {name: torch.tensor(value, requires_grad=name in free) for name, value in asdict(weights).items()}
    likelihood = Likelihood(words)
    optimizer = torch.optim.LBFGS([found[name] for name in free], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimizer.zero_grad()
        loss = likelihood.loss(found)
        loss.backward()
        return float(loss.detach())

    optimizer.step(closure)
    return replace(weights, **{name: float(found[name].detach()) for name in free})


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python benchmarks/correction_weights.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_misspelling_options(parser)
    parser.add_argument(
        "--every",
        type=at_least(1),
        default=10,
        metavar="N",
        help="find `seen` from every Nth text (default: %(default)s)",
    )
    add_common_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
