"""How far noise moves the states of words (the paper, Section 5): the sensitivity S."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from charbert.commands.progress import progress_bar
from charbert.commands.training import copied
from charbert.ragged import Array
from data.examples.types import QuestionExample, TaggedExample
from finetune.batches import batch_by_length
from finetune.robustness.loaded import LoadedModel
from finetune.robustness.shown import words_of
from finetune.tasks.base import Inputs, split_rows, tokenize
from finetune.tasks.tags import word_starts, words_at

TOKENS, CHARACTERS = "token_channel", "character_channel"
_STATES = {TOKENS: "last_hidden_state", CHARACTERS: "char_last_hidden_state"}


class _Row(NamedTuple):
    """An example as a model reads it, and of each of its words the first token; -1 where it was cut off."""

    inputs: Inputs
    tokens: Array


def sensitivity(
    loaded: LoadedModel, clean: Sequence[Any], noised: Sequence[Any], contexts: bool
) -> dict[str, Any]:
    """S = the mean over words of 0.5 - 0.5 cos(h, h').

    h is the last hidden state of the first token of a word, h' that of the word with the same number in the
    noised text: the token channel's, and of a CharBERT the character channel's as well. The words are those
    of what is attacked, apart by white space (the task's own in tagging), changed or not, as far as they fit
    into the model. An example with another number of words under noise is left out.

    Args:
        loaded: the model; with a recogniser, both sides are what that reads.
        clean, noised: N examples each.
        contexts: of questions, count the words of contexts too.

    Returns:
        under the names of the channels, S as `all`, and of the words that noise changed and left alone as
        `changed` and `unchanged`, each where there are such words; then `words` and `changed_words`, how many
        there are, and `left_out`.
    """
    words = [[_words(example, contexts) for example in side] for side in (clean, noised)]
    rows = [_rows(loaded, loaded.read(side), contexts) for side in (clean, noised)]
    same = [
        number
        for number, (one, other) in enumerate(zip(*words, strict=True))
        if {len(other), *(len(side[number].tokens) for side in rows)} == {len(one)}
    ]
    distances: dict[str, list[Array]] = {name: [] for name in (TOKENS, CHARACTERS)}
    changed = []
    lengths = [rows[1][number].inputs for number in same]
    for batch in progress_bar(
        list(batch_by_length(lengths, loaded.batch_size)), desc="sensitivity", leave=False
    ):
        numbers = [same[place] for place in batch]
        there = [
            np.flatnonzero((rows[0][number].tokens >= 0) & (rows[1][number].tokens >= 0))
            for number in numbers
        ]
        before, after = (_states(loaded, [side[number] for number in numbers], there) for side in rows)
        for name, states in before.items():
            cosine = F.cosine_similarity(states, after[name], dim=-1)
            distances[name].append((0.5 - 0.5 * cosine).cpu().numpy())
        for number, of_example in zip(numbers, there, strict=True):
            one, other = (side[number] for side in words)
            changed.append(np.array([one[word] != other[word] for word in of_example.tolist()], dtype=bool))
    is_changed = np.concatenate([np.zeros(0, dtype=bool), *changed])
    return {
        **{
            name: _means(np.concatenate([np.zeros(0), *values]), is_changed)
            for name, values in distances.items()
            if values or name == TOKENS
        },
        "words": len(is_changed),
        "changed_words": int(is_changed.sum()),
        "left_out": len(clean) - len(same),
    }


def _means(distances: Array, changed: Array) -> dict[str, float]:
    """Of all words, and of those that noise changed or left alone, where there are any."""
    parts = {"all": distances, "changed": distances[changed], "unchanged": distances[~changed]}
    return {name: float(part.mean(dtype=np.float64)) for name, part in parts.items() if len(part)}


def _words(example: Any, contexts: bool) -> list[str]:
    """The words that count, of all texts that do."""
    if isinstance(example, TaggedExample):
        return list(example.words)
    return [word for text in _texts(example)[: _counted(example, contexts)] for _, word in words_of(text)]


def _texts(example: Any) -> list[str]:
    """What a model reads of an example."""
    if isinstance(example, TaggedExample):
        return [" ".join(example.words)]
    if isinstance(example, QuestionExample):
        return [example.question, example.context]
    return list(example.readable.values())


def _counted(example: Any, contexts: bool) -> int:
    """The words of so many texts count: of questions only theirs, if their contexts are not attacked."""
    return 1 if isinstance(example, QuestionExample) and not contexts else 2


def _rows(loaded: LoadedModel, examples: Sequence[Any], contexts: bool) -> list[_Row]:
    columns = list(zip(*map(_texts, examples), strict=True))
    encoded = tokenize(
        loaded.tokenizer,
        columns[0],
        columns[1] if len(columns) > 1 else None,
        truncation=True,
        max_length=loaded.run.task.max_length,
    )
    return [
        _Row(inputs, _first_tokens(example, encoding, contexts))
        for inputs, example, encoding in zip(split_rows(encoded), examples, encoded.encodings, strict=True)
    ]


def _first_tokens(example: Any, encoding: Any, contexts: bool) -> Array:
    """(words,) the position of the first token of each word that counts, or -1."""
    sequences = np.array([-1 if each is None else each for each in encoding.sequence_ids])
    begins, ends = np.array(encoding.offsets).T
    found = []
    for number, text in enumerate(_texts(example)[: _counted(example, contexts)]):
        if isinstance(example, TaggedExample):
            starts = word_starts(example.words)
        else:
            starts = np.array([start for start, _ in words_of(text)], dtype=np.int64)
        positions = np.flatnonzero((sequences == number) & (ends > begins))
        words, places = np.unique(words_at(starts, ends[positions]), return_index=True)
        tokens = np.full(len(starts), -1)
        tokens[words[words >= 0]] = positions[places[words >= 0]]
        found.append(tokens)
    return np.concatenate(found)


def _states(loaded: LoadedModel, rows: Sequence[_Row], words: Sequence[Array]) -> dict[str, torch.Tensor]:
    """By channel the states (W, H) of the first tokens of these words of each row."""
    batch = copied(loaded.padding([row.inputs for row in rows]), loaded.device)
    with torch.inference_mode(), loaded.autocast():
        encoded = loaded.model.base_model(**batch)
    sentences = np.repeat(np.arange(len(rows)), [len(each) for each in words])
    tokens = np.concatenate([row.tokens[of_row] for row, of_row in zip(rows, words, strict=True)])
    places = torch.from_numpy(sentences).to(loaded.device), torch.from_numpy(tokens).to(loaded.device)
    return {
        name: encoded[field][places].float()
        for name, field in _STATES.items()
        if encoded.get(field) is not None
    }
