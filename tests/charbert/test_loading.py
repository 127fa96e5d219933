"""Saving and loading: bit-identical, whole or not at all, and what was loaded can be resized."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import load_file, save_file

import charbert
from charbert import CharBertError, CharBertTokenizer, Vocabulary
from charbert.export import MODEL_FILE
from charbert.spelling import spell

VARIANTS = (
    {"interaction_per_layer": True},
    {"interaction": "paper"},
    {"interaction": "none"},
    {"char_encoder": "embedding"},
)
Tensors = dict[str, torch.Tensor]


def edit_weights(folder: Path, edit: Callable[[Tensors], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


class TestRoundTrip:
    @pytest.mark.parametrize("model_class", tiny.HEADS)
    def test_is_bit_identical(self, kind: str, model_class: Any, tmp_path: Path) -> None:
        model = tiny.build(model_class, kind)
        model.save_pretrained(tmp_path)
        loaded = model_class.from_pretrained(tmp_path)
        assert tiny.differing(loaded, model) == []
        assert not loaded.training

    @pytest.mark.parametrize("changes", VARIANTS, ids=str)
    def test_of_every_variant_is_bit_identical(
        self, kind: str, changes: dict[str, Any], tmp_path: Path
    ) -> None:
        model = tiny.build(charbert.CharBertModel, kind, **changes)
        model.save_pretrained(tmp_path)
        assert tiny.differing(charbert.CharBertModel.from_pretrained(tmp_path), model) == []

    def test_of_shards_is_bit_identical(self, tmp_path: Path) -> None:
        model = tiny.build(charbert.CharBertForPreTraining, "bert")
        model.save_pretrained(tmp_path, max_shard_size="20KB")
        assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
        assert tiny.differing(charbert.CharBertForPreTraining.from_pretrained(tmp_path), model) == []

    def test_without_a_table_gives_a_model_without_one(self, tmp_path: Path) -> None:
        charbert.CharBertModel(tiny.config("bert")).save_pretrained(tmp_path)
        assert charbert.CharBertModel.from_pretrained(tmp_path).spelling is None

    def test_keeps_the_decoder_tied_to_the_embeddings(self, kind: str, tmp_path: Path) -> None:
        tiny.build(charbert.CharBertForPreTraining, kind).save_pretrained(tmp_path)
        loaded = charbert.CharBertForPreTraining.from_pretrained(tmp_path)
        assert loaded.mlm_head.decoder.weight is loaded.get_input_embeddings().weight

    def test_through_a_string_as_through_a_path(self, tmp_path: Path) -> None:
        model = tiny.build(charbert.CharBertModel, "bert")
        model.save_pretrained(str(tmp_path))
        assert tiny.differing(charbert.CharBertModel.from_pretrained(str(tmp_path)), model) == []

    def test_in_another_precision(self, tmp_path: Path) -> None:
        tiny.build(charbert.CharBertModel, "bert").save_pretrained(tmp_path)
        loaded = charbert.CharBertModel.from_pretrained(tmp_path, dtype=torch.bfloat16)
        assert {parameter.dtype for parameter in loaded.parameters()} == {torch.bfloat16}
        assert loaded.spelling.offsets.dtype == torch.int32


class TestOtherHead:
    @pytest.mark.parametrize("model_class", tiny.HEADS[2:])
    def test_takes_the_encoder_of_a_pretrained_model(
        self, kind: str, model_class: Any, tmp_path: Path
    ) -> None:
        pretrained = tiny.build(charbert.CharBertForPreTraining, kind)
        pretrained.save_pretrained(tmp_path)
        assert tiny.differing(model_class.from_pretrained(tmp_path).charbert, pretrained.charbert) == []

    def test_may_be_left_off(self, kind: str, tmp_path: Path) -> None:
        pretrained = tiny.build(charbert.CharBertForPreTraining, kind)
        pretrained.save_pretrained(tmp_path)
        encoder = charbert.CharBertModel.from_pretrained(tmp_path)
        fresh = [name for name in tiny.differing(encoder, pretrained.charbert) if "pooler" not in name]
        assert fresh == []

    def test_may_be_put_on_a_bare_encoder(self, kind: str, tmp_path: Path) -> None:
        encoder = tiny.build(charbert.CharBertModel, kind)
        encoder.save_pretrained(tmp_path)
        model = charbert.CharBertForTokenClassification.from_pretrained(tmp_path)
        lost = [name for name in tiny.differing(model.charbert, encoder) if "pooler" not in name]
        assert lost == []

    def test_of_another_size_is_refused_unless_allowed(self, tmp_path: Path) -> None:
        tiny.build(charbert.CharBertForTokenClassification, "bert").save_pretrained(tmp_path)
        load = charbert.CharBertForTokenClassification.from_pretrained
        with pytest.raises(CharBertError, match=r"of another size \(classifier\.bias, classifier\.weight\)"):
            load(tmp_path, num_labels=9)
        allowed = load(tmp_path, num_labels=9, ignore_mismatched_sizes=True)
        assert allowed.classifier.out_features == 9


class TestPartialCheckpoint:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        tiny.build(charbert.CharBertForTokenClassification, "bert").save_pretrained(tmp_path)
        return tmp_path

    @pytest.mark.parametrize(
        "name",
        [
            "charbert.char_encoder.embeddings.weight",
            "charbert.interactions.0.convolution.bias",
            "charbert.backbone.encoder.layer.1.output.dense.weight",
            "charbert.spelling.characters",
        ],
    )
    def test_names_a_missing_tensor(self, folder: Path, name: str) -> None:
        edit_weights(folder, lambda tensors: tensors.pop(name))
        with pytest.raises(CharBertError, match=rf"fits only in part; tensors 1 missing \({name}\)"):
            charbert.CharBertForTokenClassification.from_pretrained(folder)

    def test_names_a_tensor_of_another_size(self, folder: Path) -> None:
        name = "charbert.interactions.0.token_norm.weight"
        edit_weights(folder, lambda tensors: tensors.update({name: torch.ones(8)}))
        with pytest.raises(CharBertError, match=rf"tensors 1 of another size \({name}\)"):
            charbert.CharBertForTokenClassification.from_pretrained(folder)

    def test_names_the_first_five_of_many(self, folder: Path) -> None:
        def drop_a_layer(tensors: Tensors) -> None:
            for name in [name for name in tensors if ".encoder.layer.1." in name]:
                del tensors[name]

        edit_weights(folder, drop_a_layer)
        with pytest.raises(CharBertError, match=r"16 missing \((\S+, ){5}\.\.\.\)"):
            charbert.CharBertForTokenClassification.from_pretrained(folder)

    def test_is_refused_by_a_bare_encoder_too(self, folder: Path) -> None:
        edit_weights(folder, lambda tensors: tensors.pop("charbert.char_encoder.embeddings.weight"))
        with pytest.raises(CharBertError, match=r"1 missing \(char_encoder\.embeddings\.weight\)"):
            charbert.CharBertModel.from_pretrained(folder)

    def test_without_its_head_gets_a_fresh_one(self, folder: Path) -> None:
        edit_weights(folder, lambda tensors: [tensors.pop(f"classifier.{end}") for end in ("weight", "bias")])
        model = charbert.CharBertForTokenClassification.from_pretrained(folder)
        assert model.classifier.weight.std() > 0


class TestSource:
    def test_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(CharBertError, match=r"nowhere: no config\.json there"):
            charbert.CharBertModel.from_pretrained(tmp_path / "nowhere")

    def test_without_weights(self, tmp_path: Path) -> None:
        tiny.backbone_config("bert").save_pretrained(tmp_path)
        with pytest.raises(CharBertError, match="no weights there"):
            charbert.CharBertModel.from_pretrained(tmp_path)

    def test_with_an_exported_graph_in_place_of_weights(self, tmp_path: Path) -> None:
        tiny.config("bert").save_pretrained(tmp_path)
        (tmp_path / MODEL_FILE).touch()
        with pytest.raises(CharBertError, match="holds an exported graph and no weights"):
            charbert.CharBertModel.from_pretrained(tmp_path)

    def test_with_weights_that_cannot_be_read(self, tmp_path: Path) -> None:
        tiny.backbone_config("bert").save_pretrained(tmp_path)
        (tmp_path / "model.safetensors").write_bytes(b"not weights")
        with pytest.raises(CharBertError, match=r"model\.safetensors: cannot be read as weights"):
            charbert.CharBertModel.from_pretrained(tmp_path)

    def test_none_builds_from_a_configuration_and_a_state(self) -> None:
        model = tiny.build(charbert.CharBertModel, "bert")
        built = charbert.CharBertModel.from_pretrained(
            None, config=model.config, state_dict=model.state_dict()
        )
        assert tiny.differing(built, model) == []


class TestResize:
    def test_without_a_tokenizer_spells_new_tokens_as_blanks(self, kind: str) -> None:
        model = tiny.build(charbert.CharBertForPreTraining, kind)
        before = model.charbert.spelling.spellings()
        model.resize_token_embeddings(len(before) + 2)
        assert model.charbert.spelling.spellings() == [*before, [0], [0]]

    def test_with_a_tokenizer_spells_them(self, kind: str, tokenizer: CharBertTokenizer) -> None:
        model = tiny.build(charbert.CharBertForPreTraining, kind)
        tokenizer.add_tokens(["newdog"])
        model.resize_token_embeddings(len(tokenizer), tokenizer=tokenizer)
        assert model.charbert.spelling.spellings()[-1] == spell("newdog", tokenizer.characters)

    def test_with_a_stock_tokenizer_is_refused(self, kind: str, stock: Any) -> None:
        model = tiny.build(charbert.CharBertModel, kind)
        with pytest.raises(CharBertError, match="has no characters"):
            model.resize_token_embeddings(len(stock) + 1, tokenizer=stock)

    def test_to_fewer_tokens_cuts_the_table(self, kind: str) -> None:
        model = tiny.build(charbert.CharBertModel, kind)
        before = model.spelling.spellings()
        model.resize_token_embeddings(50)
        assert model.spelling.spellings() == before[:50]

    def test_to_a_multiple_fills_up_with_blanks(self, kind: str, tokenizer: CharBertTokenizer) -> None:
        model = tiny.build(charbert.CharBertModel, kind)
        model.resize_token_embeddings(len(tokenizer), pad_to_multiple_of=64, tokenizer=tokenizer)
        table = model.spelling.spellings()
        assert len(table) % 64 == 0
        assert table[len(tokenizer) :] == [[0]] * (len(table) - len(tokenizer))

    def test_reaches_configuration_and_head(self, kind: str) -> None:
        model = tiny.build(charbert.CharBertForPreTraining, kind)
        size = model.config.vocab_size + 3
        model.resize_token_embeddings(size)
        assert model.config.vocab_size == model.config.backbone_config.vocab_size == size
        assert model(**tiny.ragged_batch(kind)).mlm_logits.shape[-1] == size

    def test_changes_no_output_for_old_tokens(self, kind: str) -> None:
        model, batch = tiny.build(charbert.CharBertModel, kind), tiny.ragged_batch(kind)
        before = model(**batch)
        model.resize_token_embeddings(model.config.vocab_size + 3)
        after = model(**batch)
        assert torch.equal(after.last_hidden_state, before.last_hidden_state)
        assert torch.equal(after.char_last_hidden_state, before.char_last_hidden_state)

    def test_is_saved(self, kind: str, tokenizer: CharBertTokenizer, tmp_path: Path) -> None:
        model = tiny.build(charbert.CharBertForMaskedLM, kind)
        tokenizer.add_tokens(["newdog"])
        model.resize_token_embeddings(len(tokenizer), tokenizer=tokenizer)
        model.save_pretrained(tmp_path)
        assert tiny.differing(charbert.CharBertForMaskedLM.from_pretrained(tmp_path), model) == []

    def test_of_a_model_without_a_table_makes_none(self) -> None:
        model = charbert.CharBertModel(tiny.config("bert"))
        model.resize_token_embeddings(100)
        assert model.spelling is None


def test_table_is_replaced_by_the_vocabulary_given(tmp_path: Path, kind: str) -> None:
    tiny.build(charbert.CharBertModel, kind).save_pretrained(tmp_path)
    tiny.stock_tokenizer(kind).save_pretrained(tmp_path)
    characters = tiny.tokenizer(kind).characters
    backwards = Vocabulary([" ", *reversed(characters.entries[1:-1]), "<unk>"])
    backwards.save(tmp_path / "backwards.txt")
    model = charbert.CharBertModel.from_pretrained(tmp_path, character_vocabulary=tmp_path / "backwards.txt")
    token = tiny.stock_tokenizer(kind).convert_tokens_to_ids("#")
    assert model.spelling.spellings()[token] == [backwards.id("#")] != [characters.id("#")]


@pytest.mark.parametrize("name", ("nobody/nothing", "a/folder/of/mine", "/nowhere/at/all", "x" * 300))
def test_a_folder_that_is_missing_is_said_to_be(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    model = charbert.CharBertModel
    for load in (model.from_pretrained, model.from_backbone, CharBertTokenizer.from_pretrained):
        with pytest.raises(CharBertError, match="there is no such folder, and the hub") as error:
            load(name)
        assert str(error.value).count("hub") == 1
