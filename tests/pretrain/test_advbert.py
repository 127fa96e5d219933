"""`plain`: the backbone alone learns masked LM from what a CharBERT run with the same settings gets."""

import json
import logging
import shutil
from dataclasses import asdict
from itertools import chain, islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny
import torch
import transformers
from plain import save_plain
from small_runs import assert_identical_weights, log_lines, results, stopped, write_config

from charbert import CharBertForPreTraining, CharBertTokenizer
from charbert.backbones import check_length, find_backbone
from charbert.commands.options import parse_command
from charbert.errors import CharBertError
from charbert.spelling import SpellingTable, token_spellings
from data.__main__ import main as data_main
from pretrain.__main__ import main
from pretrain.advbert import masked_lm_class
from pretrain.loaders import make_batches
from pretrain.model import build_model
from pretrain.settings import PretrainSettings
from pretrain.trainer import PretrainingTrainer

STOCK = {"bert": transformers.BertForMaskedLM, "roberta": transformers.RobertaForMaskedLM}
CONFIGS = Path(__file__).parents[2] / "pretrain" / "configs"


@pytest.fixture(scope="module")
def finished(corpus: Path) -> Path:
    """The output of a run of eight steps."""
    output = corpus / "plain"
    main([str(write_config(corpus, output, plain=True))])
    return output


@pytest.fixture
def backbone_corpus(kind: str, tmp_path: Path) -> Path:
    """A folder with a tokenizer and blocks for the backbones of `save_plain`."""
    backbone = save_plain(tmp_path / "encoder", kind, "model")
    (tmp_path / "text.txt").write_text("\n\n".join(tiny.SENTENCES * 20), encoding="utf-8")
    text, tokenizer, blocks = (str(tmp_path / name) for name in ("text.txt", "tokenizer", "blocks"))
    data_main(["vocabulary", text, "--tokenizer", str(backbone), "--output", tokenizer])
    data_main(["tokenize", text, "--tokenizer", tokenizer, "--output", blocks, "--block-size", "24"])
    return tmp_path


def read_settings(config: Path) -> PretrainSettings:
    return parse_command(PretrainSettings, [str(config)], "pretrain", "", config=True)[0]


def first_batches(config: Path) -> tuple[list[Any], list[Any]]:
    """Three batches of training of a config's run, and all of evaluation."""
    settings = read_settings(config)
    tokenizer = CharBertTokenizer.from_pretrained(settings.tokenizer)
    alone: Any = SimpleNamespace(process_index=0, world_size=1, device=torch.device("cpu"))
    spelling = None
    if not settings.plain:
        spellings = token_spellings(tokenizer, tokenizer.characters, len(tokenizer))
        spelling = SpellingTable.from_spellings(spellings)
    training, evaluation = make_batches(settings, alone, tokenizer, spelling)
    return list(islice(training, 3)), list(evaluation)


@pytest.mark.parametrize("streamed", (False, True))
def test_its_batches_are_those_of_a_charbert_run(corpus: Path, tmp_path: Path, streamed: bool) -> None:
    changes: dict[str, Any] = {"noise_probability": 0.5, "mlm_probability": 0.3}
    if streamed:
        changes |= {"stream": [str(corpus / "text.txt")], "block_size": 24}
    both = first_batches(write_config(corpus, tmp_path / "both", **changes))
    alone = first_batches(write_config(corpus, tmp_path / "alone", plain=True, **changes))
    for ours, theirs in zip(chain(*alone), chain(*both), strict=True):
        assert (theirs["nlm_labels"] != -100).any()
        assert ours.keys() == {"input_ids", "attention_mask", "labels", "mlm_positions"}
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("kind", STOCK)
def test_from_scratch_it_may_read_longer_inputs_than_it_trains_on(
    kind: str, corpus: Path, tmp_path: Path
) -> None:
    config = write_config(corpus, tmp_path, plain=True, architecture=kind, longest_input=40)
    settings = read_settings(config)
    model = build_model(settings, CharBertTokenizer.from_pretrained(settings.tokenizer))
    check_length(model, 40)
    with pytest.raises(CharBertError, match="40 positions"):
        check_length(model, 41)


def test_positions_for_less_than_the_training_examples_are_refused(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="--longest-input: 8 must be at least --max-length, 24"):
        main([str(write_config(corpus, tmp_path, plain=True, longest_input=8))])


def test_its_loss_is_that_of_the_stock_model_on_all_positions(kind: str) -> None:
    model = masked_lm_class(kind)(tiny.backbone_config(kind)).eval()
    tiny.scatter_weights(model)
    stock = STOCK[kind](tiny.backbone_config(kind)).eval()
    stock.load_state_dict(model.state_dict())
    batch = tiny.ragged_batch(kind)
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    labels = torch.full_like(batch["input_ids"], -100)
    labels[0, 2], labels[2, 1], labels[2, 4] = 7, 9, 11
    positions = torch.tensor([2, 2 * labels.shape[1] + 1, 2 * labels.shape[1] + 4, -1])
    expected = stock(**inputs, labels=labels).loss
    for given in ({}, {"mlm_positions": positions}):
        torch.testing.assert_close(model(**inputs, labels=labels, **given).loss, expected)


def test_results_and_log_hold_the_measures_of_masked_lm_alone(finished: Path) -> None:
    written = results(finished)
    assert (written["steps"], written["samples_seen"], written["seed"]) == (8, 64, 0)
    assert {"eval_mlm_loss", "eval_mlm_perplexity", "eval_mlm_accuracy"} <= written.keys()
    history = json.loads((finished / "trainer_state.json").read_text())["log_history"]
    assert not [name for entry in (written, *history) for name in entry if "nlm" in name]
    assert all(line["loss"] == line["mlm_loss"] for line in log_lines(finished))
    assert (finished / "curves.png").exists()


def test_it_evaluates_as_the_stock_model_does(corpus: Path, finished: Path) -> None:
    _, evaluation = first_batches(write_config(corpus, corpus / "again", plain=True))
    stock = transformers.BertForMaskedLM.from_pretrained(finished).eval()
    losses, right = [], []
    for batch in evaluation:
        scores = stock(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        labelled = batch["labels"] != -100
        chances = scores[labelled].softmax(-1)
        losses += (-chances.gather(1, batch["labels"][labelled][:, None]).log()).flatten().tolist()
        right += (chances.argmax(-1) == batch["labels"][labelled]).tolist()
    assert results(finished)["eval_mlm_loss"] == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    assert results(finished)["eval_mlm_accuracy"] == pytest.approx(sum(right) / len(right))


def test_anybody_loads_the_model_as_what_it_is(finished: Path) -> None:
    assert json.loads((finished / "config.json").read_text())["architectures"] == ["BertForMaskedLM"]
    model, found = transformers.AutoModelForMaskedLM.from_pretrained(finished, output_loading_info=True)
    assert type(model) is transformers.BertForMaskedLM
    assert not any(found.values())
    tokens = transformers.AutoTokenizer.from_pretrained(finished)("the brwon garden", return_tensors="pt")
    assert model(**tokens).logits.shape[-1] == len(transformers.AutoTokenizer.from_pretrained(finished))


def test_a_charbert_starts_from_it(finished: Path) -> None:
    ours, plain = (
        CharBertForPreTraining.from_backbone(finished),
        transformers.AutoModelForMaskedLM.from_pretrained(finished),
    )
    assert torch.equal(
        ours.charbert.backbone.encoder.layer[0].output.dense.weight,
        plain.bert.encoder.layer[0].output.dense.weight,
    )
    assert torch.equal(ours.mlm_head.decoder.bias, plain.cls.predictions.bias)
    assert torch.equal(ours.mlm_head.dense.weight, plain.cls.predictions.transform.dense.weight)


def test_a_run_stopped_and_resumed_is_the_run_never_stopped(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "stopped"
    shutil.copytree(finished, output)
    shutil.rmtree(output / "checkpoint-8")
    (output / "model.safetensors").unlink()
    main([str(write_config(finished.parent, output, plain=True)), "--resume"])
    assert_identical_weights(output, finished)


def test_a_run_that_only_lacks_its_results_is_evaluated(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "unmeasured"
    shutil.copytree(finished, output)
    (output / "results.json").unlink()
    main([str(write_config(finished.parent, output, plain=True)), "--resume"])
    assert results(output)["eval_mlm_loss"] == pytest.approx(results(finished)["eval_mlm_loss"])


def test_it_does_not_go_on_from_the_checkpoint_of_a_charbert(finished: Path, tmp_path: Path) -> None:
    output = stopped(finished, tmp_path / "other")
    with pytest.raises(CharBertError, match="was made with --plain True, not False"):
        main([str(write_config(finished.parent, output)), "--resume"])
    (output / "run.json").unlink()  # as earlier versions left it
    with pytest.raises(CharBertError, match=r"checkpoint-4: holds another model, as bert.* shows"):
        main([str(write_config(finished.parent, output)), "--resume"])


def test_a_compiled_run_stopped_and_resumed_is_the_run_never_stopped(corpus: Path, tmp_path: Path) -> None:
    whole, output = tmp_path / "whole", tmp_path / "stopped"
    changes = {"plain": True, "torch_compile": True, "gradient_checkpointing": True}
    # All but the compiler's own work, which takes minutes.
    with torch.compiler.set_stance("force_eager"):
        main([str(write_config(corpus, whole, **changes))])
        shutil.copytree(whole, output)
        shutil.rmtree(output / "checkpoint-8")
        (output / "model.safetensors").unlink()
        main([str(write_config(corpus, output, **changes)), "--resume"])
    assert_identical_weights(output, whole)


def test_batches_with_more_labels_are_not_compiled_again(kind: str) -> None:
    graphs: list[Any] = []

    def backend(graph: Any, _inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    trainer = SimpleNamespace(args=SimpleNamespace(device=torch.device("cpu"), torch_compile=True))
    torch.compiler.reset()
    compiled = torch.compile(
        masked_lm_class(kind)(tiny.backbone_config(kind)), backend=backend, fullgraph=True
    )
    batch = tiny.ragged_batch(kind)
    for labelled in (4, 6, 8):
        given = {name: batch[name] for name in ("input_ids", "attention_mask")}
        given |= {"labels": batch["input_ids"], "mlm_positions": torch.arange(labelled)}
        compiled(**PretrainingTrainer._prepare_inputs(trainer, given)).loss.backward()
    torch.compiler.reset()
    assert len(graphs) == 1


def test_it_starts_from_a_plain_backbone_with_its_head(
    kind: str, backbone_corpus: Path, caplog: pytest.LogCaptureFixture
) -> None:
    masked_lm = save_plain(backbone_corpus / "masked_lm", kind, "masked_lm")
    config = write_config(backbone_corpus, backbone_corpus / "out", plain=True, backbone=str(masked_lm))
    with caplog.at_level(logging.WARNING):
        model = build_model(read_settings(config), tiny.tokenizer(kind))
    assert tiny.differing(model, STOCK[kind].from_pretrained(masked_lm)) == []
    assert "has no weights" not in caplog.text
    main([str(config), "--max_steps", "2"])
    assert results(backbone_corpus / "out")["steps"] == 2


def test_a_backbone_without_a_head_gets_a_fresh_one_tied_to_its_embeddings(
    kind: str, backbone_corpus: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charbert.loading.logger.handlers", [caplog.handler])
    encoder = backbone_corpus / "encoder"
    config = write_config(backbone_corpus, backbone_corpus / "out", plain=True, backbone=str(encoder))
    with caplog.at_level(logging.WARNING):
        model = build_model(read_settings(config), tiny.tokenizer(kind))
    stock = transformers.AutoModel.from_pretrained(encoder)
    assert [name for name in tiny.differing(model.base_model, stock) if not name.startswith("pooler.")] == []
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert f"{encoder} holds no {find_backbone(kind).masked_lm_head} of this size; it is new" in caplog.text


def test_it_computes_in_32_bits_what_was_saved_in_16(backbone_corpus: Path, kind: str) -> None:
    half = backbone_corpus / "half"
    transformers.AutoModel.from_pretrained(backbone_corpus / "encoder").half().save_pretrained(half)
    config = write_config(backbone_corpus, backbone_corpus / "out", plain=True, backbone=str(half))
    model = build_model(read_settings(config), tiny.tokenizer(kind))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("changes", "message"),
    (
        ({"model": "{charbert}"}, "--model names a CharBERT, and --plain trains a BERT or RoBERTa"),
        ({"backbone": "{charbert}"}, "charbert: a CharBERT; plain trains a BERT or RoBERTa as itself"),
        ({"backbone": "nowhere"}, "nowhere: no config.json there"),
        ({"backbone": "{small}"}, "a tokenizer of 96 tokens does not fit this model, which has 50"),
        ({"backbone": "{shallow}"}, "shallow: this checkpoint fits only in part; tensors 16 missing"),
        ({"backbone": "{short}"}, "--max-length: 24, but the model has 16 positions"),
    ),
)
def test_what_it_cannot_train_is_refused_before_anything_is_written(
    corpus: Path, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    folders = {name: tmp_path / name for name in ("charbert", "small", "shallow", "short")}
    tiny.build(CharBertForPreTraining, "bert").save_pretrained(folders["charbert"])
    vocabulary = len(CharBertTokenizer.from_pretrained(corpus / "tokenizer"))
    for name, sizes in (
        ("small", {"vocab_size": 50}),
        ("shallow", {"vocab_size": vocabulary}),
        ("short", {"vocab_size": vocabulary, "max_position_embeddings": 16}),
    ):
        transformers.BertForMaskedLM(tiny.backbone_config("bert", **sizes)).save_pretrained(folders[name])
    described = json.loads((folders["shallow"] / "config.json").read_text())
    (folders["shallow"] / "config.json").write_text(json.dumps({**described, "num_hidden_layers": 3}))
    given = {name: value.format(**folders) for name, value in changes.items()}
    output = tmp_path / "out"
    with pytest.raises(CharBertError, match=message):
        main([str(write_config(corpus, output, plain=True, **given))])
    assert not output.exists()


def test_the_shipped_config_differs_from_that_of_charbert_in_the_model_alone() -> None:
    ours, theirs = (asdict(read_settings(CONFIGS / name)) for name in ("advbert.yaml", "base.yaml"))
    assert {name for name in ours if ours[name] != theirs[name]} == {"plain", "output"}
