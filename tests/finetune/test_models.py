"""Loading of models for fine-tuning: what is fresh is a head and is said, or the checkpoint is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from plain import save_plain
from safetensors.torch import load_file, save_file
from small_finetuning import write_csv, write_finetune_config
from transformers import AutoConfig, AutoModel, AutoTokenizer, BertForSequenceClassification

import charbert
from charbert.errors import CharBertError
from finetune.__main__ import main
from finetune.models import load, load_finetuned, load_task
from finetune.settings import FinetuneSettings
from finetune.tasks.registry import make_task

LABELS = ["animal", "thing"]
SETTINGS = {"task": "text", "train": "-", "dev": "-", "output": "-"}


def save_charbert(folder: Path, model_class: Any = charbert.CharBertForPreTraining, **changes: Any) -> Path:
    tiny.build(model_class, "bert", **changes).save_pretrained(folder)
    tiny.tokenizer("bert").save_pretrained(folder)
    return folder


def save_classifier(folder: Path, labels: int = 3) -> Path:
    """A plain BERT that classifies texts."""
    model = BertForSequenceClassification(tiny.backbone_config("bert", num_labels=labels))
    model.save_pretrained(folder)
    tiny.stock_tokenizer("bert").save_pretrained(folder)
    return folder


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    nested = config.get("backbone_config", config)
    for name, value in changes.items():
        (config if name in config else nested)[name] = value
    path.write_text(json.dumps(config))


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def load_for_task(folder: Path, **settings: Any) -> tuple[Any, Any]:
    given = settings or {"model": str(folder)}
    return load(FinetuneSettings(**SETTINGS, **given), make_task("text", LABELS, {}))


class TestEncoderMustBeWhole:
    @pytest.mark.parametrize(
        "changes",
        [
            {"intermediate_size": 40},
            {"char_embedding_size": 16},
            {"vocab_size": 90},
            {"num_hidden_layers": 1},
            {"num_hidden_layers": 3},
            {"interaction_per_layer": True},
            {"interaction": "none"},
            {"spelling_length": 7},
            {"model_type": "bert"},
        ],
        ids=str,
    )
    def test_of_a_charbert(self, changes: dict[str, Any], tmp_path: Path) -> None:
        change_config(save_charbert(tmp_path), **changes)
        with pytest.raises(CharBertError, match="fits only in part") as error:
            load_for_task(tmp_path)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("saved", ["model", "masked_lm", "classifier"])
    @pytest.mark.parametrize(
        "changes",
        [
            {"num_hidden_layers": 1},
            {"num_hidden_layers": 3},
            {"intermediate_size": 40},
            {"model_type": "roberta"},
            {"model_type": "electra"},
        ],
        ids=str,
    )
    def test_of_a_plain_model(self, saved: str, changes: dict[str, Any], tmp_path: Path) -> None:
        save_classifier(tmp_path) if saved == "classifier" else save_plain(tmp_path, "bert", saved)
        change_config(tmp_path, **changes)
        with pytest.raises(CharBertError, match=r"fits only in part|but it was saved as Bert") as error:
            load_for_task(tmp_path)
        assert "\n" not in str(error.value)

    def test_a_command_says_so_in_one_line(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        folder = save_charbert(tmp_path / "model")
        change_config(folder, intermediate_size=40)
        train = write_csv(tmp_path / "train.csv")
        config = write_finetune_config(tmp_path / "out", task="text", train=train, dev=train, model=folder)
        with pytest.raises(CharBertError, match="of another size"):
            main([str(config)])
        assert "LOAD REPORT" not in capfd.readouterr().err
        assert not (tmp_path / "out").exists()


class TestHeadMayBeFresh:
    def test_of_a_charbert_and_is_said(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("charbert.loading.logger.handlers", [caplog.handler])
        save_charbert(tmp_path, charbert.CharBertForSequenceClassification)  # of three labels
        model, _ = load_for_task(tmp_path)
        assert model.classifier.out_features == 2
        assert "holds no classifier of this size; it is new" in caplog.text

    @pytest.mark.parametrize("saved", ["model", "masked_lm", "classifier"])
    def test_of_a_plain_model_and_is_said(
        self, saved: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("charbert.loading.logger.handlers", [caplog.handler])
        save_classifier(tmp_path) if saved == "classifier" else save_plain(tmp_path, "bert", saved)
        model, _ = load_for_task(tmp_path)
        assert model.classifier.out_features == 2
        assert "holds no classifier of this size; it is new" in caplog.text

    def test_but_not_after_fine_tuning(self, tmp_path: Path) -> None:
        save_charbert(tmp_path, charbert.CharBertForSequenceClassification, num_labels=2)
        task = make_task("text", LABELS, {})
        assert load_finetuned(str(tmp_path), task)[0].config.num_labels == 2
        with pytest.raises(CharBertError, match="3 labels, and the model scores 2"):
            load_finetuned(str(tmp_path), make_task("text", [*LABELS, "more"], {}))
        change_weights(tmp_path, lambda tensors: tensors.pop("classifier.bias"))
        with pytest.raises(CharBertError, match=r"1 missing \(classifier\.bias\)"):
            load_finetuned(str(tmp_path), task)


class TestUnreadable:
    @pytest.mark.parametrize("content", [b"", b"\x08", b"junk" * 100, "half"], ids=str)
    @pytest.mark.parametrize("kind", ["charbert", "plain"])
    def test_weights(self, kind: str, content: Any, tmp_path: Path) -> None:
        save_charbert(tmp_path) if kind == "charbert" else save_classifier(tmp_path)
        path = tmp_path / "model.safetensors"
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2] if content == "half" else content)
        for given in ({"model": str(tmp_path)}, {"backbone": str(tmp_path)}):
            with pytest.raises(CharBertError, match=rf"^{tmp_path}") as error:
                load_for_task(tmp_path, **given)
            assert "\n" not in str(error.value)

    def test_code_in_weights_is_refused_without_torchs_advice(self, tmp_path: Path) -> None:
        save_classifier(tmp_path)
        (tmp_path / "model.safetensors").unlink()
        torch.save({"weight": torch.ones(2), "code": make_task}, tmp_path / "pytorch_model.bin")
        with pytest.raises(CharBertError, match="cannot be read") as error:
            load_for_task(tmp_path)
        assert "weights_only" not in str(error.value)

    @pytest.mark.parametrize(
        "config",
        [
            "",
            "null",
            "[]",
            "7",
            '"bert"',
            '{"model_type": 7}',
            '{"model_type": ["bert"]}',
            '{"model_type": "charbert", "backbone_config": []}',
            '{"model_type": "charbert", "backbone_config": {"model_type": "electra"}}',
            '{"model_type": "charbert", "char_embedding_size": "wide"}',
            '{"model_type": "charbert", "char_embedding_size": -3}',
            '{"model_type": "bert", "hidden_size": null}',
            '{"model_type": "bert", "num_hidden_layers": 999999999}',
            '{"model_type": "charbert", "backbone_config": {"num_hidden_layers": 999999999}}',
            "[" * 100_000,
        ],
        ids=lambda config: config[:60],
    )
    def test_config(self, config: str, tmp_path: Path) -> None:
        save_charbert(tmp_path)
        (tmp_path / "config.json").write_text(config)
        for given in ({"model": str(tmp_path)}, {"backbone": str(tmp_path)}):
            with pytest.raises(CharBertError) as error:
                load_for_task(tmp_path, **given)
            assert "\n" not in str(error.value)

    @pytest.mark.parametrize(
        "content",
        ["", "null", "[]", '{"settings": 3}', '{"settings": {}, "labels": 3, "threshold": 0.0}', "[" * 10**5],
        ids=lambda content: content[:30],
    )
    def test_task(self, content: str, tmp_path: Path) -> None:
        (tmp_path / "task.json").write_text(content)
        with pytest.raises(CharBertError, match=r"task\.json") as error:
            load_task(tmp_path)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize(
        "setting",
        [{"max_length": "long"}, {"bf16": "x"}, {"max_length": -1}, {"task": "nope"}, {"seeds": "x"}],
    )
    def test_settings_of_a_task(self, setting: dict[str, Any], tmp_path: Path) -> None:
        settings = {**SETTINGS, "model": "-", **setting}
        content = {"settings": settings, "labels": LABELS, "threshold": 0.0}
        (tmp_path / "task.json").write_text(json.dumps(content))
        with pytest.raises(CharBertError, match=rf"task\.json: .*{next(iter(setting))[:3]}"):
            load_task(tmp_path)

    @pytest.mark.parametrize("family", ["electra", "deberta-v2"])
    def test_backbone_of_another_family(self, family: str, tmp_path: Path) -> None:
        save_plain(tmp_path, "bert", "model")
        sizes = tiny.backbone_config("bert").to_dict()
        del sizes["model_type"], sizes["architectures"]
        AutoModel.from_config(AutoConfig.for_model(family, **sizes)).save_pretrained(tmp_path)
        with pytest.raises(CharBertError, match=f"{family}"):
            load_for_task(tmp_path, backbone=str(tmp_path))


class TestTokenizer:
    @pytest.mark.parametrize("kind", ["charbert", "plain"])
    @pytest.mark.parametrize("more", [1, -1])
    def test_of_another_size_is_refused(self, kind: str, more: int, tmp_path: Path) -> None:
        save_charbert(tmp_path) if kind == "charbert" else save_classifier(tmp_path)
        if more > 0:
            tokenizer = AutoTokenizer.from_pretrained(tmp_path)
            tokenizer.add_tokens(["newdog"])
            tokenizer.save_pretrained(tmp_path)
        else:
            path = tmp_path / "tokenizer.json"
            content = json.loads(path.read_text())
            del content["model"]["vocab"]["?"]
            path.write_text(json.dumps(content))
        with pytest.raises(CharBertError, match="tokens does not fit this model"):
            load_for_task(tmp_path)

    @pytest.mark.parametrize("change", [{"pad_token": None}, {"model_max_length": "long"}], ids=str)
    def test_of_other_settings_is_refused(self, change: dict[str, Any], tmp_path: Path) -> None:
        path = save_classifier(tmp_path) / "tokenizer_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
        with pytest.raises(CharBertError, match=r"tokenizer_config\.json lacks"):
            load_for_task(tmp_path)

    @pytest.mark.parametrize("kind", ["charbert", "plain", "backbone"])
    def test_is_as_long_as_the_model_reads(self, kind: str, tmp_path: Path) -> None:
        save_charbert(tmp_path) if kind == "charbert" else save_classifier(tmp_path)
        given = {"backbone" if kind == "backbone" else "model": str(tmp_path)}
        assert load_for_task(tmp_path, **given)[1].model_max_length == 80
