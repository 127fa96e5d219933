"""Training a word recogniser: what a run leaves, measures and refuses, and that it can be stopped."""

import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_runs import STEPS, assert_identical_weights, results, stopped

from charbert import CharBertTokenizer, WordRecognizer
from charbert.commands.options import parse_command
from charbert.errors import CharBertError, run_command
from charbert.vocabulary import Vocabulary
from data.pretraining.blocks import Blocks
from pretrain.__main__ import main
from pretrain.settings import RecognizerSettings

CONFIG = Path(__file__).parents[3] / "pretrain" / "configs" / "recognizer.yaml"
SMALL: dict[str, Any] = {
    **STEPS,
    "embedding_size": 16,
    "hidden_size": 16,
    "eval_examples": 30,
    "learning_rate": 0.02,
}


def write_config(corpus: Path, output: Path, **changes: Any) -> Path:
    """A config beside the output folder that it names."""
    folders = {"data": corpus / "blocks", "tokenizer": corpus / "tokenizer", "output": output}
    settings = {name: str(path) for name, path in folders.items()}
    path = output.with_suffix(".yaml")
    path.write_text(yaml.safe_dump({**SMALL, **settings, **changes}))
    return path


def train(corpus: Path, output: Path, *more: str, **changes: Any) -> Path:
    main(["recognizer", str(write_config(corpus, output, **changes)), *more])
    return output


def share_of_long_words(corpus: Path) -> float:
    """Of the words of held-out text, those with four letters or more."""
    blocks = Blocks(corpus / "blocks")
    held_out = blocks.take(range(len(blocks) - SMALL["eval_examples"], len(blocks)))
    text = CharBertTokenizer.from_pretrained(corpus / "tokenizer").decode(
        held_out.token_ids.tolist(), skip_special_tokens=True
    )
    words = text.replace(".", " ").split()
    return sum(len(word) >= 4 for word in words) / len(words)


@pytest.fixture(scope="module")
def finished(corpus: Path) -> Path:
    """The output of a run of eight steps."""
    return train(corpus, corpus / "recognizer")


def test_a_run_leaves_a_recogniser_results_and_logs(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert {"model.safetensors", "config.json", "results.json", "checkpoint-8", "trainer_state.json"} <= names
    assert list(finished.glob("runs/*/events.*"))
    model = WordRecognizer.from_pretrained(finished)
    words = Vocabulary.load(finished.parent / "tokenizer" / "words.txt")
    assert set(model.words) == {word for word in words if word.isalpha()} | {"<unk>"}


def test_results_tell_the_error_rate_of_clean_and_noised_words(finished: Path) -> None:
    written = results(finished)
    for text in ("clean", "noised"):
        for rate in ("error_rate", "error_rate_neutral", "error_rate_untouched", "unknown"):
            assert 0 <= written[f"eval_{text}_{rate}"] <= 1
    assert written["eval_clean_error_rate_untouched"] == 0
    assert written["eval_noised_error_rate_untouched"] == pytest.approx(share_of_long_words(finished.parent))
    assert (written["steps"], written["blocks_seen"], written["seed"]) == (8, 64, 0)


def test_training_teaches_it_to_read_typos(corpus: Path, tmp_path: Path) -> None:
    output = train(corpus, tmp_path / "longer", max_steps=60, eval_steps=60, save_steps=60)
    written = results(output)
    assert written["eval_clean_error_rate"] < 0.05
    assert written["eval_noised_error_rate"] < 0.3 * written["eval_noised_error_rate_untouched"]
    model = WordRecognizer.from_pretrained(output)
    assert model.correct([["the", "young", "Teahcer", "qiuckly", "."]]) == [
        ["the", "young", "Teacher", "quickly", "."]
    ]


def test_an_unknown_word_is_an_error_where_it_became_neutral_or_had_a_typo(
    corpus: Path, tmp_path: Path
) -> None:
    shutil.copytree(corpus / "tokenizer", tmp_path / "tokenizer")
    (tmp_path / "tokenizer" / "words.txt").write_text("kettle\n<unk>\n")
    # Of words that it knows the text has none: all that it can say, and will, is that it knows no word.
    output = train(
        corpus, tmp_path / "none", tokenizer=str(tmp_path / "tokenizer"), max_steps=20, learning_rate=0.1
    )
    written = results(output)
    assert written["eval_clean_unknown"] == written["eval_noised_unknown"] == 1
    assert written["eval_clean_error_rate"] == 0
    assert written["eval_noised_error_rate"] == written["eval_noised_error_rate_untouched"]
    assert written["eval_clean_error_rate_neutral"] == written["eval_noised_error_rate_neutral"] == 1


def test_the_same_command_gives_the_same_weights(finished: Path, tmp_path: Path) -> None:
    assert_identical_weights(train(finished.parent, tmp_path / "again"), finished)


def test_a_run_stopped_and_resumed_is_the_run_never_stopped(finished: Path, tmp_path: Path) -> None:
    output = train(finished.parent, stopped(finished, tmp_path / "stopped"), "--resume")
    assert_identical_weights(output, finished)
    name = "eval_noised_error_rate"
    assert results(output)[name] == results(finished)[name]


def test_data_loading_processes_change_nothing(finished: Path, tmp_path: Path) -> None:
    output = train(finished.parent, tmp_path / "workers", num_workers=2)
    assert_identical_weights(output, finished)


def test_a_run_that_only_lacks_its_results_is_evaluated(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "unmeasured"
    shutil.copytree(finished, output)
    (output / "results.json").unlink()
    train(finished.parent, output, "--resume")
    written = results(output)
    assert written["steps"] == 8
    assert written["eval_noised_error_rate"] == results(finished)["eval_noised_error_rate"]
    assert_identical_weights(output, finished)


def test_of_a_finished_run_nothing_is_left_to_do(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(finished.parent, finished, "--resume")
    shown = capsys.readouterr()
    assert "was finished before; --overwrite does it again" in shown.err
    assert "eval_noised_error_rate" in shown.out


def test_a_run_does_not_go_on_with_another_size_or_other_words(finished: Path, tmp_path: Path) -> None:
    output = stopped(finished, tmp_path / "stopped")
    with pytest.raises(CharBertError, match="was made with --hidden-size 16, not 8;"):
        train(finished.parent, output, "--resume", hidden_size=8)
    shutil.copytree(finished.parent / "tokenizer", tmp_path / "tokenizer")
    (tmp_path / "tokenizer" / "words.txt").write_text("the\n<unk>\n")
    with pytest.raises(CharBertError, match=r"made with --tokenizer .*corpus.*tokenizer, not .*tokenizer;"):
        train(finished.parent, output, "--resume", tokenizer=str(tmp_path / "tokenizer"))


def test_a_folder_with_a_run_is_refused_or_overwritten(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "copy"
    shutil.copytree(finished, output)
    config = str(write_config(finished.parent, output, max_steps=2))
    assert run_command(main, ["recognizer", config]) == 1
    assert "--overwrite" in capsys.readouterr().err
    main(["recognizer", config, "--overwrite"])
    assert results(output)["steps"] == 2
    assert not (output / "checkpoint-8").exists()


def test_a_word_vocabulary_without_words_is_refused(corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(corpus / "tokenizer", tmp_path / "tokenizer")
    (tmp_path / "tokenizer" / "words.txt").write_text("12\n.\n<unk>\n")
    with pytest.raises(CharBertError, match="has no words of letters only"):
        train(corpus, tmp_path / "out", tokenizer=str(tmp_path / "tokenizer"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    (
        ({"noise_probability": 1.5}, "--noise-probability: 1.5 must be at least 0 and at most 1"),
        (
            {"noise_edits": ["dorp"]},
            "--noise-edits: 'dorp' is unknown; choose one of drop, add,",
        ),
        ({"hidden_size": 0}, "--hidden-size: 0 must be at least 1"),
        ({"resume": True, "overwrite": True}, "exclude each other"),
        ({"eval_examples": 9999}, "leaves none to train on"),
        ({"batch_size": 9999}, "give a smaller --batch-size"),
        ({"data": "nowhere"}, "--data: nowhere: no such folder"),
        ({"tokenizer": "nowhere"}, "--tokenizer: nowhere: no such folder"),
        ({"hiden_size": 9}, "unknown key 'hiden_size'; the nearest is 'hidden_size'"),
    ),
)
def test_settings_that_cannot_be_are_refused_in_one_line(
    corpus: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(CharBertError, match=message):
        train(corpus, tmp_path / "out", **changes)
    assert not (tmp_path / "out").exists()


def test_the_shipped_config_loads() -> None:
    settings, _ = parse_command(RecognizerSettings, [str(CONFIG)], "", "", config=True)
    assert settings.max_steps > settings.warmup_steps


def test_help_lists_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["recognizer", "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    names = [field.name for field in fields(RecognizerSettings)]
    assert "python -m pretrain recognizer" in printed
    assert all(f"--{name.replace('_', '-')}" in printed for name in names)
