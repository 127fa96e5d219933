"""Spelling correction as a step of `datasets.map`, before anything else reads the texts.

    python examples/correct_dataset.py charbert/models/mini reviews.csv --output corrected

The table has a column `text`. The dataset saved has corrected texts there, and the old ones in `original`.
"""

import argparse

from datasets import load_dataset

from charbert import Corrector

parser = argparse.ArgumentParser()
parser.add_argument("model", help="folder or hub id of a CharBERT with a noisy LM")
parser.add_argument("table", help="a CSV file with a column text")
parser.add_argument("--output", required=True)
parser.add_argument("--threshold", type=float, default=0.5, help="least probability of a misspelling")
options = parser.parse_args()

corrector = Corrector(options.model)


def correct(batch: dict[str, list[str]], threshold: float) -> dict[str, list[str]]:
    texts = [text or "" for text in batch["text"]]  # an empty cell is None
    corrections = corrector(texts, threshold=threshold)
    return {"text": [correction.text for correction in corrections], "original": texts}


table = load_dataset("csv", data_files=options.table, split="train")
corrected = table.map(correct, batched=True, batch_size=256, fn_kwargs={"threshold": options.threshold})
corrected.save_to_disk(options.output)
changed = [row for row in corrected if row["text"] != row["original"]]
print(f"{len(changed)} of {len(corrected)} texts corrected")
for row in changed[:10]:
    print(f"{row['original']!r} -> {row['text']!r}")
