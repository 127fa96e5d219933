"""`python -m finetune score`: how good anybody's predictions are, by the measures of their field.

python -m finetune score --task squad2 dev-v2.0.json predictions.json --na-probs na_probs.json
python -m finetune score --task ner eng.testb predictions.conll
"""

import json
import sys
from contextlib import nullcontext

from charbert.commands.output import output_file
from charbert.commands.paths import STANDARD
from charbert.commands.tables import UNDEFINED
from charbert.errors import CharBertError
from data.examples.rows import BadRows
from finetune.settings import ScoreSettings
from finetune.tasks.registry import find_task


def run(settings: ScoreSettings) -> None:
    """Print the scores as JSON, and write them into a file if one is given."""
    bad = BadRows(settings.skip_bad_rows)
    with nullcontext() if settings.output == STANDARD else output_file(settings) as partial:
        found = score_file(settings, bad)
        scores = json.dumps(found, indent=2)
        if partial is not None:
            partial.write_text(scores + "\n", encoding="utf-8")
    print(scores)
    for name in (name for name, score in found.items() if score is None):
        print(f"{name}: {UNDEFINED}", file=sys.stderr)
    if bad:
        print(bad.summary(), file=sys.stderr)


def score_file(settings: ScoreSettings, bad: BadRows) -> dict[str, float]:
    """The scores of a file of predictions.

    Args:
        settings: the files, and what is in them.
        bad: gets the rows that cannot be scored.

    Raises:
        CharBertError: a file cannot be read, or the files and options do not belong together.
    """
    entry = find_task(settings.task)
    may_have_no_answer = entry.options.get("unanswerable", "unanswerable" in entry.task.SETTINGS)
    if settings.na_probs and not may_have_no_answer:
        raise CharBertError(f"--na-probs: {settings.task} has no questions without an answer; leave it out")
    return entry.task.score_file(settings, bad, **entry.options)
