"""A text classifier with the Trainer of transformers, on the texts and on a copy of them with typos.

    python examples/trainer.py charbert-bert reviews.csv --output runs/reviews

The table has the columns `text` and `label`. A tenth is held out, and evaluated clean and under other typos.
"""

import argparse

from datasets import Dataset, concatenate_datasets, load_dataset
from transformers import BatchEncoding, DataCollatorWithPadding, EvalPrediction, Trainer, TrainingArguments

from charbert import CharBertForSequenceClassification, CharBertTokenizer
from charbert.noise import Attack

parser = argparse.ArgumentParser()
parser.add_argument("model", help="folder or hub id of a CharBERT")
parser.add_argument("table", help="a CSV file with the columns text and label")
parser.add_argument("--output", required=True)
parser.add_argument("--epochs", type=float, default=3)
parser.add_argument("--learning-rate", type=float, default=3e-5)
options = parser.parse_args()

table = load_dataset("csv", data_files=options.table, split="train").class_encode_column("label")
labels = dict(enumerate(table.features["label"].names))
parts = table.train_test_split(test_size=0.1, seed=0, stratify_by_column="label")
tokenizer = CharBertTokenizer.from_pretrained(options.model)
numbers = {label: number for number, label in labels.items()}
model = CharBertForSequenceClassification.from_pretrained(options.model, id2label=labels, label2id=numbers)


def encode(part: Dataset, rate: float, seed: int = 0) -> Dataset:
    """The inputs of the model, with a typo in a share of the longer words."""
    attack = Attack("paper", rate, seed)

    def encode_batch(batch: dict[str, list[str]]) -> BatchEncoding:
        return tokenizer([each.text for each in attack.texts(batch["text"])], truncation=True)

    return part.map(encode_batch, batched=True, remove_columns=["text"])


def measure(evaluated: EvalPrediction) -> dict[str, float]:
    return {"accuracy": float((evaluated.predictions.argmax(axis=-1) == evaluated.label_ids).mean())}


steps = {"num_train_epochs": options.epochs, "learning_rate": options.learning_rate}
trainer = Trainer(
    model,
    TrainingArguments(options.output, **steps, report_to="none", save_strategy="no"),
    DataCollatorWithPadding(tokenizer),
    concatenate_datasets([encode(parts["train"], rate=0), encode(parts["train"], rate=0.5, seed=1)]),
    {"clean": encode(parts["test"], rate=0), "typos": encode(parts["test"], rate=0.5, seed=2)},
    tokenizer,  # saved with the model
    compute_metrics=measure,
)
trainer.train()
scores = trainer.evaluate()
print(f"accuracy: {scores['eval_clean_accuracy']:.3f} clean, {scores['eval_typos_accuracy']:.3f} with typos")
trainer.save_model()
