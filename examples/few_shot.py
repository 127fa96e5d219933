"""A text classifier from a few examples of each label: SetFit on both channels of a CharBERT.

    python examples/few_shot.py charbert-bert reviews.csv --output runs/few-shot

The table has the columns `text` and `label`. The rows left over are evaluated, as they are and under typos.
"""

import argparse

from both_channels import BothChannels
from datasets import Value, load_dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling
from setfit import SetFitModel, Trainer, TrainingArguments
from sklearn.linear_model import LogisticRegression

from charbert.noise import Attack

parser = argparse.ArgumentParser()
parser.add_argument("model", help="folder or hub id of a CharBERT")
parser.add_argument("table", help="a CSV file with the columns text and label")
parser.add_argument("--output", required=True)
parser.add_argument("--examples", type=int, default=8, help="of each label")
parser.add_argument("--steps", type=int, default=-1, help="of training; by default, one pass over all pairs")
parser.add_argument("--learning-rate", type=float, default=2e-5)
options = parser.parse_args()

table = load_dataset("csv", data_files=options.table, split="train").shuffle(seed=0)
table = table.cast_column("label", Value("string"))  # stars from 1 to 5, too
labels = sorted(set(table["label"]))
rows = {label: [row for row, other in enumerate(table["label"]) if other == label] for label in labels}
taken = {row for of_label in rows.values() for row in of_label[: options.examples]}
test = table.select([row for row in range(len(table)) if row not in taken])
if not len(test):
    parser.error("no row is left to evaluate; give fewer --examples, or more rows")

body = BothChannels(options.model)
embeddings = SentenceTransformer(modules=[body, Pooling(body.get_embedding_dimension(), "mean")])
model = SetFitModel(model_body=embeddings, model_head=LogisticRegression(), labels=labels)
arguments = TrainingArguments(
    options.output,
    max_steps=options.steps,
    body_learning_rate=options.learning_rate,
    report_to="none",
    save_strategy="no",
)
Trainer(model, arguments, table.select(sorted(taken))).train()
model.save_pretrained(options.output)


def accuracy(texts: list[str]) -> float:
    predicted = model.predict(texts)
    return sum(one == other for one, other in zip(predicted, test["label"], strict=True)) / len(test)


model = SetFitModel.from_pretrained(options.output, trust_remote_code=True)  # BothChannels is saved with it
typos = [attacked.text for attacked in Attack("paper", rate=0.5, seed=1).texts(list(test["text"]))]
print(f"accuracy: {accuracy(list(test['text'])):.3f} clean, {accuracy(typos):.3f} with typos")
