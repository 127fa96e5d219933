"""Checkpoints in the layout of the released CharBERTs are loaded as they stand.

Here `released_layout.py` writes small models in it; `test_parity.py` runs what the released code wrote.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from released_layout import HEADS, PRETRAINING, edit_weights, save_released
from safetensors.torch import save_file

import charbert
from charbert import CharBertError


def lost(loaded: Any, wanted: Any) -> list[str]:
    return [name for name in tiny.differing(loaded, wanted) if ".spelling." not in name]


@pytest.mark.parametrize("head", HEADS)
def test_tensors_are_those_of_the_checkpoint(kind: str, head: str, tmp_path: Path) -> None:
    wanted = save_released(tmp_path, kind, head)
    loaded = HEADS[head].from_pretrained(tmp_path)
    assert lost(loaded, wanted) == []
    assert not loaded.training


def test_sizes_follow_from_the_tensors(kind: str, tmp_path: Path) -> None:
    wanted = save_released(tmp_path, kind, interaction_kernel_size=5).config
    untold = ("num_attention_heads", "layer_norm_eps", "pad_token_id")
    (tmp_path / "config.json").write_text(json.dumps({name: getattr(wanted, name) for name in untold}))
    found = charbert.CharBertForPreTraining.from_pretrained(tmp_path).config
    for name in (
        *("character_vocabulary_size", "char_embedding_size", "word_vocabulary_size", "vocab_size"),
        *("hidden_size", "num_hidden_layers", "intermediate_size", "max_position_embeddings"),
        *("type_vocab_size", "interaction_kernel_size"),
    ):
        assert getattr(found, name) == getattr(wanted, name)
    assert found.backbone_config.model_type == kind


@pytest.mark.parametrize("head", ["token", "sequence"])
def test_number_of_labels_follows_from_the_classifier(kind: str, head: str, tmp_path: Path) -> None:
    save_released(tmp_path, kind, head)
    assert HEADS[head].from_pretrained(tmp_path).config.num_labels == 3


@pytest.mark.parametrize("names", [("O", "B-PER", "I-PER"), ("O", "B-PER")], ids=["fit", "too few"])
def test_names_of_labels_are_kept_where_they_fit_the_classifier(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    save_released(tmp_path, "bert", "token")
    content = json.loads((tmp_path / "config.json").read_text())
    labels = {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}
    (tmp_path / "config.json").write_text(json.dumps({**content, **labels}))
    found = charbert.CharBertForTokenClassification.from_pretrained(tmp_path).config.id2label
    assert list(found.values()) == (list(names) if len(names) == 3 else ["LABEL_0", "LABEL_1", "LABEL_2"])


def test_saved_again_in_our_format_it_is_bit_identical(kind: str, tmp_path: Path) -> None:
    save_released(tmp_path, kind)
    released = charbert.CharBertForPreTraining.from_pretrained(tmp_path)
    released.save_pretrained(tmp_path / "ours")
    loaded = charbert.CharBertForPreTraining.from_pretrained(tmp_path / "ours")
    assert tiny.differing(loaded, released) == []


def test_equal_convolutions_of_all_layers_are_one(tmp_path: Path) -> None:
    def repeat(tensors: dict[str, torch.Tensor]) -> None:
        for end in ("weight", "bias"):
            convolution = tensors.pop(f"bert.encoder.fusion_layer.{end}")
            for layer in range(2):
                tensors[f"bert.encoder.fusion_layer_list.{layer}.{end}"] = convolution.clone()

    wanted = save_released(tmp_path, "bert")
    edit_weights(tmp_path, repeat)
    assert lost(charbert.CharBertForPreTraining.from_pretrained(tmp_path), wanted) == []


def test_unequal_convolutions_are_refused(tmp_path: Path) -> None:
    def repeat(tensors: dict[str, torch.Tensor]) -> None:
        bias = tensors.pop("bert.encoder.fusion_layer.bias")
        tensors["bert.encoder.fusion_layer_list.0.bias"] = bias
        tensors["bert.encoder.fusion_layer_list.1.bias"] = bias + 1

    save_released(tmp_path, "bert")
    edit_weights(tmp_path, repeat)
    with pytest.raises(CharBertError, match=r"fusion_layer_list\.1\.bias differs from the convolution"):
        charbert.CharBertForPreTraining.from_pretrained(tmp_path)


def test_weights_may_be_safetensors(kind: str, tmp_path: Path) -> None:
    wanted = save_released(tmp_path, kind)
    tensors = torch.load(tmp_path / "pytorch_model.bin", weights_only=True)
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "pytorch_model.bin").unlink()
    assert lost(charbert.CharBertForPreTraining.from_pretrained(tmp_path), wanted) == []


def test_decoder_of_its_own_is_kept(kind: str, tmp_path: Path) -> None:
    save_released(tmp_path, kind)
    decoder = PRETRAINING[kind]["mlm_head.decoder.weight"]
    edit_weights(tmp_path, lambda tensors: tensors[decoder].add_(1))
    loaded = charbert.CharBertForPreTraining.from_pretrained(tmp_path)
    embeddings = loaded.get_input_embeddings().weight
    assert torch.equal(loaded.mlm_head.decoder.weight, embeddings + 1)


def test_half_a_checkpoint_is_refused(kind: str, tmp_path: Path) -> None:
    save_released(tmp_path, kind)
    name = f"{kind}.char_embeddings.rnn_layer.weight_hh_l0_reverse"
    edit_weights(tmp_path, lambda tensors: tensors.pop(name))
    with pytest.raises(
        CharBertError, match=r"1 missing \(charbert\.char_encoder\.backward_gru\.weight_hh_l0\)"
    ):
        charbert.CharBertForPreTraining.from_pretrained(tmp_path)


def test_fresh_head_is_announced(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_released(tmp_path, kind)
    monkeypatch.setattr("charbert.loading.logger.handlers", [caplog.handler])
    charbert.CharBertForTokenClassification.from_pretrained(tmp_path)
    assert "holds no classifier of this size; it is new and must be trained" in caplog.text


def test_configuration_may_be_overridden(kind: str, tmp_path: Path) -> None:
    save_released(tmp_path, kind)
    model = charbert.CharBertForTokenClassification.from_pretrained(tmp_path, num_labels=9)
    assert model.classifier.out_features == 9


def test_unknown_key_of_the_configuration_is_refused(kind: str, tmp_path: Path) -> None:
    save_released(tmp_path, kind)
    with pytest.raises(CharBertError, match="num_label: no key of CharBertConfig"):
        charbert.CharBertForTokenClassification.from_pretrained(tmp_path, num_label=9)


class TestSpelling:
    def test_without_a_vocabulary_there_is_no_table(self, kind: str, tmp_path: Path) -> None:
        save_released(tmp_path, kind)
        model = charbert.CharBertModel.from_pretrained(tmp_path)
        assert model.spelling is None
        with pytest.raises(CharBertError, match=r"no spelling table.*character_vocabulary=FILE"):
            model(**tiny.ragged_batch(kind))

    def test_without_a_table_explicit_characters_serve(self, kind: str, tmp_path: Path) -> None:
        wanted = save_released(tmp_path, kind)
        batch = tiny.ragged_batch(kind, return_spelling=True)
        output = charbert.CharBertForPreTraining.from_pretrained(tmp_path)(**batch)
        assert tiny.largest_difference(output.nlm_logits, wanted(**batch).nlm_logits) < 1e-5

    def test_vocabulary_file_builds_the_table(self, kind: str, tmp_path: Path) -> None:
        wanted = save_released(tmp_path, kind)
        tiny.stock_tokenizer(kind).save_pretrained(tmp_path)
        tiny.tokenizer(kind).characters.save(tmp_path / "char_vocab")
        model = charbert.CharBertForPreTraining.from_pretrained(
            tmp_path, character_vocabulary=tmp_path / "char_vocab"
        )
        assert tiny.differing(model, wanted) == []

    def test_vocabulary_files_of_old_serve_as_tokenizer(self, kind: str, stock: Any, tmp_path: Path) -> None:
        save_released(tmp_path, kind)
        pieces = sorted(stock.get_vocab(), key=stock.get_vocab().get)
        if kind == "bert":
            (tmp_path / "vocab.txt").write_text("".join(f"{piece}\n" for piece in pieces))
        else:
            stock.backend_tokenizer.model.save(str(tmp_path))  # vocab.json and merges.txt
        model = charbert.CharBertModel.from_pretrained(
            tmp_path, character_vocabulary=tiny.tokenizer(kind).characters
        )
        assert model.spelling.spellings() == tiny.spelling_table(kind)

    def test_tokenizer_may_come_from_elsewhere(self, kind: str, stock: Any, tmp_path: Path) -> None:
        save_released(tmp_path, kind)
        stock.save_pretrained(tmp_path / "elsewhere")
        for tokenizer in (stock, tmp_path / "elsewhere"):
            model = charbert.CharBertModel.from_pretrained(
                tmp_path, character_vocabulary=tiny.tokenizer(kind).characters, tokenizer=tokenizer
            )
            assert model.spelling.spellings() == tiny.spelling_table(kind)

    def test_without_a_tokenizer_nothing_can_be_spelled(self, kind: str, tmp_path: Path) -> None:
        save_released(tmp_path, kind)
        with pytest.raises(CharBertError, match=r"no tokenizer there.* with tokenizer=, on a command line"):
            charbert.CharBertModel.from_pretrained(
                tmp_path, character_vocabulary=tiny.tokenizer(kind).characters
            )

    def test_vocabulary_of_another_size_is_refused(self, kind: str, stock: Any, tmp_path: Path) -> None:
        save_released(tmp_path, kind)
        with pytest.raises(CharBertError, match="vocabulary of 3 characters does not fit"):
            charbert.CharBertModel.from_pretrained(
                tmp_path, character_vocabulary=charbert.Vocabulary([" ", "a", "<unk>"]), tokenizer=stock
            )
