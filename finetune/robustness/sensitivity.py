"""Sensitivity S of the states of words to noise (the paper, Section 5)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from charbert.commands.devices import copied
from charbert.commands.progress import progress_bar
from charbert.ragged import Array
from finetune.batches import batch_by_length
from finetune.robustness.models import LoadedModel
from finetune.tasks.base import Inputs, split_rows, tokenize
from finetune.tasks.tags import words_at

TOKENS, CHARACTERS = "token_channel", "character_channel"
_STATES = {TOKENS: "last_hidden_state", CHARACTERS: "char_last_hidden_state"}


class _Row(NamedTuple):
    """An example as a model reads it, and of each of its words the first token; -1 where it was cut off."""

    inputs: Inputs
    tokens: Array


def measure_sensitivity(
    loaded: LoadedModel, clean: Sequence[Any], noised: Sequence[Any], contexts: bool
) -> dict[str, Any]:
    """S = the mean over words of 0.5 - 0.5 cos(h, h').

    h is the last hidden state of the first token of a word, h' that of the word with the same index in the
    noised text: the token channel's, and of a CharBERT the character channel's as well. The words are those
    of the texts that are attacked, between white space (the task's own in tagging), changed or not, as far as
    they fit into the model. An example with another number of words under noise is left out.

    Args:
        loaded: the model; with a recogniser, both sides are as it reads them.
        clean, noised: N examples each.
        contexts: of questions, count the words of contexts too.

    Returns:
        under the names of the channels, S as `all`, and of the words that noise changed and left alone as
        `changed` and `unchanged`, each where there are such words; then `words` and `changed_words`, how many
        there are, and `left_out`.
    """
    words = [[_list_words(example, contexts) for example in side] for side in (clean, noised)]
    rows = [_make_rows(loaded, loaded.read(side), contexts) for side in (clean, noised)]
    same = [
        index
        for index, (one, other) in enumerate(zip(*words, strict=True))
        if {len(other), *(len(side[index].tokens) for side in rows)} == {len(one)}
    ]
    distances: dict[str, list[Array]] = {name: [] for name in (TOKENS, CHARACTERS)}
    changed = []
    lengths = [rows[1][index].inputs for index in same]
    for batch in progress_bar(
        list(batch_by_length(lengths, loaded.batch_tokens)), desc="sensitivity", leave=False
    ):
        indices = [same[position] for position in batch]
        # Of each example the words whose first tokens fit into the model on both sides.
        fits = [np.minimum(*(side[index].tokens for side in rows)) >= 0 for index in indices]
        before, after = (_compute_states(loaded, [side[index] for index in indices], fits) for side in rows)
        for name, states in before.items():
            cosine = F.cosine_similarity(states, after[name], dim=-1)
            distances[name].append((0.5 - 0.5 * cosine).cpu().numpy())
        changed += [
            (words[0][index] != words[1][index])[fit] for index, fit in zip(indices, fits, strict=True)
        ]
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


def _list_words(example: Any, contexts: bool) -> Array:
    """(W,) the words that count, as objects."""
    return np.array([word for text in example.split_words(contexts) for _, word in text], dtype=object)


def _means(distances: Array, changed: Array) -> dict[str, float]:
    """Of all words, and of those that noise changed or left alone, where there are any."""
    parts = {"all": distances, "changed": distances[changed], "unchanged": distances[~changed]}
    return {name: float(part.mean(dtype=np.float64)) for name, part in parts.items() if len(part)}


def _make_rows(loaded: LoadedModel, examples: Sequence[Any], contexts: bool) -> list[_Row]:
    columns = list(zip(*(example.texts for example in examples), strict=True))
    encoded = tokenize(
        loaded.tokenizer,
        columns[0],
        columns[1] if len(columns) > 1 else None,
        truncation=True,
        max_length=loaded.task.max_length,
    )
    return [
        _Row(inputs, _first_tokens(example, encoding, contexts))
        for inputs, example, encoding in zip(split_rows(encoded), examples, encoded.encodings, strict=True)
    ]


def _first_tokens(example: Any, encoding: Any, contexts: bool) -> Array:
    """(words,) the position of the first token of each word that counts, or -1.

    A token belongs to the word that its last character is in: of `the foxes`, with words that start at 0 and
    4, the tokens `the`, `fox`, `##es` end at 3, 7, 9 and so are of the words 0, 1, 1; `np.unique` finds the
    first of each.
    """
    sequences = np.array([-1 if each is None else each for each in encoding.sequence_ids])
    begins, ends = np.array(encoding.offsets).T
    found = []
    for number, words in enumerate(example.split_words(contexts)):
        starts = np.array([start for start, _ in words], dtype=np.int64)
        positions = np.flatnonzero((sequences == number) & (ends > begins))
        owners, first = np.unique(words_at(starts, ends[positions]), return_index=True)
        tokens = np.full(len(starts), -1)
        tokens[owners[owners >= 0]] = positions[first[owners >= 0]]
        found.append(tokens)
    return np.concatenate(found)


def _compute_states(
    loaded: LoadedModel, rows: Sequence[_Row], fits: Sequence[Array]
) -> dict[str, torch.Tensor]:
    """By channel the states (W, H) of the first tokens of the words of each row that fit."""
    batch = copied(loaded.padding([row.inputs for row in rows]), loaded.device)
    with torch.inference_mode(), torch.autocast(loaded.device.type, torch.bfloat16, enabled=loaded.bf16):
        encoded = loaded.model.base_model(**batch)
    sentences = np.repeat(np.arange(len(rows)), [fit.sum() for fit in fits])
    tokens = np.concatenate([row.tokens[fit] for row, fit in zip(rows, fits, strict=True)])
    indices = torch.from_numpy(sentences).to(loaded.device), torch.from_numpy(tokens).to(loaded.device)
    return {
        name: encoded[field][indices].float()
        for name, field in _STATES.items()
        if encoded.get(field) is not None
    }
