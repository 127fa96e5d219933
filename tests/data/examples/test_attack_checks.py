"""Every kind of noise keeps labels valid: tags fit their words, answers stay in their contexts.

`CHARBERT_LABELLED_FILES="ner=eng.testb squad2=dev-v2.0.json"` checks those files too, written and read again.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from attack_checks import checked

from benchmarks.labelled import RandomExamples
from charbert.noise import KINDS, Attack, load_attack
from data.examples import attack as command
from data.examples.readers import Columns, read_examples
from data.examples.rows import BadRows
from data.examples.types import (
    Answer,
    QuestionExample,
    TaggedExample,
    TextExample,
    attack_examples,
)

TEXT = TextExample("t", "the  dog barks", "a cat", "yes", "file: row 1")
TAGGED = TaggedExample("s", ("New", "York", "is"), ("B-LOC", "I-LOC", "O"), 0, "file: row 1")
SINGLE = TaggedExample("s", ("York", "is"), ("S-LOC", "O"), 0, "file: row 1")
QUESTION = QuestionExample(
    "q", "who barks", "the dog barks", (Answer("dog", 4),), True, "", "file: question q"
)


def faults(old: Any, new: Any, changed: int, spaced: bool = False) -> list[str]:
    return checked([old], [new], changed, spaced).faults


@pytest.mark.parametrize(
    ("old", "new", "changed", "spaced"),
    (
        (TEXT, TEXT._replace(text="the  dgo baarks", pair="a cta"), 3, False),
        (TEXT, TEXT._replace(text="thedo g barks"), 2, True),
        (TAGGED, TAGGED._replace(words=("Nwe", "York", "is")), 1, False),
        (
            TAGGED,
            TAGGED._replace(words=("N", "ew", "York", "is"), tags=("B-LOC", "I-LOC", "I-LOC", "O")),
            1,
            True,
        ),
        (TAGGED, TAGGED._replace(words=("NewYork", "is"), tags=("B-LOC", "O")), 1, True),
        (SINGLE, SINGLE._replace(words=("Yo", "rk", "is"), tags=("B-LOC", "E-LOC", "O")), 1, True),
        (QUESTION, QUESTION._replace(context="tthe dgo barks", answers=(Answer("dgo", 5),)), 2, False),
        (QUESTION, QUESTION._replace(context="thed og barks", answers=(Answer("d og", 3),)), 2, True),
    ),
)
def test_what_is_right_has_no_faults(old: Any, new: Any, changed: int, spaced: bool) -> None:
    assert faults(old, new, changed, spaced) == []


@pytest.mark.parametrize(
    ("old", "new", "changed", "spaced", "fault"),
    (
        (TEXT, TEXT._replace(label="no"), 0, False, "has another id or label"),
        (TEXT, TEXT._replace(text="the dog barks"), 0, False, "became 'the dog barks'"),
        (
            TEXT,
            TEXT._replace(text="the  dgo barks"),
            0,
            False,
            "1 words differ, and 0 are said to be changed",
        ),
        (TEXT, TEXT._replace(text="the  dgo barks"), 1, True, "became 'the  dgo barks'"),
        (TAGGED, TAGGED._replace(words=("New", "Yrok")), 1, False, "has the tags B-LOC I-LOC O"),
        (TAGGED, TAGGED._replace(tags=("O", "O", "O")), 0, False, "has the tags O O O"),
        (
            TAGGED,
            TAGGED._replace(words=("NewYo", "rk", "is"), tags=("B-LOC", "O", "O")),
            1,
            True,
            "has the tags",
        ),
        (
            TAGGED,
            TAGGED._replace(words=("New", "Yorkis"), tags=("B-LOC", "O")),
            1,
            True,
            "has the tags B-LOC O",
        ),
        (
            SINGLE,
            SINGLE._replace(words=("Yo", "rk", "is"), tags=("S-LOC", "S-LOC", "O")),
            1,
            True,
            "has the tags S-LOC S-LOC O",
        ),
        (QUESTION, QUESTION._replace(answers=(Answer("dog", 5),)), 0, False, "the answer"),
        (QUESTION, QUESTION._replace(answers=(Answer("the", 0),)), 0, False, "the answer"),
        (QUESTION, QUESTION._replace(answers=(Answer("dog b", 4),)), 0, False, "the answer"),
        (QUESTION, QUESTION._replace(answers=(Answer("do", 4),)), 0, True, "the answer"),
    ),
)
def test_every_fault_is_found(old: Any, new: Any, changed: int, spaced: bool, fault: str) -> None:
    assert any(fault in found for found in faults(old, new, changed, spaced))


def test_a_context_with_two_attacks_is_one_too_many() -> None:
    new = [QUESTION._replace(context="the dog braks"), QUESTION._replace(context="the dog bakrs")]
    assert checked([QUESTION, QUESTION], new, 1, spaced=False).faults


def test_tags_and_answers_are_counted() -> None:
    assert checked([TAGGED, TAGGED], [TAGGED, TAGGED], 0, spaced=False).tags == 6
    assert checked([QUESTION], [QUESTION], 0, spaced=False).answers == 1


@pytest.mark.parametrize("name", ("text", "tags", "answers"))
@pytest.mark.parametrize("noise", KINDS)
def test_random_examples_keep_their_labels(noise: str, name: str) -> None:
    old = RandomExamples(2000)(name, 30)
    misspellings = {word: (word + word[-1],) for word in _words(old)[::2]}
    attack = Attack(noise, seed=1, misspellings=misspellings)
    new, counts = attack_examples(old, attack, contexts=name == "answers")
    assert 0 < counts.changed <= counts.eligible <= counts.words
    assert checked(old, new, counts.changed, spaced=noise == "space").faults == []


@pytest.mark.parametrize("noise", KINDS)
@pytest.mark.parametrize("file", os.environ.get("CHARBERT_LABELLED_FILES", "").split())
def test_labelled_files_keep_their_labels(noise: str, file: str, tmp_path: Path) -> None:
    task, _, path = file.partition("=")
    columns = Columns(task=task)
    old: list[Any] = list(read_examples(columns, path, BadRows(skip=True)))
    contexts = hasattr(old[0], "context")
    new, counts = attack_examples(old, load_attack(noise), contexts)
    assert checked(old, new, counts.changed, spaced=noise == "space").faults == []
    output = tmp_path / Path(path).name
    command.run(
        command.AttackFileSettings(
            file=path,
            output=str(output),
            task=task,
            kind=noise,
            skip_bad_rows=True,
            contexts=contexts,
        )
    )
    again: list[Any] = list(read_examples(columns, str(output), BadRows()))
    assert [each._replace(location="") for each in again] == [each._replace(location="") for each in new]


def _words(examples: list[Any]) -> list[str]:
    texts = [text for each in examples for text in each.readable.values()]
    texts += [each.context for each in examples if hasattr(each, "context")]
    words = [word for text in texts for word in (text.split() if isinstance(text, str) else text)]
    return list(dict.fromkeys(words))
