"""Reports of labels, and the figure of their confusion."""

import logging
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from small_tasks import ENTITY_TAGS, tag_predictions, tag_task, tagged, text_task

from data.examples.types import TextExample
from finetune.analysis import MOST_LABELS, REST, draw_confusion, write_report
from finetune.tasks.answers import AnswerTask
from finetune.tasks.texts import TextPrediction


def texts(gold: list[Any], predicted: list[Any]) -> tuple[list[TextExample], list[TextPrediction]]:
    return (
        [TextExample(str(number), "text", None, label, "file: row 1") for number, label in enumerate(gold)],
        [TextPrediction(str(number), label, {}) for number, label in enumerate(predicted)],
    )


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that were saved."""
    saved: list[Figure] = []
    save = Figure.savefig

    def remember(figure: Figure, *args: Any, **kwargs: Any) -> None:
        save(figure, *args, **kwargs)
        saved.append(figure)

    monkeypatch.setattr(Figure, "savefig", remember)
    return saved


def drawn(figure: Figure) -> tuple[list[str], dict[tuple[str, str], int]]:
    """The labels of a figure, and the counts in its cells by right and predicted label."""
    axes = figure.axes[0]
    across = [tick.get_text() for tick in axes.get_xticklabels()]
    down = [tick.get_text() for tick in axes.get_yticklabels()]
    assert across == down
    cells = ((text.get_position(), text.get_text()) for text in axes.texts)
    return down, {(down[row], across[column]): int(count) for (column, row), count in cells}


def report(folder: Path, name: str = "dev") -> dict[str, list[float]]:
    """The numbers of a written report by label."""
    header, *rows = (folder / f"report-{name}.txt").read_text(encoding="utf-8").splitlines()
    assert header.split() == ["label", "precision", "recall", "f1", "support"]
    cells = [row.rsplit(maxsplit=4) for row in rows]
    return {label: [float(number) for number in numbers] for label, *numbers in cells}


def test_report_of_classes_has_each_label_and_their_mean(tmp_path: Path) -> None:
    given = texts(list("aaab"), list("aabb"))
    write_report(text_task("a", "b"), *given, tmp_path, "dev")
    assert report(tmp_path) == {
        "a": [1.0, 0.6667, 0.8, 3],
        "b": [0.5, 1.0, 0.6667, 1],
        "mean": [0.75, 0.8333, 0.7333, 4],
    }


def test_files_are_named_after_the_examples(tmp_path: Path) -> None:
    write_report(text_task("a", "b"), *texts(["a"], ["b"]), tmp_path, "test-mismatched")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"report-test-mismatched.txt", "confusion-test-mismatched.png"}


def test_labels_that_nobody_names_are_left_out(tmp_path: Path, figures: list[Figure]) -> None:
    write_report(text_task("a", "b", "c", "d"), *texts(["d", "a"], ["d", "d"]), tmp_path, "dev")
    assert list(report(tmp_path)) == ["a", "d", "mean"]
    assert drawn(figures[0]) == (["a", "d"], {("d", "d"): 1, ("a", "d"): 1})


def test_report_of_entities_is_of_types_and_the_figure_of_words(
    tmp_path: Path, figures: list[Figure]
) -> None:
    examples = [tagged("a b c d", "B-PER I-PER O B-LOC"), tagged("e f", "B-LOC B-LOC")]
    predictions = tag_predictions("B-PER O O B-PER", "B-LOC I-LOC")
    write_report(tag_task(*ENTITY_TAGS), examples, predictions, tmp_path, "dev")
    assert report(tmp_path) == {
        "LOC": [0.0, 0.0, 0.0, 3],
        "PER": [0.0, 0.0, 0.0, 1],
        "mean": [0.0, 0.0, 0.0, 4],
    }
    names, counts = drawn(figures[0])
    assert names == ["LOC", "PER", "O"]
    assert counts == {
        ("PER", "PER"): 1,
        ("PER", "O"): 1,
        ("O", "O"): 1,
        ("LOC", "PER"): 1,
        ("LOC", "LOC"): 2,
    }


def test_report_of_other_tags_is_of_words(tmp_path: Path, figures: list[Figure]) -> None:
    examples, predictions = [tagged("a b c", "NN VB NN")], tag_predictions("NN NN NN")
    write_report(tag_task("NN", "VB"), examples, predictions, tmp_path, "dev")
    assert report(tmp_path)["NN"] == [0.6667, 1.0, 0.8, 2]
    assert drawn(figures[0])[1] == {("NN", "NN"): 2, ("VB", "NN"): 1}


def test_report_without_any_entity_is_a_header(tmp_path: Path) -> None:
    write_report(tag_task(*ENTITY_TAGS), [tagged("a b", "O O")], tag_predictions("O O"), tmp_path, "dev")
    assert report(tmp_path) == {}


def test_report_of_several_labels_at_once_has_no_figure(tmp_path: Path) -> None:
    gold, predicted = [("a", "b"), ("b",), ()], [("a",), ("a", "b"), ("c",)]
    task = text_task("a", "b", "c", "d", kind="multi_label")
    write_report(task, *texts(gold, predicted), tmp_path, "dev")
    assert report(tmp_path) == {
        "a": [0.5, 1.0, 0.6667, 1],
        "b": [1.0, 0.5, 0.6667, 2],
        "c": [0.0, 0.0, 0.0, 0],
        "mean": [0.5, 0.5, 0.4444, 3],
    }
    assert not list(tmp_path.glob("*.png"))


def test_report_where_no_text_has_any_of_several_labels_is_a_header(tmp_path: Path) -> None:
    write_report(text_task("a", "b", kind="multi_label"), *texts([()], [()]), tmp_path, "dev")
    assert report(tmp_path) == {}


ANSWERS = AnswerTask(max_length=32, stride=8, max_answer_length=8, n_best=2, unanswerable=False)


@pytest.mark.parametrize("task", [text_task(kind="regression"), ANSWERS])
def test_task_without_labels_has_no_report_and_says_so(
    task: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="finetune"):
        write_report(task, [], [], tmp_path, "dev")
    assert caplog.messages == ["dev: no report, since this task has no labels"]
    assert not list(tmp_path.iterdir())


def test_colour_is_the_share_of_the_row(tmp_path: Path, figures: list[Figure]) -> None:
    draw_confusion(list("aaab"), list("aabb"), ["a", "b"], tmp_path / "figure.png", "dev")
    shares = figures[0].axes[0].images[0].get_array()
    assert shares.tolist() == [[2 / 3, 1 / 3], [0, 1]]


def test_rarest_of_many_labels_share_a_row_and_a_column(tmp_path: Path, figures: list[Figure]) -> None:
    labels = [f"label {number:02}" for number in range(40)]
    gold = [label for number, label in enumerate(labels) for _ in range(number + 1)]
    predicted = gold[1:] + gold[:1]
    draw_confusion(gold, predicted, labels, tmp_path / "figure.png", "dev")
    names, counts = drawn(figures[0])
    assert names == [*labels[-(MOST_LABELS - 1) :], REST]
    assert sum(counts.values()) == len(gold)
    # Of the 66 rarest examples, the last is followed by one of the next label.
    assert counts[REST, REST] == 65
    assert counts[REST, labels[11]] == counts[labels[-1], REST] == 1


@pytest.mark.parametrize(("classes", "examples"), [(2, 400_000), (12, 60_000), (30, 9_000)])
def test_counts_fit_into_their_cells(
    classes: int, examples: int, tmp_path: Path, figures: list[Figure]
) -> None:
    labels = [f"label {number:02}" for number in range(classes)]
    gold = [labels[number % classes] for number in range(examples)]
    draw_confusion(gold, gold[1:] + gold[:1], labels, tmp_path / "figure.png", "dev")
    axes = figures[0].axes[0]
    cell = axes.get_window_extent().width / classes
    widths = [text.get_window_extent().width for text in axes.texts]
    assert len(widths) == classes
    assert max(widths) < cell


def test_labels_are_drawn_as_they_are_or_cut(tmp_path: Path, figures: list[Figure]) -> None:
    labels = ["$x$", "_", "a" * 50]
    draw_confusion(labels, labels, labels, tmp_path / "figure.png", "dev")
    ticks = figures[0].axes[0].get_xticklabels()
    assert [tick.get_text() for tick in ticks] == ["$x$", "_", "a" * 23 + "…"]
    assert not any(tick.get_parse_math() for tick in ticks)
