"""A CharBERT starts from a plain BERT or RoBERTa: it takes the token channel, the rest is fresh."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
import transformers
from plain import save_plain
from transformers import AutoModel, AutoModelForMaskedLM, DistilBertConfig, DistilBertModel

import charbert
from charbert import CharBertError, CharBertTokenizer, Vocabulary
from charbert.spelling import frequent_characters, token_spellings

SIZES = {"char_embedding_size": 12, "word_vocabulary_size": 20}


def changed(model: Any, plain: Any) -> list[str]:
    """Names of the backbone's tensors that are not the plain model's."""
    ours, theirs = model.base_model.backbone.state_dict(), plain.base_model.state_dict()
    return [
        name for name, tensor in ours.items() if not torch.equal(tensor, theirs.get(name, torch.empty(0)))
    ]


class TestTokenChannel:
    @pytest.mark.parametrize(
        "model_class",
        [charbert.CharBertModel, charbert.CharBertForPreTraining, charbert.CharBertForTokenClassification],
    )
    def test_is_the_backbone(self, plain_folder: Path, model_class: Any) -> None:
        model = model_class.from_backbone(plain_folder, **SIZES)
        assert changed(model, AutoModel.from_pretrained(plain_folder)) == []
        assert not model.training

    @pytest.mark.parametrize(
        "model_class", [charbert.CharBertForPreTraining, charbert.CharBertForTokenClassification]
    )
    def test_is_that_of_a_masked_lm_without_pooler(self, masked_lm_folder: Path, model_class: Any) -> None:
        model = model_class.from_backbone(masked_lm_folder, **SIZES)
        assert changed(model, AutoModelForMaskedLM.from_pretrained(masked_lm_folder)) == []

    def test_is_computed_as_by_the_backbone(self, kind: str, plain_folder: Path) -> None:
        model = charbert.CharBertModel.from_backbone(plain_folder, interaction="none", **SIZES)
        batch = tiny.ragged_batch(kind)
        with torch.no_grad():
            ours, theirs = model(**batch), AutoModel.from_pretrained(plain_folder).eval()(**batch)
        real = batch["attention_mask"].bool()
        assert tiny.largest_difference(ours.last_hidden_state[real], theirs.last_hidden_state[real]) < 1e-5
        assert tiny.largest_difference(ours.pooler_output, theirs.pooler_output) < 1e-5

    @pytest.mark.parametrize("settings", [{}, {"interaction_per_layer": True}, {"interaction": "paper"}])
    def test_comes_through_the_fresh_interactions(
        self, kind: str, plain_folder: Path, settings: dict[str, Any]
    ) -> None:
        plain = AutoModel.from_pretrained(plain_folder).eval()
        batch = tiny.ragged_batch(kind)
        real = batch["attention_mask"].bool()
        # Vectors of any scale and mean, one for each layer.
        for number, layer in enumerate(plain.encoder.layer):
            layer.output.LayerNorm.weight.data.mul_(2).add_(number)
            layer.output.LayerNorm.bias.data.add_(0.5)
        plain.save_pretrained(plain_folder)
        model = charbert.CharBertModel.from_backbone(plain_folder, **settings, **SIZES)
        with torch.no_grad():
            ours = model(**batch, output_hidden_states=True).hidden_states
            theirs = plain(**batch, output_hidden_states=True).hidden_states
        ours, theirs = torch.stack(ours)[:, real], torch.stack(theirs)[:, real]
        assert torch.cosine_similarity(ours, theirs, dim=-1).min() > 0.9

    @pytest.mark.parametrize("interaction", ["released", "paper"])
    def test_comes_through_an_offset_interaction_as_it_is(
        self, kind: str, tmp_path: Path, interaction: str
    ) -> None:
        torch.manual_seed(0)
        plain = AutoModel.from_config(tiny.backbone_config(kind, hidden_size=256)).eval()
        for number, layer in enumerate(plain.encoder.layer):
            layer.output.LayerNorm.weight.data.uniform_(0.1, 1 + number)  # which a shared norm cannot give
        plain.save_pretrained(tmp_path)
        tiny.stock_tokenizer(kind).save_pretrained(tmp_path)
        model = charbert.CharBertModel.from_backbone(tmp_path, interaction=interaction, **SIZES)
        batch = tiny.ragged_batch(kind)
        real = batch["attention_mask"].bool()
        errors = []
        for offset in (0.0, 64.0):
            model.start_interactions(offset)
            with torch.no_grad():
                ours, theirs = model(**batch).last_hidden_state[real], plain(**batch).last_hidden_state[real]
            errors.append(float((ours - theirs).norm() / theirs.norm()))
        assert errors[1] < 0.1 < errors[0]

    def test_comes_through_an_offset_whatever_the_default_device(self, plain_folder: Path) -> None:
        model = charbert.CharBertModel.from_backbone(plain_folder, **SIZES)
        norm = model.interactions[0].token_norm
        model.start_interactions(4.0)
        expected = norm.weight.clone(), norm.bias.clone()
        model.start_interactions()
        with torch.device("meta"):  # where none of the weights are
            model.start_interactions(4.0)
        assert torch.equal(norm.weight, expected[0])
        assert torch.equal(norm.bias, expected[1])

    def test_with_norms_of_ones_comes_through_as_it_is(self, kind: str, tmp_path: Path) -> None:
        plain = AutoModel.from_config(tiny.backbone_config(kind)).eval()
        plain.save_pretrained(tmp_path)
        tiny.stock_tokenizer(kind).save_pretrained(tmp_path)
        model = charbert.CharBertModel.from_backbone(tmp_path, **SIZES)
        batch = tiny.ragged_batch(kind)
        real = batch["attention_mask"].bool()
        with torch.no_grad():
            ours, theirs = model(**batch).last_hidden_state, plain(**batch).last_hidden_state
        assert tiny.largest_difference(ours[real], theirs[real]) < 1e-5

    def test_learns_to_listen_to_the_characters(self, kind: str, plain_folder: Path) -> None:
        model = charbert.CharBertModel.from_backbone(plain_folder, **SIZES)
        model(**tiny.ragged_batch(kind)).last_hidden_state.square().sum().backward()
        assert model.interactions[0].convolution.weight.grad.abs().max() > 0

    @pytest.mark.parametrize("model_class", [charbert.CharBertForPreTraining, charbert.CharBertForMaskedLM])
    def test_keeps_the_masked_lm_head(self, kind: str, masked_lm_folder: Path, model_class: Any) -> None:
        model = model_class.from_backbone(masked_lm_folder, interaction="none", **SIZES)
        batch = tiny.ragged_batch(kind)
        with torch.no_grad():
            ours, theirs = model(**batch), AutoModelForMaskedLM.from_pretrained(masked_lm_folder)(**batch)
        logits = ours.logits if "logits" in ours else ours.mlm_logits
        assert tiny.largest_difference(logits, theirs.logits) < 1e-5
        assert model.mlm_head.decoder.weight is model.get_input_embeddings().weight

    def test_pooler_that_is_missing_is_fresh(self, masked_lm_folder: Path) -> None:
        model = charbert.CharBertModel.from_backbone(masked_lm_folder, **SIZES)
        assert model.backbone.pooler.dense.weight.std() > 0


class TestCharacterChannel:
    def test_is_fresh(self, plain_folder: Path) -> None:
        models = []
        for seed in (1, 2):
            torch.manual_seed(seed)
            models.append(charbert.CharBertModel.from_backbone(plain_folder, **SIZES))
        fresh = {name.split(".")[0] for name in tiny.differing(*models)}
        assert fresh == {"char_encoder", "interactions"}

    def test_starts_within_the_usual_bounds_of_a_recurrence(self, plain_folder: Path) -> None:
        model = charbert.CharBertModel.from_backbone(plain_folder, **SIZES)
        weights = model.char_encoder.forward_gru.weight_hh_l0
        bound = model.config.char_hidden_size**-0.5
        assert 0.8 * bound < weights.abs().max() <= bound

    def test_reads_the_characters_of_the_pieces(self, kind: str, stock: Any, plain_folder: Path) -> None:
        model = charbert.CharBertModel.from_backbone(plain_folder, **SIZES)
        characters = frequent_characters(stock)
        assert model.config.character_vocabulary_size == len(characters)
        assert model.spelling.spellings() == token_spellings(stock, characters)

    @pytest.mark.parametrize("as_file", [False, True])
    def test_reads_the_characters_given(
        self, stock: Any, plain_folder: Path, tmp_path: Path, as_file: bool
    ) -> None:
        characters = Vocabulary([" ", "e", "d", "o", "<unk>"])
        characters.save(tmp_path / "few.txt")
        given = tmp_path / "few.txt" if as_file else characters
        model = charbert.CharBertModel.from_backbone(plain_folder, given, **SIZES)
        assert model.spelling.spellings() == token_spellings(stock, characters)

    def test_reads_the_characters_of_its_tokenizer(self, stock: Any, plain_folder: Path) -> None:
        characters = Vocabulary([" ", "e", "d", "o", "<unk>"])
        tokenizer = CharBertTokenizer.from_stock(stock, characters)
        model = charbert.CharBertModel.from_backbone(plain_folder, tokenizer=tokenizer, **SIZES)
        assert model.spelling.spellings() == token_spellings(stock, characters)

    def test_takes_every_variant(self, kind: str, plain_folder: Path) -> None:
        changes = {"interaction": "paper", "interaction_per_layer": True, "char_encoder": "embedding"}
        model = charbert.CharBertForTokenClassification.from_backbone(
            plain_folder, **changes, num_labels=5, **SIZES
        )
        assert len(model.charbert.interactions) == 2
        assert model(**tiny.ragged_batch(kind)).logits.shape[-1] == 5


class TestSaving:
    def test_gives_the_same_model_back(self, kind: str, plain_folder: Path, tmp_path: Path) -> None:
        model = charbert.CharBertForPreTraining.from_backbone(plain_folder, **SIZES)
        model.save_pretrained(tmp_path / "saved")
        assert (
            tiny.differing(charbert.CharBertForPreTraining.from_pretrained(tmp_path / "saved"), model) == []
        )


class TestReport:
    @pytest.fixture
    def messages(self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setattr("charbert.loading.logger.handlers", [caplog.handler])
        monkeypatch.setattr("charbert.loading.logger.propagate", False)
        return lambda: [
            record.getMessage() for record in caplog.records if record.name == "transformers.charbert.loading"
        ]

    def test_says_one_line(self, plain_folder: Path, messages: Any) -> None:
        charbert.CharBertModel.from_backbone(plain_folder, **SIZES)
        assert len(messages()) == 1
        assert messages()[0].startswith(
            f"CharBertModel: token channel loaded from {plain_folder} (39 tensors)"
        )

    @pytest.mark.parametrize(("verbosity", "said"), [(logging.WARNING, True), (logging.ERROR, False)])
    def test_is_under_the_verbosity_of_transformers(
        self, verbosity: int, said: bool, tmp_path: Path, fresh_logging: Callable[[], None], messages: Any
    ) -> None:
        fresh_logging()
        transformers.logging.set_verbosity(verbosity)
        charbert.CharBertModel.from_backbone(save_plain(tmp_path / "plain", "bert", "model"), **SIZES)
        assert bool(messages()) is said


class TestRefusal:
    @pytest.mark.parametrize(
        "model_class", [charbert.CharBertModel, charbert.CharBertForSequenceClassification]
    )
    def test_from_pretrained_names_this_way(self, kind: str, plain_folder: Path, model_class: Any) -> None:
        message = f"plain {kind} without a character channel.*{model_class.__name__}.from_backbone"
        with pytest.raises(CharBertError, match=message):
            model_class.from_pretrained(plain_folder)

    def test_of_a_charbert(self, kind: str, tmp_path: Path) -> None:
        tiny.build(charbert.CharBertModel, kind).save_pretrained(tmp_path)
        with pytest.raises(CharBertError, match="a CharBERT already; load it with from_pretrained"):
            charbert.CharBertModel.from_backbone(tmp_path)

    def test_of_a_released_charbert(self, kind: str, tmp_path: Path) -> None:
        model = save_plain(tmp_path / "released", kind, "model")
        weights = {f"{kind}.char_embeddings.char_embeddings.weight": torch.zeros(3, 3)}
        (model / "model.safetensors").unlink()
        torch.save(weights, model / "pytorch_model.bin")
        with pytest.raises(CharBertError, match="a CharBERT already; load it with from_pretrained"):
            charbert.CharBertModel.from_backbone(model)

    def test_of_another_architecture(self, tmp_path: Path) -> None:
        sizes = {"vocab_size": 10, "dim": 8, "n_layers": 1, "n_heads": 2, "hidden_dim": 8}
        DistilBertModel(DistilBertConfig(**sizes)).save_pretrained(tmp_path)
        with pytest.raises(CharBertError, match=r"model_type='distilbert'\) are those of a bert or roberta"):
            charbert.CharBertModel.from_backbone(tmp_path)

    def test_of_a_folder_without_tokenizer(self, kind: str, tmp_path: Path) -> None:
        folder = save_plain(tmp_path / "plain", kind, "model")
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (folder / name).unlink()
        with pytest.raises(CharBertError, match="no tokenizer there"):
            charbert.CharBertModel.from_backbone(folder)

    def test_of_half_a_backbone(self, kind: str, tmp_path: Path) -> None:
        folder = save_plain(tmp_path / "plain", kind, "model")
        tensors = AutoModel.from_pretrained(folder).state_dict()
        del tensors["encoder.layer.0.output.dense.bias"]
        (folder / "model.safetensors").unlink()
        torch.save(tensors, folder / "pytorch_model.bin")
        with pytest.raises(
            CharBertError, match=r"1 missing \(backbone\.encoder\.layer\.0\.output\.dense\.bias\)"
        ):
            charbert.CharBertModel.from_backbone(folder)

    def test_of_an_unknown_key(self, plain_folder: Path) -> None:
        with pytest.raises(CharBertError, match="interactions: no key of CharBertConfig"):
            charbert.CharBertModel.from_backbone(plain_folder, interactions="paper")

    def test_of_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(CharBertError, match=r"no config\.json there"):
            charbert.CharBertModel.from_backbone(tmp_path / "nowhere")


def test_norms_of_the_first_conversions_are_understood(kind: str, tmp_path: Path) -> None:
    folder = save_plain(tmp_path / "plain", kind, "model")
    plain = AutoModel.from_pretrained(folder)
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    tensors = {}
    for name, tensor in plain.state_dict().items():
        for modern, ancient in old.items():
            name = name.replace(modern, ancient)
        tensors[f"{kind}.{name}"] = tensor
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    assert changed(charbert.CharBertModel.from_backbone(folder, **SIZES), plain) == []


@pytest.mark.parametrize("name", ["num_hidden_layers", "intermediate_size", "vocab_size"])
def test_a_config_that_contradicts_its_weights_is_refused(name: str, tmp_path: Path) -> None:
    save_plain(tmp_path, "bert", "masked_lm")
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, name: config[name] + 1}))
    with pytest.raises(
        CharBertError, match=rf"config.json has {name} {config[name] + 1}, .* {config[name]}$"
    ):
        charbert.CharBertModel.from_backbone(tmp_path)
