"""Copies of the training data with typos, which a model is trained on beside it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from plain import save_plain
from small_finetuning import TAGGED, write_conll, write_csv, write_finetune_config, write_squad
from small_tasks import tag_task, tagged, text_task

from charbert.commands.results import read_results
from charbert.errors import CharBertError
from data.examples.types import Answer, QuestionExample, TextExample
from finetune import augmentation
from finetune import run as runs
from finetune.__main__ import main
from finetune.augmentation import make_copies
from finetune.settings import FinetuneSettings
from finetune.tasks.answers import AnswerTask

TEXTS = [
    TextExample(str(number), text, None, label, f"file: row {number}")
    for number, (text, label) in enumerate(
        [("the quick brown fox", "animal"), ("a token is a word", "thing"), ("she is so", "thing")]
    )
]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plain BERT."""
    return save_plain(tmp_path_factory.mktemp("models") / "plain", "bert", "model")


def settings(**changes: Any) -> FinetuneSettings:
    return FinetuneSettings(**{"task": "text", "output": "", "model": "x", "augmentation": 1, **changes})


def texts_of(seed: int, **changes: Any) -> list[str]:
    """The texts of the noised copies of `TEXTS`."""
    copies, _ = make_copies(settings(**changes), text_task("animal", "thing"), TEXTS, seed)
    assert [(example.id, example.label) for example in copies] == [
        (example.id, example.label) for example in TEXTS
    ] * settings(**changes).augmentation
    return [example.text for example in copies]


def run(output: Path, *arguments: str, **given: Any) -> dict[str, Any]:
    main([str(write_finetune_config(output, **given)), *arguments])
    return read_results(output)


def test_without_it_there_are_no_copies() -> None:
    assert texts_of(0, augmentation=0) == []


def test_each_copy_has_noise_of_its_own() -> None:
    copies = texts_of(7, augmentation=3)
    fox = {copies[0], copies[3], copies[6]}
    assert len(fox) == 3
    assert "the quick brown fox" not in fox
    assert copies[2::3] == ["she is so"] * 3  # words too short for a typo


def test_the_seed_of_the_run_decides_the_noise() -> None:
    assert texts_of(7, augmentation=2) == texts_of(7, augmentation=2)
    # Nor is a copy of one run another copy of the next.
    seen = [text for seed in range(4) for text in texts_of(seed, augmentation=2)[::3]]
    assert len(set(seen)) == len(seen)


def test_the_first_copies_are_the_same_however_many_there_are() -> None:
    assert texts_of(7, augmentation=3)[:3] == texts_of(7, augmentation=1)


def test_kind_and_rate_are_those_of_the_settings() -> None:
    _, token, _, _, word = texts_of(1, augmentation_kind="drop")[1].split()
    assert token in ("tken", "toen", "tokn")
    assert word in ("wrd", "wod")
    assert texts_of(1, augmentation_rate=0.0) == [example.text for example in TEXTS]


def test_language_and_misspellings_are_those_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("quick qwik\nword wurd\n")
    changes = {"augmentation_kind": "natural", "augmentation_misspellings": str(tmp_path / "list")}
    assert texts_of(1, **changes) == ["the qwik brown fox", "a token is a wurd", "she is so"]
    english, german = (
        texts_of(1, augmentation_kind="keyboard", augmentation=30, augmentation_language=language)
        for language in ("en", "de")
    )
    assert english != german


def test_a_model_outlives_the_misspellings_it_was_trained_with(plain: Path, tmp_path: Path) -> None:
    train, words = write_csv(tmp_path / "train.csv"), tmp_path / "list"
    words.write_text("quick qwik\n")
    noise = {"augmentation": 1, "augmentation_kind": "natural", "augmentation_misspellings": words}
    run(tmp_path / "out", task="text", train=train, dev=train, model=plain, epochs=0.2, **noise)
    words.unlink()
    main(["predict", str(tmp_path / "out"), str(train), "--output", str(tmp_path / "out.jsonl")])


def test_the_counts_are_those_of_all_copies() -> None:
    _, numbers = make_copies(settings(augmentation=2), text_task("animal", "thing"), TEXTS, 0)
    # quick, brown; token, word
    assert numbers == {
        "augmentation_examples": 6,
        "augmentation_words": 2 * 12,
        "augmentation_eligible": 2 * 4,
        "augmentation_changed": 2 * 4,
        "augmentation_untouched": 2 * 1,
    }


@pytest.mark.parametrize("contexts", (False, True))
def test_answers_stay_right_in_noised_contexts(contexts: bool) -> None:
    context = "the quick brown fox jumps over the lazy dogs"
    example = QuestionExample("0", "which foxes jumped", context, (Answer("lazy dogs", 35),), True, "", "")
    task = AnswerTask(
        max_length=64, stride=8, max_answer_length=9, n_best=2, unanswerable=False, threshold=None
    )
    copies, _ = make_copies(settings(augmentation=5, augmentation_contexts=contexts), task, [example], 3)
    for copy in copies:
        assert copy.question != example.question
        assert (copy.context != example.context) == contexts
        for answer in copy.answers:
            assert copy.context[answer.start : answer.start + len(answer.text)] == answer.text


def test_a_sentence_whose_noise_needs_an_unknown_tag_is_not_copied(caplog: pytest.LogCaptureFixture) -> None:
    sentences = [tagged("a London b", "O B-LOC O"), tagged("a quickly b", "O O O")]
    task = tag_task("B-LOC", "O")
    copies, _ = make_copies(settings(augmentation_kind="space"), task, sentences, 0)
    assert [set(example.tags) for example in copies] == [{"O"}]
    assert "tag 'I-LOC' is not among those of training" in caplog.text


@pytest.mark.parametrize("start", ("model", "backbone"))
def test_a_run_trains_on_the_copies_and_says_how_many(start: str, plain: Path, tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv")
    numbers = run(
        tmp_path / "out", "--augmentation", "2", task="text", train=train, dev=train, **{start: plain}
    )
    assert numbers["train_examples"] == len(TAGGED)
    assert numbers["augmentation_examples"] == 2 * len(TAGGED)
    assert 0 < numbers["augmentation_changed"] <= numbers["augmentation_eligible"]
    assert numbers["steps"] == 2 * 3 * len(TAGGED) // 4


def test_a_run_without_it_says_nothing_of_it(plain: Path, tmp_path: Path) -> None:
    numbers = run(tmp_path / "out", task="text", train=write_csv(tmp_path / "train.csv"), model=plain)
    assert not [name for name in numbers if name.startswith("augmentation")]


def test_what_a_model_is_chosen_and_scored_by_has_no_noise(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noised: list[str] = []

    def attack_examples(examples: Sequence[Any], *given: Any) -> Any:
        noised.extend(example.location for example in examples)
        return original(examples, *given)

    original = augmentation.attack_examples
    monkeypatch.setattr(augmentation, "attack_examples", attack_examples)
    files = {name: write_conll(tmp_path / f"{name}.conll") for name in ("train", "dev", "test")}
    run(tmp_path / "out", "--augmentation", "1", task="tagging", model=plain, **files)
    assert len(noised) == len(TAGGED)
    assert all("train.conll" in place for place in noised)
    written = (tmp_path / "out/predictions/test.conll").read_text().split()
    assert [word for words, _ in TAGGED for word in words] == written[::2]


def test_classes_are_weighed_as_without_noise(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[list[int]] = []

    def balance_weights(targets: Sequence[int], classes: int) -> Any:
        counted.append(list(targets))
        return original(targets, classes)

    original = runs.balance_weights
    monkeypatch.setattr(runs, "balance_weights", balance_weights)
    train = write_conll(tmp_path / "train.conll")
    for number in (0, 2):
        noise = ("--augmentation", str(number), "--augmentation_kind", "space")
        given = {"task": "tagging", "train": train, "dev": train, "model": plain, "epochs": 0.2}
        run(tmp_path / f"out-{number}", *noise, **given, class_weights=True)
    assert counted[0] == counted[1]


def test_the_same_command_trains_on_the_same_noise(plain: Path, tmp_path: Path) -> None:
    train = write_squad(tmp_path / "questions.json")
    given = {"task": "squad2", "train": train, "dev": train, "model": plain, "epochs": 1}
    for name in ("one", "other"):
        run(tmp_path / name, "--augmentation", "1", "--augmentation_contexts", **given)
    one, other = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "other"))
    assert one == other


@pytest.mark.parametrize(("copies", "told"), ((0, True), (1, False)))
def test_noise_without_copies_is_told(copies: int, told: bool, caplog: pytest.LogCaptureFixture) -> None:
    augmentation.make_attack(settings(augmentation=copies, augmentation_rate=0.5))
    assert ("augmentation_rate: not used, as augmentation=0 makes no copies" in caplog.messages) == told


@pytest.mark.parametrize(
    ("changes", "message"),
    (
        ({"augmentation_kind": "tpyo"}, "--augmentation-kind: 'tpyo' is unknown"),
        ({"augmentation_rate": 1.5}, "--augmentation-rate: 1.5 must be"),
        ({"augmentation": -1}, "--augmentation: -1 must be at least 0"),
        ({"augmentation_language": "xx"}, "--augmentation-language: 'xx' is unknown"),
        ({"augmentation": 1, "augmentation_kind": "natural"}, "augmentation: no list of misspellings"),
        (
            {"augmentation_kind": "natural", "augmentation_misspellings": "nowhere.txt"},
            "--augmentation-misspellings: nowhere.txt: no such file",
        ),
        ({"augmentation_misspellings": __file__}, "augmentation: paper takes no misspellings"),
    ),
)
def test_noise_that_cannot_be_made_is_refused_before_data_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str
) -> None:
    def missing() -> None:
        raise CharBertError("no list of misspellings")

    monkeypatch.setattr("charbert.noise.misspellings.load_codespell", missing)
    (tmp_path / "empty.csv").touch()  # could not be read
    with pytest.raises(CharBertError, match=message):
        run(tmp_path / "out", task="text", train=tmp_path / "empty.csv", model="nowhere", **changes)
    assert not (tmp_path / "out").exists()
