"""Sentence embeddings from both channels of a CharBERT, trained to find a sentence by a misspelled query.

    python examples/sentence_embeddings.py charbert-bert sentences.txt --output runs/embeddings

The file has a sentence a line. Each is paired with itself under typos, and trained against the others of its
batch. Printed is how many are nearest to themselves under typos of another seed, before and after.
"""

import argparse
from pathlib import Path

from both_channels import BothChannels
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, util
from sentence_transformers import SentenceTransformerTrainingArguments as TrainingArguments
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import Pooling

from charbert.noise import Attack


def misspell(sentences: list[str], seed: int) -> list[str]:
    return [attacked.text for attacked in Attack("paper", rate=0.5, seed=seed).texts(sentences)]


def share_found(model: SentenceTransformer, sentences: list[str]) -> float:
    queries, corpus = model.encode(misspell(sentences, seed=0)), model.encode(sentences)
    hits = util.semantic_search(queries, corpus, top_k=1)
    return sum(found[0]["corpus_id"] == index for index, found in enumerate(hits)) / len(sentences)


parser = argparse.ArgumentParser()
parser.add_argument("model", help="folder or hub id of a CharBERT")
parser.add_argument("sentences", help="a text file, a sentence a line")
parser.add_argument("--output", required=True)
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--learning-rate", type=float, default=3e-5)
options = parser.parse_args()

text = Path(options.sentences).read_text(encoding="utf-8")
sentences = [line for line in text.splitlines() if line.strip()]
body = BothChannels(options.model)
model = SentenceTransformer(modules=[body, Pooling(body.get_embedding_dimension(), "mean")])
print(f"found before training: {share_found(model, sentences):.0%}")

typos = [text for seed in range(1, options.epochs + 1) for text in misspell(sentences, seed)]
pairs = Dataset.from_dict({"anchor": typos, "positive": sentences * options.epochs})
arguments = TrainingArguments(
    options.output,
    num_train_epochs=1,
    learning_rate=options.learning_rate,
    batch_sampler="no_duplicates",  # else a sentence is taken for another one of itself
    report_to="none",
    save_strategy="no",
)
SentenceTransformerTrainer(model, arguments, pairs, loss=MultipleNegativesRankingLoss(model)).train()
model.save_pretrained(options.output)
print(f"found after training: {share_found(model, sentences):.0%}")
