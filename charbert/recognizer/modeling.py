"""`WordRecognizer`: reads misspelled words as words that it knows, to stand before any other model.

A semi-character RNN (Sakaguchi et al., AAAI 2017) as a defence against typos (Pruthi et al., ACL 2019).
"""

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import nn
from torch.nn.utils.rnn import PackedSequence
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import TokenClassifierOutput

from charbert.checkpoints import read_config
from charbert.errors import CharBertError, first_line
from charbert.loading import HUB_OPTIONS
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
        words: what it can read, in small letters, `<unk>` last.
        characters: those that it tells apart.
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

    Which words it knows and which characters it tells apart is part of its configuration.

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
    ) -> Any:
        """Load one from the folder or hub id that `save_pretrained` wrote.

        Raises:
            CharBertError: it holds something else, or less.
        """
        source = pretrained_model_name_or_path
        hub = {name: kwargs[name] for name in HUB_OPTIONS if name in kwargs}
        if read_config(source, **hub).get("model_type") != WordRecognizerConfig.model_type:
            raise CharBertError(f"{source}: no word recogniser; `python -m pretrain recognizer` trains one")
        try:
            model, loaded = super().from_pretrained(source, *args, output_loading_info=True, **kwargs)
        except (OSError, RuntimeError, SafetensorError) as error:
            raise CharBertError(
                f"{source}: its weights cannot be read ({first_line(error)}); train it anew"
            ) from error
        if loaded["missing_keys"]:
            raise CharBertError(f"{source}: has no tensor {min(loaded['missing_keys'])}; train it anew")
        return model

    def forward(
        self,
        letter_ids: torch.Tensor,
        word_starts: torch.Tensor,
        sentence_lengths: torch.Tensor,
        labels: torch.Tensor | None = None,
    ) -> TokenClassifierOutput:
        """Score N words of B sentences, which stand one behind the other, against the V words known.

        Args:
            letter_ids: (C,) the letters of all words, as `LetterBags` numbers them.
            word_starts: (N,) where each word's begin.
            sentence_lengths: (B,) words of each sentence, one at least.
            labels: (N,) what each word is, -100 for any that is not to be read.

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
        """(N, 2H) what the LSTM knows of each word; a sentence gives the same whatever stands beside it."""
        # By index: torch's own packing copies sentence by sentence, each over all of the batch's gradient.
        order, batch_sizes = _step_by_step(sentence_lengths.cpu())
        order = order.to(letter_ids.device)
        embedded = self.letters(letter_ids, word_starts).index_select(0, order)
        states, *_ = self.lstm(PackedSequence(embedded, batch_sizes))[0]
        return states.index_select(0, order.argsort())

    @torch.inference_mode()
    def recognize(self, wanted: torch.Tensor, **inputs: torch.Tensor) -> torch.Tensor:
        """The numbers of the most likely words.

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
        """The sentences with what it reads in place of their words.

        Read is the core of a word, which goes from its first letter or digit to the last, if it is letters
        only; the punctuation around it stays, and so do all other words (don't, U.S., 1990s). What is read
        takes over the case of what stands there, which stays as it is where only the case differs. The words
        of a sentence may hold several: they are read one by one.

        Args:
            sentences: words, as white space divides them or with punctuation apart.
            unknown: what becomes of a word that it does not know: `"pass"` (it stays), `"neutral"` (it is `a`
                then) or `"backoff"` (another recogniser reads it, and what that does not know stays).
            backoff: this other one.
            batch_size: sentences read at a time.

        Raises:
            CharBertError: another `unknown`, or `backoff` without its recogniser or the other way round.
        """
        if unknown not in UNKNOWN_WORDS:
            raise CharBertError(f"unknown={unknown!r}: choose one of {', '.join(UNKNOWN_WORDS)}")
        if (unknown == "backoff") != (backoff is not None):
            raise CharBertError("unknown='backoff' needs a second recogniser as backoff, and no other does")
        cut = [[split_units(word) for word in sentence] for sentence in sentences]
        found = iter(self._found(cut, batch_size))
        others = sentences if backoff is None else backoff.correct(sentences, batch_size=batch_size)
        return [
            [
                word if units.core is None else self._written(word, units, next(found), other, unknown)
                for word, units, other in zip(*rows, strict=True)
            ]
            for rows in zip(sentences, cut, others, strict=True)
        ]

    def _found(self, cut: Sequence[Sequence[Units]], batch_size: int) -> list[int]:
        """The number of each word that is read, in their order."""
        texts: list[str] = []
        cores: list[int] = []
        ends: list[int] = []
        for sentence in cut:
            first = len(texts)
            for units in sentence:
                if units.core is not None:
                    cores.append(len(texts) + units.core)
                texts.extend(units.texts)
            ends.extend(sentence_lengths(texts[first:]))
        bags, lengths = self.letter_bags(texts), np.array(ends, np.int64)
        starts, found = cumulative_offsets(lengths), np.zeros(len(texts), np.int64)
        is_core = np.zeros(len(texts), bool)
        is_core[cores] = True
        by_length = np.argsort(-lengths, kind="stable")
        for start in range(0, len(by_length), batch_size):
            rows = by_length[start : start + batch_size]
            places = span_indices(starts[rows], lengths[rows])
            inputs = make_inputs(bags.take(places), lengths[rows])
            inputs["wanted"] = torch.from_numpy(is_core[places])
            moved = {name: tensor.to(self.device) for name, tensor in inputs.items()}
            found[places[is_core[places]]] = self.recognize(**moved).cpu().numpy()
        return found[cores].tolist()

    def _written(self, word: str, units: Units, number: int, other: str, unknown: str) -> str:
        core = word[units.start : units.end]
        if number == self.words.unknown_id:
            if unknown != "neutral":
                return other
            read = NEUTRAL
        elif self.words[number] == core.lower():
            return word
        else:
            read = match_case(self.words[number], core)
        return word[: units.start] + read + word[units.end :]


def _step_by_step(lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The words of sentences of these lengths, all first ones, then all second ones, ...

    Longer sentences come first, as `PackedSequence` wants it.

    Shape: `lengths` (B,) -> the number of each word (N,), and of how many sentences each step is (longest,)
    """
    longest_first = lengths.argsort(descending=True, stable=True)
    starts = (lengths.cumsum(0) - lengths)[longest_first]
    steps = torch.arange(int(lengths.max())).unsqueeze(1)
    exists = steps < lengths[longest_first]
    return (starts + steps)[exists], exists.sum(dim=1)
