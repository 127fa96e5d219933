"""Entities in texts, by the token-classification pipeline of transformers.

    python examples/token_pipeline.py runs/entities < texts.txt > entities.jsonl

A text a line in, a line of JSON out: the text, and of each entity its kind, place and probability.
"""

import argparse
import json
import sys

from transformers import pipeline

import charbert  # noqa: F401  # so that the pipeline knows CharBERT

parser = argparse.ArgumentParser()
parser.add_argument("model", help="folder or hub id of a CharBERT that labels tokens")
parser.add_argument("--batch-size", type=int, default=16)
options = parser.parse_args()

# A word is what its first token says, as in training; words with the same entity are joined.
tagger = pipeline("token-classification", model=options.model, aggregation_strategy="first")
texts = [line.rstrip("\n") for line in sys.stdin if line.strip()]
found_in = tagger(texts, batch_size=options.batch_size) if texts else []  # it refuses none
for text, entities in zip(texts, found_in, strict=True):
    found = [
        {
            "kind": entity["entity_group"],
            "start": entity["start"],
            "end": entity["end"],
            "text": text[entity["start"] : entity["end"]],
            "probability": round(float(entity["score"]), 4),
        }
        for entity in entities
    ]
    print(json.dumps({"text": text, "entities": found}, ensure_ascii=False))
