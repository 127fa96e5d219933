"""The probe: a Bi-LSTM over a frozen encoder."""

from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from plain import save_plain
from small_tasks import tag_task, text_task
from torch import nn
from transformers import AutoModelForTokenClassification, BertForTokenClassification, pipeline

from charbert import CharBertError, CharBertForTokenClassification
from finetune.models import load, load_finetuned
from finetune.probe import FEATURES, ProbeConfig, ProbeForTokenClassification, build_probe, register_probe
from finetune.settings import FinetuneSettings

LABELS = ("LOC", "O", "PER")
UNITS = 24
TASK = tag_task(*LABELS)


def make_probe(
    kind: str = "bert", features: str = "concatenation", **backbone: Any
) -> ProbeForTokenClassification:
    model = tiny.build(CharBertForTokenClassification, kind, backbone=backbone)
    torch.manual_seed(0)
    return build_probe(model, features, lstm_hidden_size=UNITS)


def labels_of(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """A label for each real token, which follows from the token."""
    return torch.where(batch["attention_mask"] == 1, batch["input_ids"] % len(LABELS), -100)


def charbert_folder(folder: Path, kind: str = "bert") -> Path:
    tiny.build(CharBertForTokenClassification, kind).save_pretrained(folder)
    tiny.tokenizer(kind).save_pretrained(folder)
    return folder


def settings(model: Path, features: str) -> FinetuneSettings:
    return FinetuneSettings(task="ner", output="nowhere", model=str(model), probe=features)


@pytest.mark.parametrize("features", FEATURES)
def test_reads_the_chosen_channels_of_each_sentence(kind: str, features: str) -> None:
    probe = make_probe(kind, features).eval()
    batch = tiny.ragged_batch(kind)
    encoded = probe.encoder(**batch)
    token, character = encoded.last_hidden_state, encoded.char_last_hidden_state
    states = {
        "token": token,
        "character": character,
        "sum": token + character,
        "concatenation": torch.cat([token, character], dim=2),
    }[features]
    lstm = nn.LSTM(states.shape[2], UNITS, num_layers=2, bidirectional=True)
    lstm.load_state_dict(probe.lstm.state_dict())
    logits = probe(**batch).logits
    for row, length in enumerate(batch["attention_mask"].sum(dim=1).tolist()):
        contextual, _ = lstm(states[row, :length])
        assert tiny.largest_difference(logits[row, :length], probe.classifier(contextual)) < 1e-5


@pytest.mark.parametrize("features", FEATURES)
def test_sentence_gives_the_same_alone_and_in_a_batch(kind: str, features: str) -> None:
    probe = make_probe(kind, features).eval()
    together = probe(**tiny.ragged_batch(kind)).logits
    for row, text in enumerate(tiny.SENTENCES):
        alone = probe(**tiny.ragged_batch(kind, (text,))).logits[0]
        assert tiny.largest_difference(together[row, : len(alone)], alone) < 1e-5


def test_without_a_mask_every_token_is_real() -> None:
    probe = make_probe().eval()
    batch = tiny.ragged_batch("bert", tiny.SENTENCES[:1])
    alone = probe(batch["input_ids"]).logits
    assert torch.equal(alone, probe(batch["input_ids"], attention_mask=batch["attention_mask"]).logits)


def test_loss_is_the_mean_over_labelled_tokens() -> None:
    probe = make_probe().eval()
    batch = tiny.ragged_batch("bert")
    labels = labels_of(batch)
    output = probe(**batch, labels=labels)
    real = labels != -100
    chosen = output.logits.softmax(dim=-1)[real][torch.arange(int(real.sum())), labels[real]]
    assert output.loss.item() == pytest.approx(-chosen.log().mean().item(), rel=1e-5)


def test_sizes_are_those_of_the_paper() -> None:
    probe = build_probe(tiny.build(CharBertForTokenClassification, "bert"), "concatenation")
    assert (probe.lstm.num_layers, probe.lstm.hidden_size, probe.lstm.bidirectional) == (2, 768, True)
    assert probe.lstm.input_size == 2 * 32


def test_training_fits_the_labels_and_leaves_the_encoder_bit_for_bit() -> None:
    probe = make_probe(hidden_dropout_prob=0.3).train()
    before = {name: tensor.clone() for name, tensor in probe.encoder.state_dict().items()}
    batch = tiny.ragged_batch("bert")
    labels = labels_of(batch)
    optimizer = torch.optim.AdamW(probe.parameters(), lr=0.03, weight_decay=0.1)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = probe(**batch, labels=labels).loss
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 1 and losses[-1] < 0.1
    after = probe.encoder.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_encoder_has_no_dropout_while_the_probe_trains() -> None:
    probe = make_probe(hidden_dropout_prob=0.5).train()
    batch = tiny.ragged_batch("bert")
    assert probe.training
    assert torch.equal(probe(**batch).logits, probe(**batch).logits)


def test_only_lstm_and_classifier_learn_also_after_loading(tmp_path: Path) -> None:
    make_probe().save_pretrained(tmp_path)
    for probe in (make_probe(), ProbeForTokenClassification.from_pretrained(tmp_path).train()):
        learning = {name.split(".")[0] for name, weight in probe.named_parameters() if weight.requires_grad}
        assert learning == {"lstm", "classifier"}
        assert not probe.encoder.training


@pytest.mark.parametrize("features", FEATURES)
def test_saved_probe_is_read_by_the_auto_class(tmp_path: Path, features: str) -> None:
    probe = make_probe("roberta", features).eval()
    probe.save_pretrained(tmp_path)
    loaded = AutoModelForTokenClassification.from_pretrained(tmp_path)
    assert isinstance(loaded, ProbeForTokenClassification)
    assert tiny.differing(probe, loaded) == []
    batch = tiny.ragged_batch("roberta")
    assert tiny.largest_difference(probe(**batch).logits, loaded(**batch).logits) < 1e-6


def test_probe_of_a_charbert_has_its_weights(tmp_path: Path) -> None:
    folder = charbert_folder(tmp_path / "model")
    probe, tokenizer = load(settings(folder, "sum"), TASK)
    encoder = CharBertForTokenClassification.from_pretrained(folder).charbert
    assert tiny.differing(probe.encoder, encoder) == []
    assert type(tokenizer).__name__ == "CharBertTokenizer"
    assert probe.config.id2label == {0: "LOC", 1: "O", 2: "PER"}


def test_probe_of_a_plain_model_has_its_weights(kind: str, plain_folder: Path) -> None:
    probe, tokenizer = load(settings(plain_folder, "token"), TASK)
    plain = AutoModelForTokenClassification.from_pretrained(plain_folder).base_model
    assert tiny.differing(probe.encoder, plain) == []
    batch = tokenizer(list(tiny.SENTENCES), padding=True, return_tensors="pt")
    assert probe(**batch).logits.shape == (*batch["input_ids"].shape, 3)


@pytest.mark.parametrize("plain", [True, False])
def test_folder_of_a_probe_is_loaded_for_prediction(tmp_path: Path, plain: bool) -> None:
    source = (
        save_plain(tmp_path / "source", "bert", "model") if plain else charbert_folder(tmp_path / "source")
    )
    probe, tokenizer = load(settings(source, "token"), TASK)
    for part in (probe, tokenizer):
        part.save_pretrained(tmp_path / "probe")
    loaded, its_tokenizer = load_finetuned(str(tmp_path / "probe"), TASK)
    assert tiny.differing(probe, loaded.cpu()) == []
    assert type(its_tokenizer) is type(tokenizer)


def test_saved_probe_works_in_a_pipeline(tmp_path: Path) -> None:
    probe = make_probe()
    probe.save_pretrained(tmp_path)
    tiny.tokenizer("bert").save_pretrained(tmp_path)
    register_probe()
    found = pipeline("token-classification", str(tmp_path))("the quick fox")
    assert [each["word"] for each in found] == ["the", "quick", "fox"]


@pytest.mark.parametrize("features", ["character", "sum", "concatenation"])
def test_plain_model_has_no_character_channel(features: str) -> None:
    model = BertForTokenClassification(tiny.backbone_config("bert"))
    with pytest.raises(CharBertError, match=f"{features}.* plain bert.* no character channel.*'token'"):
        build_probe(model, features)


def test_unknown_features_are_refused() -> None:
    with pytest.raises(CharBertError, match=r"--probe: 'both'.*token, character, sum, concatenation"):
        ProbeConfig(features="both")


def test_task_that_labels_no_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="--probe: labels words"):
        load(settings(charbert_folder(tmp_path), "sum"), text_task(*LABELS))
