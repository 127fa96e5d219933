"""A tagger of words in a training loop of one's own, in plain PyTorch.

    python examples/own_loop.py charbert-bert entities.jsonl --output runs/entities

Each line is a sentence: {"words": ["In", "Bonn"], "tags": ["O", "B-LOC"]}. The last tenth is held out.
"""

import argparse
import json

import torch
from torch.utils.data import DataLoader

from charbert import CharBertForTokenClassification, CharBertTokenizer

parser = argparse.ArgumentParser()
parser.add_argument("model", help="folder or hub id of a CharBERT")
parser.add_argument("sentences", help="a file of JSON lines with words and tags")
parser.add_argument("--output", required=True)
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--learning-rate", type=float, default=3e-5)
options = parser.parse_args()

with open(options.sentences, encoding="utf-8") as file:
    rows = [json.loads(line) for line in file if line.strip()]
tags = dict(enumerate(sorted({tag for row in rows for tag in row["tags"]})))
numbers = {tag: number for number, tag in tags.items()}
tokenizer = CharBertTokenizer.from_pretrained(options.model)
model = CharBertForTokenClassification.from_pretrained(options.model, id2label=tags, label2id=numbers)
model.to("cuda" if torch.cuda.is_available() else "cpu")


def encode(rows: list[dict[str, list[str]]]) -> dict[str, torch.Tensor]:
    """A batch with the tag of each word at its first token, and -100 elsewhere, which the loss leaves out."""
    words = [row["words"] for row in rows]
    batch = tokenizer(words, is_split_into_words=True, truncation=True, padding=True, return_tensors="pt")
    batch["labels"] = torch.full_like(batch["input_ids"], -100)
    for index, row in enumerate(rows):
        for number, tag in enumerate(row["tags"]):
            if (span := batch.word_to_tokens(index, number)) is not None:  # None: beyond the longest input
                batch["labels"][index, span.start] = numbers[tag]
    return dict(batch.to(model.device))


held_out = max(1, len(rows) // 10)
loader = DataLoader(rows[:-held_out], batch_size=16, shuffle=True, collate_fn=encode)
optimizer = torch.optim.AdamW(model.parameters(), lr=options.learning_rate)
for epoch in range(options.epochs):
    for batch in loader:
        loss = model.train()(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    batch = encode(rows[-held_out:])
    with torch.inference_mode():
        right = (model.eval()(**batch).logits.argmax(dim=-1) == batch["labels"])[batch["labels"] != -100]
    print(f"epoch {epoch + 1}: {right.float().mean():.1%} of {len(right)} tags held out are right")
model.save_pretrained(options.output)
tokenizer.save_pretrained(options.output)
