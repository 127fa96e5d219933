"""`python -m finetune predict MODEL FILE --output FILE`: predictions of a fine-tuned model for a file."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from charbert.commands.output import output_file
from charbert.commands.progress import progress_bar
from charbert.errors import CharBertError
from data.examples.readers import read_examples
from data.examples.rows import BadRows
from finetune.inference import Predictor
from finetune.models import load_finetuned, load_task
from finetune.settings import PredictSettings

CHUNK = 1000  # examples in memory
LINES = ".jsonl"


def run(settings: PredictSettings) -> None:
    """Write a prediction for each example of a file."""
    run_settings, task = load_task(Path(settings.model))
    output, bad = Path(settings.output), BadRows(settings.skip_bad_rows)
    if output.suffix not in (LINES, task.ending):
        raise CharBertError(f"{output}: must end in {LINES} or {task.ending}")
    with output_file(settings) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        model, tokenizer = load_finetuned(settings.model, task)
        predictor = Predictor(
            task, model, tokenizer, batch_tokens=settings.batch_tokens or 0, bf16=run_settings.bf16
        )
        examples = read_examples(run_settings, settings.file, bad, labelled=False)
        kept: tuple[list[Any], list[Any]] = [], []
        for chunk in _chunks(examples):
            predictions = predictor(chunk)
            if output.suffix == LINES:
                for record in task.records(chunk, predictions):
                    file.write(json.dumps(record, ensure_ascii=False) + "\n")
            else:
                kept[0].extend(chunk)
                kept[1].extend(predictions)
        if output.suffix != LINES:
            task.write(*kept, partial)
    if bad:
        print(bad.summary())
    print(f"predictions in {output}")


def _chunks(examples: Iterator[Any]) -> Iterator[list[Any]]:
    with progress_bar(desc="predicting", unit=" examples") as bar:
        while chunk := list(islice(examples, CHUNK)):
            yield chunk
            bar.update(len(chunk))
