import json
from pathlib import Path

import pytest

from charbert.errors import CharBertError
from finetune.__main__ import main

WORDS = (("Ann", "Lee", "went"), ("to", "Oslo"))
TAGS = (("B-PER", "I-PER", "O"), ("O", "B-LOC"))
COLA = (("0", "bad this"), ("1", "this is good"), ("1", "so is this"), ("0", "is so"))


@pytest.fixture
def scored(tmp_path, capsys):
    """What the command prints for files in `tmp_path`, and what it tells beside it."""

    def run(*arguments: str) -> tuple[dict[str, float], str]:
        names = [str(tmp_path / each) if (tmp_path / each).exists() else each for each in arguments]
        main(["score", *names])
        shown = capsys.readouterr()
        return json.loads(shown.out), shown.err

    return run


@pytest.fixture
def write(tmp_path):
    def file(name: str, content: str) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode())
        return path

    return file


@pytest.fixture
def squad(write):
    """Two questions that have an answer."""
    write("gold.json", squad_json({"p": "Oslo", "q": "red fox"}))


@pytest.fixture
def squad2(write):
    """One question that has an answer, and one that has none."""
    write("gold.json", squad_json({"p": "Oslo", "q": None}))


@pytest.fixture
def entities(write):
    write("gold.conll", columns(WORDS, TAGS))


@pytest.fixture
def cola(write):
    write("gold.tsv", "".join(f"x\t{label}\t\t{text}\n" for label, text in COLA))


def squad_json(answers: dict[str, str | None]) -> str:
    questions = [
        {
            "id": name,
            "question": "What?",
            "answers": [] if text is None else [{"text": text, "answer_start": 4}],
            "is_impossible": text is None,
        }
        for name, text in answers.items()
    ]
    paragraphs = [{"context": f"the {answers[each['id']] or 'end'}", "qas": [each]} for each in questions]
    return json.dumps({"version": "v", "data": [{"title": "t", "paragraphs": paragraphs}]})


def columns(words, *tags) -> str:
    sentences = (
        "".join(" ".join(cells) + "\n" for cells in zip(*sides, strict=True))
        for sides in zip(words, *tags, strict=True)
    )
    return "\n".join(sentences)


def test_squad_is_scored_by_id(scored, write, squad):
    write("given.json", json.dumps({"q": "the fox", "p": "Oslo!"}))
    found, told = scored("--task", "squad", "gold.json", "given.json")
    assert found == pytest.approx({"exact_match": 50.0, "f1": (100 + 100 * 2 / 3) / 2})
    assert told == ""


def test_squad_tells_of_missing_predictions(scored, write, squad):
    write("given.json", '{"p": "Oslo"}')
    found, told = scored("--task", "squad", "gold.json", "given.json")
    assert found["exact_match"] == 50.0
    assert told == "1 of 2 questions have no prediction and count as wrong, the first is 'q'\n"


def test_squad2_takes_probabilities_and_a_threshold(scored, write, squad2):
    write("given.json", '{"p": "Oslo", "q": "end"}')
    write("probs.json", '{"p": 0.1, "q": 0.7}')
    command = ("--task", "squad2", "gold.json", "given.json", "--na-probs", "probs.json")
    found, _ = scored(*command)
    assert (found["exact"], found["best_exact"], found["best_exact_thresh"]) == (50.0, 100.0, 0.1)
    found, _ = scored(*command, "--na-threshold", "0.5")
    assert found["exact"] == 100.0


def test_squad2_has_no_best_threshold_without_probabilities(scored, write, squad2):
    write("given.json", '{"p": "Oslo", "q": ""}')
    found, _ = scored("--task", "squad2", "gold.json", "given.json")
    assert list(found)[-1] == "NoAns_total"


def test_questions_of_ones_own_score_as_squad_while_all_have_answers(scored, write, squad):
    write("given.json", '{"p": "Oslo", "q": "red fox"}')
    found, _ = scored("--task", "qa", "gold.json", "given.json")
    assert found == {"exact_match": 100.0, "f1": 100.0}


def test_questions_of_ones_own_score_as_squad2_once_one_has_no_answer(scored, write, squad2):
    write("given.json", '{"p": "Oslo", "q": ""}')
    found, _ = scored("--task", "qa", "gold.json", "given.json")
    assert (found["exact"], found["NoAns_total"]) == (100.0, 1)


def test_questions_of_ones_own_stand_in_a_table_too(scored, write):
    write("gold.csv", "id,question,context,reply\n7,Where?,In Oslo.,Oslo\n")
    write("given.json", '{"7": "Oslo"}')
    found, _ = scored("--task", "qa", "gold.csv", "given.json", "--answers-column", "reply")
    assert found["exact_match"] == 100.0


def test_probabilities_belong_to_questions_without_answers(scored, write, entities):
    write("probs.json", "{}")
    with pytest.raises(CharBertError, match="--na-probs: ner"):
        scored("--task", "ner", "gold.conll", "gold.conll", "--na-probs", "probs.json")


def test_entities_are_scored_overall_and_by_type(scored, write, entities):
    write("given.conll", columns(WORDS, (("I-PER", "I-PER", "O"), ("O", "O"))))
    found, _ = scored("--task", "ner", "gold.conll", "given.conll")
    assert found == pytest.approx(
        {
            **{"precision": 1.0, "recall": 0.5, "f1": 2 / 3, "accuracy": 0.6},
            **{"LOC_precision": 0.0, "LOC_recall": 0.0, "LOC_f1": 0.0, "LOC_support": 1},
            **{"PER_precision": 1.0, "PER_recall": 1.0, "PER_f1": 1.0, "PER_support": 1},
        }
    )


@pytest.mark.parametrize("task", ["ner", "tagging"])
def test_accuracy_of_tags_is_of_those_in_the_files(scored, write, task):
    words = (("Anna", "Karenina"),)
    write("gold.conll", columns(words, (("I-PER", "I-PER"),)))
    write("given.jsonl", json.dumps({"words": words[0], "tags": ("O", "I-PER")}))
    found, _ = scored("--task", task, "gold.conll", "given.jsonl")
    assert (found["accuracy"], found["f1"]) == (0.5, 0.0)


def test_right_and_predicted_tags_may_stand_in_one_file(scored, write):
    write("both.conll", columns(WORDS, TAGS, (("B-PER", "I-PER", "O"), ("O", "B-ORG"))))
    command = (
        "--task",
        "ner",
        "both.conll",
        "both.conll",
        "--tag-number",
        "1",
        "--predicted-tag-number",
        "2",
    )
    found, _ = scored(*command)
    assert found["f1"] == 0.5


def test_words_may_stand_in_another_column(scored, write):
    words = (("1", "2", "3"), ("1", "2"))
    write("gold.conll", columns(words, WORDS, TAGS))
    write("given.conll", columns(WORDS, TAGS))
    found, _ = scored("--task", "ner", "gold.conll", "given.conll", "--word-number", "1")
    assert found["f1"] == 1.0
    command = ("--word-number", "1", "--predicted-word-number", "1")
    found, _ = scored("--task", "ner", "gold.conll", "gold.conll", *command)
    assert found["f1"] == 1.0


def test_tags_of_ones_own_are_entities_by_their_form(scored, write, entities):
    found, _ = scored("--task", "tagging", "gold.conll", "gold.conll")
    assert found["f1"] == 1.0
    write("words.conll", columns(WORDS, (("N", "N", "V"), ("P", "N"))))
    write("given.conll", columns(WORDS, (("N", "V", "V"), ("P", "N"))))
    found, _ = scored("--task", "tagging", "words.conll", "given.conll")
    assert found == {"accuracy": 0.8}


def test_predicted_tags_may_be_json_lines(scored, write, entities):
    rows = [{"words": words, "tags": tags} for words, tags in zip(WORDS, TAGS, strict=True)]
    write("given.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    found, _ = scored("--task", "ner", "gold.conll", "given.jsonl")
    assert found["f1"] == 1.0


def test_parts_of_speech_of_conllu_beside_columns(scored, write):
    cells = (("1", "Ann", "_", "PROPN", "NNP"), ("2", "went", "_", "VERB", "VBD"))
    write("gold.conllu", "".join("\t".join((*row, *"_____")) + "\n" for row in cells))
    write("given.conll", "Ann NNP\nwent VB\n")
    found, _ = scored("--task", "pos", "gold.conllu", "given.conll")
    assert found == {"accuracy": 0.5}


def test_entities_in_another_scheme_are_refused(scored, write, entities):
    write("given.conll", columns(WORDS, (("B-PER", "E-PER", "O"), ("O", "S-LOC"))))
    with pytest.raises(
        CharBertError, match=r"given.conll: row 1: the tag 'E-PER' is none of O, B-..., I-..., "
    ):
        scored("--task", "ner", "gold.conll", "given.conll")


@pytest.mark.parametrize("task", ["ner", "tagging"])
@pytest.mark.parametrize(
    ("positions", "scheme"), [("BES", "IOBES"), ("BMES", "BMES"), ("BLU", "BILOU"), ("IEE", "IOE")]
)
def test_the_scheme_of_entities_is_found_and_told(scored, write, task, positions, scheme):
    begins, *inside, ends, alone = positions
    cells = ((f"{begins}-PER", f"{ends}-PER", "O"), ("O", f"{alone}-LOC"))
    extra = (
        (*[("Ann", *"x" * len(inside), "Lee")],),
        ((f"{begins}-PER", *(f"{at}-PER" for at in inside), f"{ends}-PER"),),
    )
    write("gold.conll", columns((*WORDS, *extra[0]), (*cells, *extra[1])))
    write("given.conll", columns((*WORDS, *extra[0]), (*cells[:1], ("O", "O"), *extra[1])))
    found, told = scored("--task", task, "gold.conll", "given.conll")
    assert (found["recall"], found["precision"]) == (pytest.approx(2 / 3), 1.0)
    assert told == f"entities are marked in the scheme {scheme}\n"


@pytest.mark.parametrize("given", ["0\n1\n0\n0\n", "index\tprediction\n2\t0\n3\t0\n0\t0\n1\t1\n"])
def test_glue_takes_lines_and_the_official_table(scored, write, cola, given):
    write("given.tsv", given)
    found, _ = scored("--task", "cola", "gold.tsv", "given.tsv")
    # Of the two right "1" one is predicted, and of the two "0" both.
    assert found == {"matthews_correlation": pytest.approx(2 / (2 * 2 * 1 * 3) ** 0.5)}


def test_labels_that_a_task_does_not_know_are_refused(scored, write, cola):
    write("given.tsv", "0\n1\nyes\n0\n")
    with pytest.raises(CharBertError, match=r"given.tsv: row 3: unknown label 'yes'; the labels are 0, 1"):
        scored("--task", "cola", "gold.tsv", "given.tsv")


def test_similarities_are_numbers(scored, write):
    rows = "".join(f"{number}\ta\tb\t{number / 2}\n" for number in range(4))
    write("gold.tsv", f"index\tsentence1\tsentence2\tscore\n{rows}")
    write("given.txt", "1\n2.5\n3\n4.75\n")
    found, _ = scored("--task", "stsb", "gold.tsv", "given.txt")
    assert found["spearmanr"] == pytest.approx(1.0)
    write("given.txt", "1\n2.5\nthree\n4.75\n")
    with pytest.raises(CharBertError, match=r"given.txt: row 3: .*no number"):
        scored("--task", "stsb", "gold.tsv", "given.txt")


def test_bad_rows_of_either_file_are_left_out_on_demand(scored, write):
    rows = (("5", "1"), ("6", "maybe"), ("7", "0"), ("8", "1"))
    write("gold.tsv", "".join(f"{label}\ta\tb\t{name}\n" for name, label in rows))
    write("given.tsv", "id\tprediction\n8\t1\n7\tnever\n6\t0\n5\t1\n")
    found, told = scored("--task", "qqp", "gold.tsv", "given.tsv", "--skip-bad-rows")
    assert found["accuracy"] == 1.0
    assert "2 rows left out" in told
    assert "gold.tsv: row 2: unknown label 'maybe'" in told
    assert "given.tsv: row 3: unknown label 'never'" in told


def test_examples_without_labels_cannot_be_scored(scored, write):
    write("gold.tsv", "index\tsentence\n0\ta\n")
    write("given.tsv", "1\n")
    with pytest.raises(CharBertError, match=r"gold.tsv: row 2: has no label"):
        scored("--task", "sst2", "gold.tsv", "given.tsv")
    with pytest.raises(CharBertError, match=r"gold.tsv: no row is left"):
        scored("--task", "sst2", "gold.tsv", "given.tsv", "--skip-bad-rows")


def test_texts_of_ones_own(scored, write):
    write("gold.csv", "text,topic\na,x\nb,y\nc,y\n")
    write("given.csv", "prediction\nx\nx\ny\n")
    found, _ = scored("--task", "text", "gold.csv", "given.csv", "--label-column", "topic")
    assert found == pytest.approx({"accuracy": 2 / 3, "f1_macro": 2 / 3})


def test_several_labels_at_once(scored, write):
    write("gold.jsonl", '{"text": "a", "label": ["x", "y"]}\n{"text": "b", "label": []}\n')
    write("given.jsonl", '{"id": "1", "prediction": []}\n{"id": "0", "prediction": ["y"]}\n')
    found, _ = scored("--task", "text", "gold.jsonl", "given.jsonl", "--label-kind", "multi_label")
    assert found == pytest.approx({"accuracy": 0.5, "f1_micro": 2 / 3, "f1_macro": 0.5})
    write("gold.jsonl", '{"text": "a", "label": ["x", "y, z"]}\n{"text": "b", "label": []}\n')
    write("given.tsv", 'index\tprediction\n0\t["x", "y, z"]\n1\t\n')
    found, _ = scored("--task", "text", "gold.jsonl", "given.tsv", "--label-kind", "multi_label")
    assert found["accuracy"] == 1.0
    write("gold.jsonl", '{"text": "a", "label": ["x", "y"]}\n{"text": "b", "label": []}\n')
    write("given.tsv", "prediction\ty\nx|y\t1\n\t1\n")
    command = ("gold.jsonl", "given.tsv", "--label-kind", "multi_label", "--separator", "|")
    found, _ = scored("--task", "text", *command)
    assert found["accuracy"] == 1.0


def test_numbers_for_texts(scored, write):
    write("gold.csv", "text,label\na,1.5\nb,2\nc,7\n")
    write("given.csv", "prediction\n1\n2\n3\n")
    found, _ = scored("--task", "text", "gold.csv", "given.csv", "--label-kind", "regression")
    assert found["spearmanr"] == pytest.approx(1.0)


def test_a_constant_has_no_correlation(scored, write):
    write("gold.csv", "text,label\na,1.5\nb,2\nc,7\n")
    write("given.csv", "prediction\n1\n1\n1\n")
    found, told = scored("--task", "text", "gold.csv", "given.csv", "--label-kind", "regression")
    assert found == {"pearson": None, "spearmanr": None}
    assert "pearson: none: labels or predictions are all the same" in told


def test_scores_are_written_into_a_file_too(scored, write, tmp_path, entities):
    found, _ = scored("--task", "ner", "gold.conll", "gold.conll", "--output", str(tmp_path / "scores.json"))
    assert json.loads((tmp_path / "scores.json").read_text()) == found


def test_a_file_of_scores_is_not_written_over_by_mistake(scored, write, tmp_path, entities):
    out = write("scores.json", "mine")
    given = ("--task", "ner", "gold.conll", "gold.conll", "--output", str(out))
    with pytest.raises(CharBertError, match="is there already; give another file or --overwrite"):
        scored(*given)
    found, _ = scored(*given, "--overwrite")
    assert json.loads(out.read_text()) == found
