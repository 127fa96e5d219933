"""A CharBERT in loops: the paper's equations for one unpadded sequence, in float64 and without torch.

Written from Sections 3.1 to 3.4 of arXiv 2011.01513 and from the project's rules of spelling, not from the
model's code; only the names of the weights are shared. Each position, head and time step is a turn of a loop.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Vector = np.ndarray  # (D,)
Matrix = np.ndarray  # (L, D), a vector for each position


def spell_piece(piece: str, kind: str, special: bool, characters: Sequence[str]) -> list[int]:
    """The character ids of one token, by the rules of the released models."""
    if special:
        return [0]
    if kind == "bert" and piece.startswith("##") and piece != "##":
        piece = piece[2:]
    known = list(characters)
    return [known.index(letter) if letter in known else len(known) - 1 for letter in piece]


class Oracle:
    """The forward pass of a model with these weights, the names being those of its `state_dict()`."""

    def __init__(self, config: Any, state: dict[str, Any]) -> None:
        self.config = config
        self.backbone = config.backbone_config
        self.weights = {name: tensor.double().numpy() for name, tensor in state.items()}
        self.encoder = "charbert." if any(name.startswith("charbert.") for name in state) else ""

    def encode(self, token_ids: Sequence[int], spellings: Sequence[Sequence[int]]) -> tuple[Matrix, Matrix]:
        """Both channels after the last layer."""
        tokens = self.token_embeddings(token_ids)
        characters = self.character_embeddings(spellings)
        for layer in range(self.backbone.num_hidden_layers):
            tokens = self.transformer_layer(layer, tokens)
            characters = self.transformer_layer(layer, characters)
            if self.config.interaction != "none":
                step = layer if self.config.interaction_per_layer else 0
                tokens, characters = self.interaction(
                    f"{self.encoder}interactions.{step}", tokens, characters
                )
        return tokens, characters

    def token_embeddings(self, token_ids: Sequence[int]) -> Matrix:
        """Word + position + segment, normalised; RoBERTa's positions begin after that of padding."""
        name = f"{self.encoder}backbone.embeddings"
        offset = self.backbone.pad_token_id + 1 if self.backbone.model_type == "roberta" else 0
        rows = []
        for position, token in enumerate(token_ids):
            word = self.weights[f"{name}.word_embeddings.weight"][token]
            place = self.weights[f"{name}.position_embeddings.weight"][offset + position]
            segment = self.weights[f"{name}.token_type_embeddings.weight"][0]
            rows.append(self.norm(f"{name}.LayerNorm", word + place + segment))
        return np.stack(rows)

    def character_embeddings(self, spellings: Sequence[Sequence[int]]) -> Matrix:
        """Section 3.1: the states at each token's first and last character; a blank follows each token."""
        name = f"{self.encoder}char_encoder"
        sequence: list[int] = []
        ends = []
        for spelling in spellings:
            ends.append((len(sequence), len(sequence) + len(spelling) - 1))
            sequence += [*spelling, 0]
        states = [self.weights[f"{name}.embeddings.weight"][character] for character in sequence]
        if self.config.char_encoder == "gru":
            forward = self.recurrence(f"{name}.forward_gru", states)
            backward = self.recurrence(f"{name}.backward_gru", states[::-1])[::-1]
            states = [np.concatenate(both) for both in zip(forward, backward, strict=True)]
        return np.stack([np.concatenate([states[first], states[last]]) for first, last in ends])

    def recurrence(self, name: str, inputs: Sequence[Vector]) -> list[Vector]:
        """A GRU's state after each input, from a state of zeros."""
        state = np.zeros(self.weights[f"{name}.weight_hh_l0"].shape[1])
        states = []
        for vector in inputs:
            from_input = self.weights[f"{name}.weight_ih_l0"] @ vector + self.weights[f"{name}.bias_ih_l0"]
            from_state = self.weights[f"{name}.weight_hh_l0"] @ state + self.weights[f"{name}.bias_hh_l0"]
            reset_input, update_input, new_input = np.split(from_input, 3)
            reset_state, update_state, new_state = np.split(from_state, 3)
            reset = sigmoid(reset_input + reset_state)
            update = sigmoid(update_input + update_state)
            candidate = np.tanh(new_input + reset * new_state)
            state = (1 - update) * candidate + update * state
            states.append(state)
        return states

    def transformer_layer(self, layer: int, states: Matrix) -> Matrix:
        """Attention and feed-forward, each added to its input and normalised."""
        name = f"{self.encoder}backbone.encoder.layer.{layer}"
        attended = self.attention(f"{name}.attention.self", states)
        rows = []
        for state, context in zip(states, attended, strict=True):
            added = state + self.linear(f"{name}.attention.output.dense", context)
            middle = self.norm(f"{name}.attention.output.LayerNorm", added)
            inner = gelu(self.linear(f"{name}.intermediate.dense", middle))
            rows.append(
                self.norm(f"{name}.output.LayerNorm", middle + self.linear(f"{name}.output.dense", inner))
            )
        return np.stack(rows)

    def attention(self, name: str, states: Matrix) -> Matrix:
        """Softmax of scaled dot products, for each head and each position."""
        queries = [self.linear(f"{name}.query", state) for state in states]
        keys = [self.linear(f"{name}.key", state) for state in states]
        values = [self.linear(f"{name}.value", state) for state in states]
        width = self.backbone.hidden_size // self.backbone.num_attention_heads
        rows = []
        for query in queries:
            contexts = []
            for head in range(self.backbone.num_attention_heads):
                own = slice(head * width, (head + 1) * width)
                scores = np.array([query[own] @ key[own] / math.sqrt(width) for key in keys])
                shares = softmax(scores)
                contexts.append(sum(share * value[own] for share, value in zip(shares, values, strict=True)))
            rows.append(np.concatenate(contexts))
        return np.stack(rows)

    def interaction(self, name: str, tokens: Matrix, characters: Matrix) -> tuple[Matrix, Matrix]:
        """Section 3.2: fuse by a convolution over positions, then divide."""
        both = [
            np.concatenate(
                [self.linear(f"{name}.token_projection", t), self.linear(f"{name}.char_projection", h)]
            )
            for t, h in zip(tokens, characters, strict=True)
        ]
        kernel, bias = self.weights[f"{name}.convolution.weight"], self.weights[f"{name}.convolution.bias"]
        width = kernel.shape[2]
        new_tokens, new_characters = [], []
        for position, (token, character) in enumerate(zip(tokens, characters, strict=True)):
            fused = bias.copy()
            for step in range(width):
                neighbour = position + step - width // 2
                if 0 <= neighbour < len(both):
                    fused += kernel[:, :, step] @ both[neighbour]
            for_token = for_character = fused
            if self.config.interaction == "paper":
                fused = np.tanh(fused)
                for_token = gelu(self.linear(f"{name}.token_output", fused))
                for_character = gelu(self.linear(f"{name}.char_output", fused))
            new_tokens.append(self.norm(f"{name}.token_norm", token + for_token))
            new_characters.append(self.norm(f"{name}.char_norm", character + for_character))
        return np.stack(new_tokens), np.stack(new_characters)

    def pooled(self, states: Matrix) -> Vector:
        """The backbone's pooler on the first position."""
        return np.tanh(self.linear(f"{self.encoder}backbone.pooler.dense", states[0]))

    def predictions(self, head: str, states: Matrix) -> Matrix:
        """Section 3.3: scores over the tokens (`mlm_head`) or over the words (`nlm_head`)."""
        rows = []
        for state in states:
            inner = gelu(self.linear(f"{head}.dense", state))
            rows.append(self.linear(f"{head}.decoder", self.norm(f"{head}.layer_norm", inner)))
        return np.stack(rows)

    def scores_of_positions(self, head: str, tokens: Matrix, characters: Matrix) -> Matrix:
        """Section 3.4: a linear layer on both channels of each position."""
        both = zip(tokens, characters, strict=True)
        return np.stack([self.linear(head, np.concatenate(pair)) for pair in both])

    def scores_of_sequence(self, head: str, tokens: Matrix, characters: Matrix) -> Vector:
        """Section 3.4: a linear layer on the mean of both channels."""
        total = np.zeros(2 * self.backbone.hidden_size)
        for pair in zip(tokens, characters, strict=True):
            total += np.concatenate(pair)
        return self.linear(head, total / len(tokens))

    def linear(self, name: str, vector: Vector) -> Vector:
        return self.weights[f"{name}.weight"] @ vector + self.weights.get(f"{name}.bias", 0.0)

    def norm(self, name: str, vector: Vector) -> Vector:
        centred = vector - vector.mean()
        scaled = centred / math.sqrt((centred**2).mean() + self.backbone.layer_norm_eps)
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]


def mean_loss(scores: Matrix, labels: Sequence[int]) -> float:
    """Cross-entropy, the mean over positions whose label is not -100."""
    losses = [
        -math.log(softmax(row)[label]) for row, label in zip(scores, labels, strict=True) if label != -100
    ]
    return sum(losses) / len(losses)


def softmax(scores: Vector) -> Vector:
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def elementwise(function: Callable[[float], float]) -> Callable[[Vector], Vector]:
    return lambda vector: np.array([function(value) for value in vector])


sigmoid = elementwise(lambda x: 1 / (1 + math.exp(-x)))
gelu = elementwise(lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2)
