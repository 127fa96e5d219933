import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from plain import save_plain
from small_runs import SETTINGS, assert_identical_weights, results, stopped, write_config

from charbert import CharBertForPreTraining, CharBertTokenizer
from charbert.errors import CharBertError, run_command
from charbert.tuning import TuningSettings, add_delta, save_delta
from data.__main__ import main as data_main
from data.pretraining.blocks import Blocks
from pretrain.__main__ import main


@pytest.fixture(scope="module")
def finished(corpus: Path) -> Path:
    """The output of a run of eight steps."""
    output = corpus / "finished"
    main([str(write_config(corpus, output))])
    return output


def test_a_run_leaves_the_model_the_results_the_figure_and_the_logs(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert {"model.safetensors", "config.json", "results.json", "curves.png", "runs", "checkpoint-8"} <= names
    assert {"tokenizer.json", "characters.txt", "words.txt", "README.md"} <= names
    card = (finished / "README.md").read_text()
    assert "| eval, mlm_accuracy |" in card and "| started from | scratch |" in card
    assert not list(finished.glob("checkpoint-*/README.md"))
    assert list(finished.glob("runs/*/events.*"))


def test_results_hold_the_measures_of_both_tasks(finished: Path) -> None:
    written = results(finished)
    assert {
        "eval_mlm_loss",
        "eval_mlm_perplexity",
        "eval_mlm_accuracy",
        "eval_nlm_loss",
        "eval_nlm_hit_1",
        "eval_nlm_hit_5",
        "tokens_per_second",
        "data_wait",
    } <= written.keys()
    assert (written["steps"], written["samples_seen"], written["seed"]) == (8, 64, 0)


def test_the_model_of_a_run_spells_and_loads(finished: Path) -> None:
    model = CharBertForPreTraining.from_pretrained(finished)
    tokenizer = CharBertTokenizer.from_pretrained(finished)
    batch = tokenizer(["the brwon garden"], return_tensors="pt")
    assert model(**batch).nlm_logits.shape == (1, batch["input_ids"].shape[1], len(tokenizer.words))
    assert tokenizer.model_max_length == model.base_model.max_tokens == 24  # the tokenizer folder says 512


def test_a_run_stopped_and_resumed_is_the_run_never_stopped(finished: Path, tmp_path: Path) -> None:
    corpus = finished.parent
    output = stopped(finished, tmp_path / "stopped")
    main([str(write_config(corpus, output)), "--resume"])
    assert_identical_weights(output, finished)
    assert results(output)["eval_nlm_loss"] == results(finished)["eval_nlm_loss"]


def test_the_same_command_gives_the_same_weights(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "again"
    main([str(write_config(finished.parent, output))])
    assert_identical_weights(output, finished)


def test_both_losses_fall(corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "longer"
    main([str(write_config(corpus, output, max_steps=120, eval_steps=119, save_steps=120))])
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    for name in ("mlm_loss", "nlm_loss"):
        logged = [entry[name] for entry in history if name in entry]
        assert logged[-1] < 0.7 * logged[0]


@pytest.mark.parametrize("kind", ("bert", "roberta"))
def test_a_run_starts_from_a_plain_backbone(kind: str, tmp_path: Path) -> None:
    backbone = save_plain(tmp_path / "plain", kind, "masked_lm")
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(tiny.SENTENCES * 20), encoding="utf-8")
    tokenizer, blocks = str(tmp_path / "tokenizer"), str(tmp_path / "blocks")
    data_main(["vocabulary", str(text), "--tokenizer", str(backbone), "--output", tokenizer])
    data_main(["tokenize", str(text), "--tokenizer", tokenizer, "--output", blocks, "--block-size", "24"])
    output = tmp_path / "out"
    config = write_config(
        tmp_path, output, backbone=str(backbone), data=blocks, tokenizer=tokenizer, max_steps=2
    )
    main([str(config)])
    assert results(output)["steps"] == 2
    assert CharBertForPreTraining.from_pretrained(output).config.backbone_config.model_type == kind


def test_a_run_goes_on_from_a_charbert(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "on"
    main([str(write_config(finished.parent, output, model=str(finished), max_steps=1))])
    assert results(output)["steps"] == 1


def test_a_folder_with_another_run_is_refused(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (finished / "results.json").read_bytes()
    status = run_command(main, [str(write_config(finished.parent, finished))])
    assert (status, (finished / "results.json").read_bytes()) == (1, before)
    assert "--overwrite" in capsys.readouterr().err


def test_a_run_interrupted_in_a_checkpoint_resumes_from_the_one_before(
    finished: Path, tmp_path: Path
) -> None:
    output = tmp_path / "stopped"
    shutil.copytree(finished, output)
    (output / "results.json").unlink()
    (output / "checkpoint-8" / "trainer_state.json").unlink()
    main([str(write_config(finished.parent, output)), "--resume"])
    assert_identical_weights(output, finished)


def test_a_checkpoint_of_a_sharded_run_is_gone_on_from_by_such_a_run(finished: Path, tmp_path: Path) -> None:
    output = stopped(finished, tmp_path / "sharded")
    torch.save({}, output / "checkpoint-4" / "pytorch_model_fsdp.bin")
    with pytest.raises(CharBertError, match="checkpoint-4: the run had fsdp=True, not False"):
        main([str(write_config(finished.parent, output)), "--resume"])


def test_a_compiled_run_stopped_and_resumed_is_the_run_never_stopped(corpus: Path, tmp_path: Path) -> None:
    whole, output = tmp_path / "whole", tmp_path / "stopped"
    # All but the compiler's own work, which takes minutes.
    with torch.compiler.set_stance("force_eager"):
        main([str(write_config(corpus, whole, torch_compile=True))])
        stopped(whole, output)
        main([str(write_config(corpus, output, torch_compile=True)), "--resume"])
    assert_identical_weights(output, whole)
    assert CharBertForPreTraining.from_pretrained(output)


def test_a_run_that_only_lacks_its_results_is_evaluated(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "unmeasured"
    shutil.copytree(finished, output)
    (output / "results.json").unlink()
    main([str(write_config(finished.parent, output)), "--resume"])
    assert results(output)["eval_nlm_loss"] == pytest.approx(results(finished)["eval_nlm_loss"])
    assert results(output)["steps"] == 8


def test_of_a_finished_run_nothing_is_left_to_do(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    assert run_command(main, [str(write_config(finished.parent, finished)), "--resume"]) == 0
    shown = capsys.readouterr()
    assert f"{finished}: was finished before; --overwrite does it again" in shown.err
    assert "eval_nlm_loss" in shown.out
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


def test_a_model_without_a_checkpoint_is_not_resumed(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "bare"
    shutil.copytree(finished, output, ignore=shutil.ignore_patterns("checkpoint-*", "results.json"))
    with pytest.raises(CharBertError, match="no complete checkpoint"):
        main([str(write_config(finished.parent, output)), "--resume"])


def test_overwrite_removes_nothing_where_the_settings_are_wrong(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "kept"
    shutil.copytree(finished, output)
    with pytest.raises(CharBertError, match="linearr"):
        main([str(write_config(finished.parent, output, lr_scheduler_type="linearr")), "--overwrite"])
    assert (output / "checkpoint-8" / "model.safetensors").exists()


def test_data_loading_processes_change_nothing_not_even_after_a_resume(
    finished: Path, tmp_path: Path
) -> None:
    output = stopped(finished, tmp_path / "workers")
    main([str(write_config(finished.parent, output, num_workers=2)), "--resume"])
    assert_identical_weights(output, finished)


def test_the_log_names_the_epoch_after_a_resume_too(finished: Path, tmp_path: Path) -> None:
    output = stopped(finished, tmp_path / "epochs")
    main([str(write_config(finished.parent, output)), "--resume"])
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    examples = len(Blocks(finished.parent / "blocks")) - SETTINGS["eval_examples"]
    steps_an_epoch = examples // SETTINGS["batch_size"]
    assert history[-1]["step"] == 8
    assert all(entry["epoch"] == pytest.approx(entry["step"] / steps_an_epoch) for entry in history)


def test_accumulated_batches_are_those_of_one_step(corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "accumulated"
    main([str(write_config(corpus, output, batch_size=4, gradient_accumulation_steps=2, max_steps=2))])
    assert (results(output)["steps"], results(output)["samples_seen"]) == (2, 16)


def test_noise_follows_the_schedule(corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "schedule"
    points = ["0:0:swap", "2:0", "3:0.9"]
    main([str(write_config(corpus, output, noise_schedule=points, max_steps=4, logging_steps=1))])
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    losses = [entry["nlm_loss"] for entry in history if "nlm_loss" in entry]
    assert losses[:3] == [0, 0, 0]
    assert losses[3] > 0


@pytest.fixture(scope="module")
def streamed(corpus: Path) -> Path:
    """The output of a run of eight steps on streamed text."""
    output = corpus / "streamed"
    main([str(write_config(corpus, output, stream=[str(corpus / "text.txt")], block_size=24))])
    return output


def test_a_run_trains_on_streamed_text(streamed: Path) -> None:
    assert results(streamed)["steps"] == 8
    assert (streamed / "checkpoint-4" / "stream-0.json").exists()


@pytest.mark.parametrize("num_workers", (0, 2))
def test_a_streamed_run_stopped_and_resumed_is_the_run_never_stopped(
    streamed: Path, tmp_path: Path, num_workers: int
) -> None:
    output = stopped(streamed, tmp_path / "stopped")
    stream = {"stream": [str(streamed.parent / "text.txt")], "block_size": 24, "num_workers": num_workers}
    main([str(write_config(streamed.parent, output, **stream)), "--resume"])
    assert_identical_weights(output, streamed)


@pytest.mark.parametrize(
    ("changes", "message"),
    (
        ({"block_size": 20}, "was made with --block-size 24, not 20;"),
        (
            {"stream": ["{corpus}/text.txt", "{corpus}/text.txt"]},
            r"was made with --stream \S+text.txt, not \S+text.txt \S+text.txt;",
        ),
    ),
)
def test_another_stream_does_not_go_on(
    streamed: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    output = stopped(streamed, tmp_path / "other")
    corpus = str(streamed.parent)
    settings = {"stream": ["{corpus}/text.txt"], "block_size": 24, **changes}
    settings["stream"] = [source.format(corpus=corpus) for source in settings["stream"]]
    with pytest.raises(CharBertError, match=message):
        main([str(write_config(streamed.parent, output, **settings)), "--resume"])


def test_a_stream_does_not_go_on_with_fewer_processes(streamed: Path, tmp_path: Path) -> None:
    output = stopped(streamed, tmp_path / "fewer")
    kept = output / "checkpoint-4" / "stream-0.json"
    content = json.loads(kept.read_text())
    content["stream"]["processes"] = 2
    kept.write_text(json.dumps(content))
    settings = {"stream": [str(streamed.parent / "text.txt")], "block_size": 24}
    with pytest.raises(CharBertError, match="the stream had processes=2, not 1"):
        main([str(write_config(streamed.parent, output, **settings)), "--resume"])


def test_a_damaged_state_of_a_stream_is_said_in_one_line(streamed: Path, tmp_path: Path) -> None:
    output = stopped(streamed, tmp_path / "damaged")
    (output / "checkpoint-4/stream-0.json").unlink()
    settings = {"stream": [str(streamed.parent / "text.txt")], "block_size": 24}
    with pytest.raises(CharBertError, match=r"stream-0\.json: missing"):
        main([str(write_config(streamed.parent, output, **settings)), "--resume"])


def test_text_that_a_loading_process_cannot_read_is_told_in_one_line(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "the garden"}\n{"text": 3}\n')
    config = write_config(corpus, tmp_path / "out", stream=[str(bad)], block_size=24, num_workers=1)
    assert run_command(main, [str(config)]) == 1
    [line] = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert f"error: {bad}: line 2" in line
    assert "Traceback" not in line


def test_blocks_of_another_tokenizer_are_refused(corpus: Path, tmp_path: Path) -> None:
    other = str(tmp_path / "tokenizer")
    data_main(["vocabulary", str(corpus / "text.txt"), "--output", other, "--vocab-size", "80"])
    with pytest.raises(CharBertError, match="holds tokens of another tokenizer"):
        main([str(write_config(corpus, tmp_path / "out", tokenizer=other))])


def test_unfinished_blocks_are_refused(corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(corpus / "blocks", tmp_path / "blocks")
    (tmp_path / "blocks" / "results.json").unlink()
    with pytest.raises(CharBertError, match="is unfinished"):
        main([str(write_config(corpus, tmp_path / "out", data=str(tmp_path / "blocks")))])


def test_examples_need_not_be_a_multiple_of_eight_long(corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "odd"
    main([str(write_config(corpus, output, max_length=21, max_steps=1))])
    assert results(output)["steps"] == 1


def test_overwrite_starts_anew(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "old"
    shutil.copytree(finished, output)
    main([str(write_config(finished.parent, output, max_steps=1)), "--overwrite"])
    assert results(output)["steps"] == 1
    assert not (output / "checkpoint-8").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    (
        ({"max_lenght": 3}, "nearest is 'max_length'"),
        ({"noise_curriculum": ["0:0.1"]}, "'noise_curriculum' has the name 'noise_schedule' now"),
        ({"architecture": "gpt"}, "--architecture: 'gpt' is unknown; choose one of bert, roberta"),
        ({"eval_examples": 10**6}, r"none to train on; --eval-examples \d+ would keep one in"),
        ({"noise_edits": ["drop", "typo"]}, "--noise-edits: 'typo' is unknown"),
        ({"noise_probability": 1.5}, "--noise-probability: 1.5 must be at least 0 and at most 1"),
        ({"interaction": "magic"}, "interaction"),
        ({"noise_schedule": ["5:0.1", "1:0.2"]}, "rising steps"),
        ({"noise_schedule": ["much"]}, "must look like"),
        ({"batch_size": 1000}, "fewer than one batch"),
        ({"stream": ["nowhere.txt"]}, "nowhere"),
        ({"num_attention_heads": 3}, "multiple of --num-attention-heads"),
        ({"max_length": 2}, "at least 3"),
        ({"seed": -1}, "at least 0"),
        ({"seed": 2**32}, "--seed: .* below"),
        ({"learning_rate": -1.0}, "--learning-rate: -1 must be at least 0"),
        ({"learning_rate": float("nan")}, "--learning-rate: nan must be at least 0"),
        ({"learning_rate": float("inf")}, "--learning-rate: inf must be at least 0"),
        ({"weight_decay": float("inf")}, "--weight-decay: inf must be at least 0"),
        ({"max_grad_norm": -1.0}, "--max-grad-norm: -1 must be at least 0"),
        ({"adam_beta2": 1.0}, "--adam-beta2: 1 must be at least 0 and below 1"),
        ({"dropout": float("nan")}, "--dropout: nan must be"),
        ({"hidden_size": 0}, "--hidden-size: 0 must be at least 1"),
        ({"hidden_size": float("inf")}, "--hidden-size: inf is not a whole number"),
        ({"max_steps": float("nan")}, "--max-steps: nan is not a whole number"),
        ({"batch_size": -4}, "--batch-size: -4 must be at least 1"),
        ({"backbone": "a", "model": "b"}, "exclude each other"),
        ({"noise_edits": ["drop", "natural"]}, "--noise-edits natural: needs a list with --misspellings"),
        ({"fsdp": True}, "--fsdp shards over several processes"),
        ({"data": "nowhere"}, "--data: nowhere: no such folder"),
        ({"tokenizer": "nowhere"}, "nowhere"),
    ),
)
def test_bad_settings_stop_before_anything_is_written(
    corpus: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    output = tmp_path / "out"
    with pytest.raises((CharBertError, OSError), match=message):
        main([str(write_config(corpus, output, **changes))])
    assert not output.exists()


def test_more_positions_than_the_backbone_has_are_refused(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with pytest.raises(CharBertError, match="--max-length: 25, but the model has 24 positions"):
        main([str(write_config(finished.parent, output, model=str(finished), max_length=25))])
    assert not output.exists()


def test_a_delta_is_no_model_to_start_from(finished: Path, tmp_path: Path) -> None:
    model = CharBertForPreTraining.from_pretrained(finished)
    add_delta(model, TuningSettings(tuning="bitfit"))
    save_delta(model, tmp_path / "delta")
    output = tmp_path / "out"
    with pytest.raises(CharBertError, match="delta: holds a delta, not a whole model; give its base"):
        main([str(write_config(finished.parent, output, model=str(tmp_path / "delta")))])
    assert not output.exists()
