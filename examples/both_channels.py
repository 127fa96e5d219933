"""A module of sentence-transformers that gives both channels of a CharBERT side by side, (B, L, 2H).

Its own Transformer module gives `last_hidden_state`, the token channel alone. Pool what this one gives:

    body = BothChannels("charbert-bert")
    model = SentenceTransformer(modules=[body, Pooling(body.get_embedding_dimension(), "mean")])

This file is saved with the model: `SentenceTransformer(FOLDER, trust_remote_code=True)` loads it anywhere.
"""

import shutil
from pathlib import Path
from typing import Any

import torch
from sentence_transformers.base.modules import Transformer

import charbert  # noqa: F401  # so that AutoModel, which the Transformer module calls, knows CharBERT


class BothChannels(Transformer):
    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        # The model spells the tokens itself. Where the tokenizer did (return_spelling=True), the Trainer of
        # sentence-transformers would take `char_input_ids` for the input_ids of another text.
        names = ("input_ids", "attention_mask", "token_type_ids")
        encoded = self.model(**{name: features[name] for name in names if name in features})
        both = torch.cat([encoded.last_hidden_state, encoded.char_last_hidden_state], dim=-1)
        return {**features, "token_embeddings": both}

    def get_embedding_dimension(self) -> int:
        return 2 * super().get_embedding_dimension()

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        super().save(output_path, *args, **kwargs)
        copy = Path(output_path, Path(__file__).name)
        if copy != Path(__file__):
            shutil.copy(__file__, copy)
