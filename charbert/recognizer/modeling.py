"""`WordRecognizer`: a semi-character RNN that corrects misspelled words before another model reads them.

The network is that of Sakaguchi et al. (AAAI 2017), as a defence against typos of Pruthi et al. (ACL 2019).
"""

from collections.abc import Sequence
from os import PathLike
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import TokenClassifierOutput

from charbert.checkpoints import read_config
from charbert.errors import CharBertError, reading
from charbert.loading import HUB_OPTIONS, refuse_partial, without_report
from charbert.losses import mean_cross_entropy, score_labelled
from charbert.ragged import cumulative_offsets, span_indices
from charbert.recognizer.reading import (
    LetterBags,
    Units,
    make_inputs,
    match_case,
    sentence_lengths,
    split_units,
)
from charbert.vocabulary import UNKNOWN, Vocabulary

UNKNOWN_WORDS = ("pass", "neutral", "backoff")
NEUTRAL = "a"
SCORED_AT_ONCE = 1024  # words, each against the whole vocabulary


class WordRecognizerConfig(PreTrainedConfig):
    """Configuration of a word recogniser.

    Args:
        words: the words that it knows, in small letters, `<unk>` last.
        characters: those with numbers of their own; all others share one.
        embedding_size: width of a word's semi-characters after a linear map.
        hidden_size: units of the LSTM in each direction.
        num_hidden_layers: layers of the LSTM.
    """

    model_type = "charbert-word-recognizer"

    words: list[str] | None = None
    characters: str = ""
    embedding_size: int = 256
    hidden_size: int = 256
    num_hidden_layers: int = 1

    def __post_init__(self, **kwargs: Any) -> None:
        self.words = [UNKNOWN] if self.words is None else self.words
        super().__post_init__(**kwargs)


class WordRecognizer(PreTrainedModel):
    """A Bi-LSTM over the words of a sentence, each its first letter, the bag of those inside, and its last.

    Its words and characters are part of its configuration.

    Raises:
        CharBertError: the last word of the configuration is not `<unk>`.
    """

    config_class = WordRecognizerConfig
    main_input_name = "letter_ids"
    accepts_loss_kwargs = False

    def __init__(self, config: WordRecognizerConfig) -> None:
        super().__init__(config)
        self.words = Vocabulary(config.words or [])
        self.letter_bags = LetterBags(config.characters)
        # A row for each letter at each place: their sum is a linear map of the counts.
        self.letters = nn.EmbeddingBag(self.letter_bags.size, config.embedding_size, mode="sum")
        self.lstm = nn.LSTM(
            config.embedding_size, config.hidden_size, config.num_hidden_layers, bidirectional=True
        )
        self.classifier = nn.Linear(2 * config.hidden_size, len(self.words))
        self.post_init()

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | PathLike[str], *args: Any, **kwargs: Any
    ) -> Self:
        """Load one from the folder or hub id that `save_pretrained` wrote.

        Raises:
            CharBertError: it has another model or none, or its weights are damaged or incomplete.
        """
        source = pretrained_model_name_or_path
        hub = {name: kwargs[name] for name in HUB_OPTIONS if name in kwargs}
        if read_config(source, **hub).get("model_type") != WordRecognizerConfig.model_type:
            raise CharBertError(f"{source}: no word recogniser; `python -m pretrain recognizer` trains one")
        with reading(source, "a word recogniser"), without_report():
            model, info = super().from_pretrained(
                source, *args, output_loading_info=True, ignore_mismatched_sizes=True, **kwargs
            )
        refuse_partial(source, info["missing_keys"], [str(name) for name, *_ in info["mismatched_keys"]])
        return model

    def forward(
        self,
        letter_ids: torch.Tensor,
        word_starts: torch.Tensor,
        sentence_lengths: torch.Tensor,
        labels: torch.Tensor | None = None,
    ) -> TokenClassifierOutput:
        """Score N words of B sentences, which follow one another, against the V words known.

        Args:
            letter_ids: (C,) the letters of all words, as `LetterBags` numbers them.
            word_starts: (N,) where the letters of each word begin.
            sentence_lengths: (B,) words of each sentence, one at least.
            labels: (N,) the id of each word, -100 for any that is not to be recognised.

        Returns:
            `logits` (N, V); with labels of the labelled words alone, and their mean `loss`.
        """
        states = self.states(letter_ids, word_starts, sentence_lengths)
        if labels is None:
            return TokenClassifierOutput(logits=self.classifier(states))
        logits, wanted = score_labelled(self.classifier, states, labels)
        return TokenClassifierOutput(loss=mean_cross_entropy(logits, wanted), logits=logits)

    def states(
        self, letter_ids: torch.Tensor, word_starts: torch.Tensor, sentence_lengths: torch.Tensor
    ) -> torch.Tensor:
        """(N, 2H) the states of the LSTM at each word; a sentence has the same alone and in any batch."""
        # By index: torch's own packing copies sentence by sentence, each over all of the batch's gradient.
        order, batch_sizes = _order_by_steps(sentence_lengths.cpu())
        order = order.to(letter_ids.device)
        embedded = self.letters(letter_ids, word_starts).index_select(0, order)
        states, *_ = self.lstm(PackedSequence(embedded, batch_sizes))[0]
        return states.index_select(0, order.argsort())

    @torch.inference_mode()
    def recognize(self, wanted: torch.Tensor, **inputs: torch.Tensor) -> torch.Tensor:
        """The ids of the most likely words.

        Shape: `wanted` (N,), true for M words; `inputs` as of `forward` -> (M,)
        """
        parts = self.states(**inputs)[wanted].split(SCORED_AT_ONCE)
        return torch.cat([self.classifier(part).argmax(dim=-1) for part in parts])

    def correct(
        self,
        sentences: Sequence[Sequence[str]],
        unknown: str = "pass",
        backoff: "WordRecognizer | None" = None,
        batch_size: int = 256,
    ) -> list[list[str]]:
        """The sentences with each word replaced by the one that it is recognised as.

        The core of a word, which goes from its first letter or digit to the last, is recognised if it is
        letters only; the punctuation around it stays, and so do all other words (don't, U.S., 1990s). The new
        core gets the case of the old one, which stays where only the case differs. A string with several
        words is recognised word by word.

        Args:
            sentences: words, as white space divides them or with punctuation apart.
            unknown: what an unknown word becomes: `"pass"` (it stays), `"neutral"` (the word `a`) or
                `"backoff"` (what another recogniser gives; it stays where that does not know it either).
            backoff: this other one.
            batch_size: sentences in a batch.

        Raises:
            CharBertError: another `unknown`, or `backoff` without its recogniser or the other way round.
        """
        if unknown not in UNKNOWN_WORDS:
            raise CharBertError(f"unknown={unknown!r}: choose one of {', '.join(UNKNOWN_WORDS)}")
        if (unknown == "backoff") != (backoff is not None):
            raise CharBertError("unknown='backoff' needs a second recogniser as backoff, and no other does")
        split = [[split_units(word) for word in sentence] for sentence in sentences]
        ids = iter(self._recognize_cores(split, batch_size))
        others = sentences if backoff is None else backoff.correct(sentences, batch_size=batch_size)
        return [
            [
                word if units.core is None else self._replace_core(word, units, next(ids), other, unknown)
                for word, units, other in zip(*rows, strict=True)
            ]
            for rows in zip(sentences, split, others, strict=True)
        ]

    def _recognize_cores(self, split: Sequence[Sequence[Units]], batch_size: int) -> list[int]:
        """The id of each core, in their order."""
        texts: list[str] = []
        cores: list[bool] = []
        lengths: list[int] = []
        for sentence in split:
            own = [text for units in sentence for text in units.texts]
            texts += own
            cores += [index == units.core for units in sentence for index in range(len(units.texts))]
            lengths += sentence_lengths(own)
        # (U,) arrays over all units; batches take the longest sentences first. "(so) far.", "no": the
        # units are ( so ) far . no, the cores 0 1 0 1 0 1, the lengths 5 1; a first batch of one sentence has
        # the indices 0 to 4.
        bags, is_core = self.letter_bags(texts), np.array(cores, bool)
        sizes = np.array(lengths, np.int64)
        starts, found = cumulative_offsets(sizes), np.zeros(len(texts), np.int64)
        longest_first = np.argsort(-sizes, kind="stable")
        for begin in range(0, len(longest_first), batch_size):
            rows = longest_first[begin : begin + batch_size]
            indices = span_indices(starts[rows], sizes[rows])
            inputs = make_inputs(bags.take(indices), sizes[rows])
            inputs["wanted"] = torch.from_numpy(is_core[indices])
            moved = {name: tensor.to(self.device) for name, tensor in inputs.items()}
            found[indices[is_core[indices]]] = self.recognize(**moved).cpu().numpy()
        return found[is_core].tolist()

    def _replace_core(self, word: str, units: Units, word_id: int, other: str, unknown: str) -> str:
        core = word[units.start : units.end]
        if word_id == self.words.unknown_id:
            if unknown != "neutral":
                return other
            new = NEUTRAL
        elif self.words[word_id] == core.lower():
            return word
        else:
            new = match_case(self.words[word_id], core)
        return word[: units.start] + new + word[units.end :]


def _order_by_steps(lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The order of words in a `PackedSequence`: all first words of sentences, then all second ones, ...

    Longer sentences come first, as it requires.

    Shape: `lengths` (B,) -> the index of each word (N,), and the number of sentences at each step (longest,)
    """
    # Lengths 1 3 2: longest first, the sentences begin at 1 4 0. The table of start + step, a row a step, is
    # 1 4 0 | 2 5 . | 3 . . where the sentence is long enough: the order is 1 4 0 2 5 3, in steps of 3 2 1.
    longest_first = lengths.argsort(descending=True, stable=True)
    starts = (lengths.cumsum(0) - lengths)[longest_first]
    steps = torch.arange(int(lengths.max())).unsqueeze(1)
    exists = steps < lengths[longest_first]
    return (starts + steps)[exists], exists.sum(dim=1)
