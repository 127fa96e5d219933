"""`python -m finetune worst-case MODEL FILE --output FILE.json`, and robust accuracy by the budget."""

import json
import shutil
from collections.abc import Callable
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
import tiny
from plain import save_plain
from small_finetuning import TAGGED, write_conll, write_csv, write_squad
from small_recognition import small_recognizer
from transformers import AutoModelForSequenceClassification, BertForSequenceClassification

import charbert
from charbert.commands.cache import ResultCache
from charbert.errors import CharBertError
from data.examples.types import TextExample
from finetune.__main__ import main
from finetune.adversary import attack
from finetune.adversary.attack import attack_model
from finetune.adversary.goal_function import GoalFunction
from finetune.adversary.search_method import search
from finetune.adversary.transformation import CharacterEdits
from finetune.models import save_task
from finetune.settings import FinetuneSettings
from finetune.tasks.registry import make_task

FEW = ("--edits", "drop", "swap", "--searched-examples", "6")
OTHERS = ("--task", "text", "--max-length", "24")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `text`, `tagging` and `qa`, each as a run leaves it, and data of the task beside it."""
    folder = tmp_path_factory.mktemp("models")
    write_csv(folder / "text.csv")
    write_conll(folder / "tagging.conll")
    write_squad(folder / "qa.json")
    save_plain(folder / "plain", "bert", "model")
    names = {"id2label": {0: "animal", 1: "thing"}, "label2id": {"animal": 0, "thing": 1}}
    plain = BertForSequenceClassification(tiny.backbone_config("bert", **names))
    tiny.scatter_weights(plain, seed=2)
    tagger = tiny.build(charbert.CharBertForTokenClassification, "bert")
    answering = tiny.build(charbert.CharBertForQuestionAnswering, "bert", num_labels=2)
    save_run(folder / "text", plain, tiny.stock_tokenizer("bert"), "animal", "thing")
    save_run(folder / "tagging", tagger, tiny.tokenizer("bert"), "O", "B-ANIMAL", "B-THING")
    save_run(folder / "qa", answering, tiny.tokenizer("bert"), unanswerable=True)
    return folder


def save_run(folder: Path, model: Any, tokenizer: Any, *labels: str, **settings: Any) -> None:
    settings = {"max_length": 24, "stride": 4, **settings}
    trained = FinetuneSettings(task=folder.name, output=str(folder), model="a backbone", **settings)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    save_task(trained, make_task(trained.task, labels, vars(trained)), folder)


def attacked(model: Path | str, file: Path, out: Path, *arguments: str) -> dict[str, Any]:
    again = () if "--resume" in arguments else ("--overwrite",)
    main(["worst-case", str(model), str(file), "--output", str(out), *again, *arguments])
    return json.loads(out.read_bytes())


def tried_out(goal_function: GoalFunction, example: Any, budget: int, find_words: CharacterEdits) -> bool:
    """Whether a text stays right under all edits of so many words at most; each of its words is another."""
    words, texts = find_words(example), [example.text]
    for number in range(1, budget + 1):
        for chosen in combinations(words, number):
            for variants in product(*(word.variants for word in chosen)):
                text = example.text
                for word, variant in zip(chosen, variants, strict=True):
                    text = text.replace(word.word, variant)
                texts.append(text)
    return all(result.is_correct for result in goal_function([example._replace(text=text) for text in texts]))


@pytest.mark.parametrize("budget", [1, 2])
def test_robust_accuracy_is_the_share_that_stays_right_whatever_is_tried(budget: int) -> None:
    task = make_task("text", ["a", "b", "c"], {})
    model = tiny.build(charbert.CharBertForSequenceClassification, "bert")
    tokenizer = tiny.tokenizer("bert")
    goal_function, find_words = GoalFunction(task, model, tokenizer), CharacterEdits(("drop", "swap"))
    texts = [
        TextExample(str(number), " ".join(words), None, "a", "")
        for number, (words, _) in enumerate(TAGGED[::2])
    ]
    examples = [
        # Half of them as the model has them, half as it may not.
        text._replace(label=result.prediction.label if number % 2 else "b")
        for number, (text, result) in enumerate(zip(texts, goal_function(texts), strict=True))
    ]
    expected = [tried_out(goal_function, each, budget, find_words) for each in examples]
    clean, attacked = attack_model(
        task, model, tokenizer, examples, budgets=[budget], beam_size=500, edits=("drop", "swap")
    ).scores
    assert (clean["budget"], attacked["budget"]) == (0, budget)
    assert clean["robust_accuracy"] == sum(each.is_correct for each in goal_function(examples)) / len(
        examples
    )
    assert attacked["robust_accuracy"] == attacked["accuracy"] == sum(expected) / len(expected)
    assert 0 < attacked["robust_accuracy"] < clean["robust_accuracy"] < 1


@pytest.mark.parametrize(
    ("task", "file", "metric", "texts"),
    [
        ("text", "text.csv", "accuracy", "text"),
        ("tagging", "tagging.conll", "f1", "words"),
        ("qa", "qa.json", "f1", "question"),
    ],
)
def test_every_example_is_written_with_the_worst_of_it(
    task: str, file: str, metric: str, texts: str, models: Path, tmp_path: Path
) -> None:
    content = attacked(models / task, models / file, tmp_path / "out.json", "--budgets", "2", "1", *FEW)
    assert [line["budget"] for line in content["scores"]] == [0, 1, 2]
    examples = content["examples"]
    assert len(examples) == 6
    for number, line in enumerate(content["scores"]):
        worst = [example if number == 0 else example["worst"][number - 1] for example in examples]
        assert line["robust_accuracy"] == sum(each["right"] for each in worst) / len(worst)
        assert metric in line and line["seconds"] > 0
        if number:
            assert line["queries"] == sum(each["queries"] for each in worst) / len(worst)
    for example in examples:
        for worst in example["worst"]:
            assert len(worst["edits"]) <= worst["budget"]
            assert (worst[texts] == example[texts]) == (not worst["edits"])
            if task != "qa":
                assert worst["right"] == (worst["prediction"] == example["label"])


def test_the_same_seed_gives_the_same_examples_and_edits(models: Path, tmp_path: Path) -> None:
    arguments = ("--searched-examples", "5", "--variants", "3", "--edits", "add", "drop", "--beam-size", "2")
    runs = [
        attacked(models / "text", models / "text.csv", tmp_path / "out.json", *arguments, "--seed", seed)
        for seed in ("1", "1", "2")
    ]
    assert runs[0]["examples"] == runs[1]["examples"]
    assert runs[0]["examples"] != runs[2]["examples"]


def test_a_table_is_printed(models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = attacked(models / "text", models / "text.csv", tmp_path / "out.json", *FEW)
    header, *lines = capsys.readouterr().out.splitlines()[:4]
    assert header.split() == ["edits", "robust", "accuracy", "accuracy", "queries", "seconds"]
    assert [line.split()[:2] for line in lines] == [
        [str(line["budget"]), f"{line['robust_accuracy']:.4f}"] for line in content["scores"]
    ]


@pytest.fixture
def foreign(models: Path, tmp_path: Path) -> Callable[..., Path]:
    """The text model as another project would have saved it, with these names of its classes."""

    def saved(**names: Any) -> Path:
        model = AutoModelForSequenceClassification.from_pretrained(models / "text", **names)
        model.save_pretrained(tmp_path / "foreign")
        tiny.stock_tokenizer("bert").save_pretrained(tmp_path / "foreign")
        return tmp_path / "foreign"

    return saved


def test_a_model_of_others_needs_a_task_and_brings_its_labels(
    models: Path, foreign: Callable[..., Path], tmp_path: Path
) -> None:
    file = tmp_path / "own.csv"
    file.write_text((models / "text.csv").read_text().replace("text,label", "review,class"))
    columns = (*OTHERS, "--text-column", "review", "--label-column", "class")
    found = attacked(foreign(), file, tmp_path / "out.json", *FEW, *columns)
    expected = attacked(models / "text", models / "text.csv", tmp_path / "own.json", *FEW)
    assert [each["worst"] for each in found["examples"]] == [each["worst"] for each in expected["examples"]]


def test_labels_of_a_model_of_others_can_be_named(
    models: Path, foreign: Callable[..., Path], tmp_path: Path
) -> None:
    folder = foreign(id2label={0: "LABEL_0", 1: "LABEL_1"}, label2id={"LABEL_0": 0, "LABEL_1": 1})
    given = (folder, models / "text.csv", tmp_path / "out.json", *FEW, *OTHERS)
    with pytest.raises(CharBertError, match=r"row 2: label 'animal' is not among.*--labels"):
        attacked(*given)
    found = attacked(*given, "--labels", "animal", "thing")
    expected = attacked(models / "text", models / "text.csv", tmp_path / "own.json", *FEW)
    assert found["scores"][2]["robust_accuracy"] == expected["scores"][2]["robust_accuracy"]
    with pytest.raises(CharBertError, match=r"3 names for the 2 classes of the model \(LABEL_0, LABEL_1\)"):
        attacked(*given, "--labels", "animal", "thing", "plant")


def test_a_model_without_a_head_is_refused(models: Path, tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="holds BertModel, and text needs one ForSequenceClassification"):
        attacked(models / "plain", models / "text.csv", tmp_path / "out.json", "--task", "text")
    with pytest.raises(CharBertError, match=r"has no task\.json"):
        attacked(models / "plain", models / "text.csv", tmp_path / "out.json")


def test_a_model_of_numbers_is_refused(models: Path, tmp_path: Path) -> None:
    BertForSequenceClassification(tiny.backbone_config("bert", num_labels=1)).save_pretrained(tmp_path / "m")
    tiny.stock_tokenizer("bert").save_pretrained(tmp_path / "m")
    numbers = tmp_path / "numbers.csv"
    numbers.write_text("text,label\nthe dog jumps,1.5\n")
    with pytest.raises(CharBertError, match="never simply right or wrong"):
        attacked(tmp_path / "m", numbers, tmp_path / "out.json", *OTHERS)


def test_what_a_recognizer_reads_right_cannot_hurt(models: Path, tmp_path: Path) -> None:
    small_recognizer().save_pretrained(tmp_path / "recognizer")
    file, out = models / "text.csv", tmp_path / "out.json"
    arguments = ("--edits", "swap", "--budgets", "1", "--searched-examples", "12")
    bare = attacked(models / "text", file, out, *arguments)["scores"]
    read = attacked(models / "text", file, out, *arguments, "--recognizer", str(tmp_path / "recognizer"))[
        "scores"
    ]
    assert bare[1]["robust_accuracy"] < bare[0]["robust_accuracy"]
    assert read[1]["robust_accuracy"] == read[0]["robust_accuracy"]
    with pytest.raises(CharBertError, match="no word recogniser"):
        attacked(models / "text", file, out, "--recognizer", str(models / "plain"))


def test_a_text_without_words_to_edit_counts_as_it_is(models: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.csv"
    texts.write_text("text,label\nthe fox .,animal\nthe fox .,thing\n")
    content = attacked(models / "text", texts, tmp_path / "out.json")
    assert [line["robust_accuracy"] for line in content["scores"]] == [0.5, 0.5, 0.5]
    assert [line["queries"] for line in content["scores"]] == [1, 1, 1]


def test_rows_without_labels_are_told_or_left_out(models: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.conllu"
    words.write_text("1\tdogs\t_\tX\tO\t_\t_\t_\t_\t_\n\n1\tdogs\t_\tX\tplant\t_\t_\t_\t_\t_\n")
    with pytest.raises(CharBertError, match="'plant' is not among"):
        attacked(models / "tagging", words, tmp_path / "out.json")
    content = attacked(models / "tagging", words, tmp_path / "out.json", "--skip-bad-rows")
    assert len(content["examples"]) == 1


def test_a_place_that_cannot_be_written_is_told(models: Path, tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match=r"must end in \.json"):
        attacked(models / "text", models / "text.csv", tmp_path / "out.xml")


def interrupted_search(
    models: Path, task: str, file: str, out: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> Path:
    """The cache that a search leaves which is interrupted after so many examples."""
    add = ResultCache.add

    def stop(cache: ResultCache, *given: Any) -> None:
        add(cache, *given)
        if len(cache) == after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(ResultCache, "add", stop)
        attacked(models / task, models / file, out, *FEW)
    assert list(out.parent.iterdir()) == [out.with_suffix(".partial.jsonl")]
    return out.with_suffix(".partial.jsonl")


@pytest.mark.parametrize(
    ("task", "file"), [("text", "text.csv"), ("tagging", "tagging.conll"), ("qa", "qa.json")]
)
def test_a_search_that_goes_on_finds_what_one_that_was_not_stopped_finds(
    task: str, file: str, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run" / "out.json"
    out.parent.mkdir()
    kept = interrupted_search(models, task, file, out, monkeypatch, after=3)
    with kept.open("a") as cut:
        cut.write('{"key": {"sec')
    searched: list[Any] = []

    def noted(goal_function: GoalFunction, words: Any, examples: list[Any], **settings: Any) -> Any:
        searched.extend(examples)
        return search(goal_function, words, examples, **settings)

    monkeypatch.setattr(attack, "search", noted)
    found = attacked(models / task, models / file, out, *FEW, "--resume")
    whole = attacked(models / task, models / file, tmp_path / "whole.json", *FEW)
    assert len(searched) == 3 + 6
    assert found["examples"] == whole["examples"]
    for ours, theirs in zip(found["scores"], whole["scores"], strict=True):
        assert ours == theirs | {"seconds": ours["seconds"]}
    assert not kept.exists()


def test_what_a_search_has_found_is_not_lost_by_mistake(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.json"
    kept = interrupted_search(models, "text", "text.csv", out, monkeypatch, after=2)
    command = ["worst-case", str(models / "text"), str(models / "text.csv"), "--output", str(out), *FEW]
    with pytest.raises(
        CharBertError, match=r"out\.partial\.jsonl: holds the results of an interrupted search"
    ):
        main(command)
    with pytest.raises(CharBertError, match="a search with other --beam-size; give the same"):
        main([*command, "--resume", "--beam-size", "2"])
    assert kept.exists()
    main([*command, "--resume", "--batch-tokens", "30"])
    with pytest.raises(CharBertError, match=r"out\.json: is there already; give another file or --overwrite"):
        main(command)


def test_of_a_finished_search_nothing_is_left_to_do(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("text", "text.csv"):
        (shutil.copytree if name == "text" else shutil.copy)(models / name, tmp_path / name)
    out = tmp_path / "out.json"
    found = attacked(models / "text", models / "text.csv", out, *FEW)
    again = attacked(tmp_path / "text", tmp_path / "text.csv", out, *FEW, "--resume", "--batch-tokens", "30")
    assert again == found
    shown = capsys.readouterr()
    assert f"{out}: was finished before; --overwrite does it again" in shown.err
    assert shown.out.count("robust accuracy") == 2
    with pytest.raises(
        CharBertError, match=r"out\.json: was made with --beam-size 1, not 2; go on with the same"
    ):
        attacked(models / "text", models / "text.csv", out, *FEW, "--resume", "--beam-size", "2")
    with (tmp_path / "text.csv").open("a") as file:
        file.write("the word,thing\n")
    with pytest.raises(CharBertError, match=r"was made with FILE .*text.csv, not .*text.csv"):
        attacked(models / "text", tmp_path / "text.csv", out, *FEW, "--resume")


def test_a_budget_beyond_all_words_ends(models: Path, tmp_path: Path) -> None:
    content = attacked(
        models / "text", models / "text.csv", tmp_path / "out.json", *FEW, "--budgets", "9" * 20
    )
    assert [line["budget"] for line in content["scores"]] == [0, int("9" * 20)]


@pytest.mark.parametrize("content", ["", "no JSON\n", "[]\n", '{"beam_size": 1}\n'])
def test_another_file_in_its_place_is_told(content: str, models: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.with_suffix(".partial.jsonl").write_text(content)
    if content:
        with pytest.raises(CharBertError, match="is not a result that was kept here"):
            attacked(models / "text", models / "text.csv", out, *FEW, "--resume")
    else:
        assert attacked(models / "text", models / "text.csv", out, *FEW, "--resume")["examples"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--budgets", "0"), "--budgets: 0 must be at least 1"),
        (("--max-length", "15"), "--max-length: 15 must be at least 16"),
        (("--resume", "--overwrite"), "exclude each other"),
        (("--limit", "5"), "'?--limit'? has the name '?--searched-examples'? now"),
        (("--label-kind", "multi_label"), "--label-kind: the model of a run knows its own"),
    ],
)
def test_wrong_settings_are_refused(
    wrong: tuple[str, ...], message: str, models: Path, tmp_path: Path
) -> None:
    with pytest.raises(CharBertError, match=message):
        attacked(models / "text", models / "text.csv", tmp_path / "out.json", *wrong)


def test_a_column_that_is_given_wins_over_that_of_the_run(models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(models / "text", folder)
    task = json.loads((folder / "task.json").read_text())
    task["settings"] |= {"text_column": "review", "label_column": "class"}
    (folder / "task.json").write_text(json.dumps(task))
    out, columns = tmp_path / "out.json", ("--text-column", "text", "--label-column", "label")
    with pytest.raises(CharBertError, match="'review'"):
        attacked(folder, models / "text.csv", out, *FEW)
    assert len(attacked(folder, models / "text.csv", out, *FEW, *columns)["examples"]) == 6


def test_the_data_is_not_written_over(models: Path) -> None:
    before = (models / "qa.json").read_bytes()
    with pytest.raises(CharBertError, match=r"qa\.json: is the input itself"):
        attacked(models / "qa", models / "qa.json", models / "qa.json", *FEW)
    assert (models / "qa.json").read_bytes() == before


def test_labels_are_not_those_of_a_run(models: Path, tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="--labels: the model of a run knows its own"):
        attacked(models / "text", models / "text.csv", tmp_path / "out.json", "--labels", "a", "b")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--budgets", "1"), "exact with one edit, for all variants of each word were tried\n"),
        (("--budgets", "1", "2"), "exact with one edit, for all variants of each word were tried; with more"),
        (("--budgets", "1", "--variants", "2"), "upper bounds: 2 variants of each word at most were tried"),
    ],
)
def test_the_command_says_how_far_its_scores_hold(
    models: Path, tmp_path: Path, options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = ("--edits", "swap", "--searched-examples", "1")
    attacked(models / "text", models / "text.csv", tmp_path / "out.json", *limits, *options)
    assert said in capsys.readouterr().out
