"""`CharBertConfig` holds the backbone's own configuration and reads and writes through to it."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import tiny
from transformers import AutoConfig, BertConfig, RobertaConfig

from charbert import CharBertConfig, CharBertError
from charbert.configuration import BACKBONE_ATTRIBUTES


class TestBackbone:
    def test_is_bert_base_by_default(self) -> None:
        config = CharBertConfig()
        assert isinstance(config.backbone_config, BertConfig)
        assert (config.hidden_size, config.num_hidden_layers) == (768, 12)

    @pytest.mark.parametrize(
        ("given", "kind"),
        [
            ({"hidden_size": 32}, BertConfig),
            ({"model_type": "roberta", "hidden_size": 32}, RobertaConfig),
            (RobertaConfig(hidden_size=32), RobertaConfig),
        ],
        ids=["a dict", "a dict with a model type", "an object"],
    )
    def test_comes_as_dict_or_object(self, given: Any, kind: type) -> None:
        config = CharBertConfig(backbone_config=given)
        assert type(config.backbone_config) is kind
        assert config.hidden_size == 32

    def test_dict_given_is_left_alone(self) -> None:
        given = {"model_type": "roberta", "hidden_size": 32}
        CharBertConfig(backbone_config=given)
        assert given == {"model_type": "roberta", "hidden_size": 32}

    @pytest.mark.parametrize("name", BACKBONE_ATTRIBUTES)
    def test_attributes_are_read_through(self, kind: str, name: str) -> None:
        config = CharBertConfig(backbone_config=tiny.backbone_config(kind))
        assert getattr(config, name) == getattr(config.backbone_config, name)

    def test_attributes_are_written_through(self, kind: str) -> None:
        config = tiny.config(kind)
        config.vocab_size, config.hidden_dropout_prob = 777, 0.25
        assert config.backbone_config.vocab_size == 777
        assert config.backbone_config.hidden_dropout_prob == 0.25

    def test_attributes_may_be_given_directly(self) -> None:
        config = CharBertConfig(hidden_size=64, num_attention_heads=4, vocab_size=99)
        assert config.backbone_config.hidden_size == 64
        assert config.backbone_config.vocab_size == 99

    def test_copy_does_not_share_it(self, kind: str) -> None:
        config = tiny.config(kind)
        other = copy.deepcopy(config)
        other.vocab_size += 1
        assert other.vocab_size != config.vocab_size

    def test_two_defaults_do_not_share_it(self) -> None:
        first, second = CharBertConfig(), CharBertConfig()
        first.hidden_size = 64
        assert second.hidden_size == 768


class TestFile:
    CHANGES = {
        "char_encoder": "embedding",
        "interaction": "paper",
        "interaction_kernel_size": 5,
        "interaction_per_layer": True,
        "num_labels": 7,
    }

    def test_gives_every_value_back(self, kind: str, tmp_path: Path) -> None:
        config = tiny.config(kind, **self.CHANGES)
        config.save_pretrained(tmp_path)
        loaded = CharBertConfig.from_pretrained(tmp_path)
        assert {name: getattr(loaded, name) for name in self.CHANGES} == self.CHANGES
        assert loaded.to_diff_dict() == config.to_diff_dict()
        assert type(loaded.backbone_config) is type(config.backbone_config)

    def test_keeps_values_written_through(self, kind: str, tmp_path: Path) -> None:
        config = tiny.config(kind)
        config.vocab_size, config.layer_norm_eps = 777, 0.5
        config.save_pretrained(tmp_path)
        loaded = AutoConfig.from_pretrained(tmp_path)
        assert (loaded.vocab_size, loaded.layer_norm_eps) == (777, 0.5)

    def test_names_the_backbones_values_once(self, kind: str, tmp_path: Path) -> None:
        tiny.config(kind).save_pretrained(tmp_path)
        content = json.loads((tmp_path / "config.json").read_text())
        assert content["model_type"] == "charbert"
        assert content["backbone_config"]["model_type"] == kind
        assert not content.keys() & set(BACKBONE_ATTRIBUTES)

    def test_labels_come_back_with_their_names(self, tmp_path: Path) -> None:
        names = {0: "O", 1: "B-PER"}
        tiny.config("bert", num_labels=2, id2label=names, label2id={"O": 0, "B-PER": 1}).save_pretrained(
            tmp_path
        )
        assert CharBertConfig.from_pretrained(tmp_path).id2label == names

    def test_override_on_loading_reaches_the_backbone(self, kind: str, tmp_path: Path) -> None:
        tiny.config(kind).save_pretrained(tmp_path)
        loaded = CharBertConfig.from_pretrained(tmp_path, hidden_dropout_prob=0.75)
        assert loaded.backbone_config.hidden_dropout_prob == 0.75


class TestValues:
    def test_width_of_the_recurrence_is_a_quarter_of_the_hidden_size(self) -> None:
        assert CharBertConfig(backbone_config={"hidden_size": 32}).char_hidden_size == 8

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"interaction": "papr"}, "interaction='papr' is unknown; choose one of released, paper, none"),
            ({"char_encoder": "cnn"}, "char_encoder='cnn' is unknown; choose one of gru, embedding"),
            ({"interaction_kernel_size": 4}, "interaction_kernel_size=4 must be odd"),
            ({"backbone_config": {"hidden_size": 30}}, "hidden_size=30 must be a multiple of 4"),
            ({"hidden_size": 30}, "hidden_size=30 must be a multiple of 4"),
        ],
    )
    def test_that_no_charbert_can_have_are_refused(self, changes: dict[str, Any], message: str) -> None:
        with pytest.raises(CharBertError, match=message):
            CharBertConfig(**changes)

    def test_in_a_file_are_refused_too(self, tmp_path: Path) -> None:
        tiny.config("bert").save_pretrained(tmp_path)
        content = json.loads((tmp_path / "config.json").read_text())
        (tmp_path / "config.json").write_text(json.dumps({**content, "interaction": "none at all"}))
        with pytest.raises(CharBertError, match="interaction='none at all' is unknown"):
            CharBertConfig.from_pretrained(tmp_path)
