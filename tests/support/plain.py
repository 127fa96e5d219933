"""Folders with a plain BERT or RoBERTa, as `transformers` saves them."""

from pathlib import Path

import tiny
from transformers import BertForMaskedLM, BertModel, RobertaForMaskedLM, RobertaModel

PLAIN = {
    ("bert", "model"): BertModel,
    ("bert", "masked_lm"): BertForMaskedLM,
    ("roberta", "model"): RobertaModel,
    ("roberta", "masked_lm"): RobertaForMaskedLM,
}


def save_plain(folder: Path, kind: str, head: str) -> Path:
    model = PLAIN[kind, head](tiny.backbone_config(kind))
    tiny.scatter_weights(model)
    model.save_pretrained(folder)
    tiny.stock_tokenizer(kind).save_pretrained(folder)
    return folder
