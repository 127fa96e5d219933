"""Virtual tokens, against the oracle with virtual tokens beside the real ones."""

from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import tiny
import torch
from oracle import Matrix, Oracle, softmax
from safetensors.torch import load_file
from small_tuning import PROMPTS
from torch import nn
from transformers import BertForTokenClassification

import charbert
from charbert import CharBertError
from charbert.tuning import TuningSettings, add_delta, load_delta, merge_delta, save_delta, use_delta
from charbert.tuning.prompts import PromptTuning, PTuningV2, VirtualTokens, sample_past, sample_states

COUNT, LAYERS, UNITS, HEADS = 3, 2, 32, 4
TOLERANCE = 1e-5


@pytest.fixture(params=["prompt", "prefix"])
def method(request: pytest.FixtureRequest) -> str:
    """Virtual tokens from the first layer on, or in each layer."""
    return request.param


def virtual_tokens(method: str, model: Any, count: int = COUNT) -> VirtualTokens:
    """As a method puts them on, with vectors far from their initial values."""
    delta_class, width = {"prompt": (PromptTuning, UNITS), "prefix": (PTuningV2, LAYERS * 2 * UNITS)}[method]
    delta = delta_class(TuningSettings())
    delta.settings.virtual_tokens = count  # none are refused by the settings
    table = torch.randn(2 * count, width, generator=torch.Generator().manual_seed(2))
    return delta.virtual_tokens(nn.Embedding.from_pretrained(table, freeze=False), model)


def build(
    method: str, backbone: str, model_class: Any = charbert.CharBertModel, count: int = COUNT, **changes: Any
) -> Any:
    model = tiny.build(model_class, backbone, **changes)
    model.base_model.prompt = virtual_tokens(method, model.base_model, count)
    return model


class Reference(Oracle):
    """The oracle with virtual tokens: more rows from the first layer on, or more keys and values in each."""

    def __init__(self, model: Any, method: str) -> None:
        super().__init__(model.config, model.state_dict())
        self.method = method
        self.vectors = model.base_model.prompt.vectors().detach().double().numpy()
        self.past: tuple[Matrix, Matrix] | None = None

    def encode(self, token_ids: Any, spellings: Any) -> tuple[Matrix, Matrix]:
        real = [self.token_embeddings(token_ids), self.character_embeddings(spellings)]
        virtual = list(self.vectors) if self.method == "prompt" else [np.zeros((0, UNITS))] * 2
        count = len(virtual[0])
        for layer in range(LAYERS):
            for channel in (0, 1):
                if self.method == "prefix":
                    parts = self.vectors[channel].reshape(-1, LAYERS, 2, UNITS)
                    self.past = parts[:, layer, 0], parts[:, layer, 1]
                states = self.transformer_layer(layer, np.concatenate([virtual[channel], real[channel]]))
                virtual[channel], real[channel] = states[:count], states[count:]
            if self.config.interaction != "none":
                step = layer if self.config.interaction_per_layer else 0
                name = f"{self.encoder}interactions.{step}"
                real = list(self.interaction(name, *real))
                virtual = list(self.interaction(name, *virtual)) if count else virtual
        return real[0], real[1]

    def attention(self, name: str, states: Matrix) -> Matrix:
        queries, keys, values = (
            np.stack([self.linear(f"{name}.{part}", state) for state in states])
            for part in ("query", "key", "value")
        )
        if self.past is not None:
            keys, values = (np.concatenate(pair) for pair in zip(self.past, (keys, values), strict=True))
        width, contexts = UNITS // HEADS, []
        for head in range(HEADS):
            own = slice(head * width, (head + 1) * width)
            scores = queries[:, own] @ keys[:, own].T / np.sqrt(width)
            contexts.append(np.stack([softmax(row) for row in scores]) @ values[:, own])
        return np.concatenate(contexts, axis=1)


def batch_for(model_class: Any, kind: str) -> dict[str, torch.Tensor]:
    batch = tiny.ragged_batch(kind)
    if model_class is charbert.CharBertForMultipleChoice:
        return {name: tensor.unsqueeze(0) for name, tensor in batch.items()}
    return batch


def both(one: Any, other: Any) -> Any:
    """The tensors of two outputs side by side."""
    return zip(one.to_tuple(), other.to_tuple(), strict=True)


def sum_of_squares(output: Any) -> torch.Tensor:
    return sum(tensor.pow(2).sum() for tensor in output.to_tuple() if torch.is_tensor(tensor))


def spelled(
    model: Any, kind: str, batch: dict[str, torch.Tensor], row: int
) -> tuple[list[int], list[list[int]]]:
    ids = batch["input_ids"][row][batch["attention_mask"][row] == 1].tolist()
    table = tiny.spelling_table(kind)
    return ids, [table[token] for token in ids]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"interaction": "paper", "interaction_per_layer": True, "interaction_kernel_size": 5},
        {"interaction": "none"},
        {"attention": "eager"},
    ],
    ids=str,
)
@pytest.mark.parametrize("separate", [False, True])
def test_each_row_of_a_padded_batch_is_what_the_reference_gives(
    kind: str, method: str, changes: dict[str, Any], separate: bool
) -> None:
    changes = {**changes, "attention": "eager"} if separate else changes
    model, batch = build(method, kind, **changes), tiny.ragged_batch(kind)
    with torch.no_grad():
        output = model(**batch, output_attentions=separate)
    reference = Reference(model, method)
    for row in range(len(batch["input_ids"])):
        ids, spellings = spelled(model, kind, batch, row)
        expected = reference.encode(ids, spellings)
        for channel, states in zip(("", "char_"), expected, strict=True):
            real = output[f"{channel}last_hidden_state"][row, : len(ids)]
            assert tiny.largest_difference(real, states) < TOLERANCE
            pooled = output[f"{channel}pooler_output"][row]
            assert tiny.largest_difference(pooled, reference.pooled(states)) < TOLERANCE


def test_heads_read_the_real_tokens_alone(kind: str, method: str) -> None:
    batch = tiny.ragged_batch(kind)
    for model_class, head in (
        (charbert.CharBertForSequenceClassification, "classifier"),
        (charbert.CharBertForTokenClassification, "classifier"),
        (charbert.CharBertForQuestionAnswering, "qa_outputs"),
    ):
        model = build(method, kind, model_class)
        with torch.no_grad():
            output = model(**batch)
        reference = Reference(model, method)
        for row in range(len(batch["input_ids"])):
            ids, spellings = spelled(model, kind, batch, row)
            states = reference.encode(ids, spellings)
            if model_class is charbert.CharBertForSequenceClassification:
                found, expected = output.logits[row], reference.scores_of_sequence(head, *states)
            else:
                by_position = output.to_tuple() if head == "qa_outputs" else output.logits.unbind(-1)
                found = torch.stack(by_position, dim=-1)[row, : len(ids)]
                expected = reference.scores_of_positions(head, *states)
            assert tiny.largest_difference(found, expected) < TOLERANCE


class TestVirtualTokens:
    """What holds for both ways in which attention gets them."""

    def test_none_leave_the_plain_model(self, kind: str, method: str) -> None:
        plain, batch = tiny.build(charbert.CharBertModel, kind), tiny.ragged_batch(kind)
        for ours, theirs in both(build(method, kind, count=0)(**batch), plain(**batch)):
            assert tiny.largest_difference(ours, theirs) < TOLERANCE

    def test_masked_ones_change_nothing(self, method: str) -> None:
        model, batch = build(method, "bert"), tiny.ragged_batch("bert")
        model.prompt.visible[1] = 0
        before = model(**batch)
        sum_of_squares(before).backward()
        table = model.prompt.encoder.weight
        masked = [1, 1 + COUNT]
        assert not table.grad[masked].any()
        assert all(table.grad[row].any() for row in range(2 * COUNT) if row not in masked)
        table.data[masked] = 7.0
        assert all(torch.equal(one, other) for one, other in both(before, model(**batch)))

    @pytest.mark.parametrize("side", ["right", "left"])
    def test_padding_never_matters(self, kind: str, method: str, side: str) -> None:
        model = build(method, kind)
        texts = ("a dog", tiny.SENTENCES[0])
        batch = tiny.ragged_batch(kind, texts, padding_side=side)
        first = {"bert": 0, "roberta": 2}[kind]
        batch["position_ids"] = (batch["attention_mask"].cumsum(dim=1) - 1).clamp(min=0) + first
        alone, real = model(**tiny.ragged_batch(kind, texts[:1])), batch["attention_mask"][0] == 1
        for name in ("last_hidden_state", "char_last_hidden_state"):
            assert tiny.largest_difference(model(**batch)[name][0, real], alone[name][0]) < TOLERANCE

    def test_without_a_mask_all_tokens_are_real(self, kind: str, method: str) -> None:
        model, batch = build(method, kind), tiny.ragged_batch(kind, tiny.SENTENCES[:1])
        with_mask = model(**batch)
        del batch["attention_mask"]
        assert all(torch.equal(one, other) for one, other in both(model(**batch), with_mask))

    def test_hidden_states_are_those_of_the_real_tokens(self, method: str) -> None:
        batch = tiny.ragged_batch("bert")
        output = build(method, "bert")(**batch, output_hidden_states=True)
        plain = tiny.build(charbert.CharBertModel, "bert")(**batch, output_hidden_states=True)
        for name in ("hidden_states", "char_hidden_states"):
            assert [state.shape for state in output[name]] == [state.shape for state in plain[name]]
            assert torch.equal(output[name][0], plain[name][0])
            assert not torch.allclose(output[name][1], plain[name][1])

    def test_attentions_go_to_the_virtual_tokens_and_to_the_real_ones(self, method: str) -> None:
        model, batch = build(method, "bert", attention="eager"), tiny.ragged_batch("bert")
        output = model(**batch, output_attentions=True)
        rows, length = batch["input_ids"].shape
        padding = batch["attention_mask"][:, None, None] == 0
        for attentions in (output.attentions, output.char_attentions):
            assert [a.shape for a in attentions] == [(rows, HEADS, length, COUNT + length)] * LAYERS
            for weights in attentions:
                assert torch.allclose(weights.sum(dim=-1), torch.ones(()), atol=1e-5)
                assert (weights[..., :COUNT] > 0).all()
                assert not (weights[..., COUNT:] * padding).any()

    def test_explicit_characters_and_embeddings_give_the_same(self, kind: str, method: str) -> None:
        model, batch = build(method, kind), tiny.ragged_batch(kind, tiny.SENTENCES[:1], return_spelling=True)
        output = model(batch["input_ids"], batch["attention_mask"])
        embedded = {name: batch[name] for name in (*tiny.SPELLED, "attention_mask")}
        embedded["inputs_embeds"] = model.get_input_embeddings()(batch["input_ids"])
        for inputs in (batch, embedded):
            for ours, theirs in both(model(**inputs), output):
                assert tiny.largest_difference(ours, theirs) < TOLERANCE

    def test_take_no_position_from_the_longest_input(self, kind: str, method: str) -> None:
        longest = {"bert": 80, "roberta": 78}[kind]
        ids = torch.full((1, longest), 10)
        assert build(method, kind)(input_ids=ids).last_hidden_state.shape == (1, longest, UNITS)

    @pytest.mark.parametrize("model_class", tiny.HEADS)
    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    def test_every_head_gives_its_own_shapes_and_gradients(
        self, method: str, model_class: Any, dtype: torch.dtype
    ) -> None:
        batch = batch_for(model_class, "bert")
        model = build(method, "bert", model_class).to(dtype)
        plain = tiny.build(model_class, "bert").to(dtype)
        output, expected = model(**batch), plain(**batch)
        assert [(one.shape, one.dtype) for one in output.to_tuple()] == [
            (one.shape, one.dtype) for one in expected.to_tuple()
        ]
        sum_of_squares(output).backward()
        gradient = model.base_model.prompt.encoder.weight.grad
        assert gradient.isfinite().all()
        assert gradient.any(dim=1).all()

    def test_run_under_autocast(self, method: str) -> None:
        model, batch = build(method, "bert"), tiny.ragged_batch("bert")
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output = model(**batch)
        for ours, exact in both(output, model(**batch)):
            assert tiny.largest_difference(ours.float(), exact) < 0.2

    @pytest.mark.parametrize("separate", [False, True])
    def test_gradients_are_the_same_with_checkpointing(self, method: str, separate: bool) -> None:
        gradients, passes = [], []
        for checkpointing in (False, True):
            model = build(method, "bert", attention="eager").train()
            model.requires_grad_(False)
            model.prompt.requires_grad_(True)
            if checkpointing:
                getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
            calls: list[Any] = []
            model.backbone.encoder.layer[0].attention.register_forward_hook(
                lambda *call, calls=calls: calls.append(call)
            )
            sum_of_squares(model(**tiny.ragged_batch("bert"), output_attentions=separate)).backward()
            passes.append(len(calls))
            gradients.append(model.prompt.encoder.weight.grad)
        assert passes == ([2, 4] if separate else [1, 2])
        assert torch.equal(*gradients)

    @pytest.mark.gpu
    def test_a_gpu_gives_the_same_and_never_waits(self, kind: str, method: str) -> None:
        model, batch = build(method, kind), tiny.ragged_batch(kind)
        # To spell waits once, for the longest sequence: the batch comes spelled, as one that trains does.
        batch |= model.spelling(batch["input_ids"], batch["attention_mask"])._asdict()
        expected = model(**batch)
        model, batch = model.cuda(), {name: tensor.cuda() for name, tensor in batch.items()}
        model(**batch)  # loads kernels
        torch.cuda.set_sync_debug_mode("error")
        try:
            output = model(**batch)
            sum_of_squares(output).backward()
        finally:
            torch.cuda.set_sync_debug_mode("default")
        for ours, theirs in both(output, expected):
            assert tiny.largest_difference(ours.cpu(), theirs) < 0.02  # TF32

    def test_folding_changes_nothing(self, method: str) -> None:
        model, batch = build(method, "bert"), tiny.ragged_batch("bert")
        table = model.prompt.encoder
        model.prompt.encoder = nn.Sequential(
            table, nn.Linear(table.embedding_dim, table.embedding_dim), nn.Tanh()
        )
        before = model(**batch)
        model.prompt.encoder = nn.Embedding.from_pretrained(model.prompt.folded())
        assert all(torch.equal(one, other) for one, other in both(model(**batch), before))


def tuned(tuning: str, kind: str = "bert", **options: Any) -> Any:
    model = tiny.build(charbert.CharBertForTokenClassification, kind)
    add_delta(model, TuningSettings(tuning=tuning, **{"virtual_tokens": COUNT, **options}))
    return model


@pytest.mark.parametrize("tuning", PROMPTS)
class TestMethods:
    def test_train_their_own_vectors_for_each_channel_and_the_head(self, kind: str, tuning: str) -> None:
        model = tuned(tuning, kind, virtual_tokens=5)
        trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
        assert all(name.startswith(("charbert.prompt.", "classifier.")) for name in trained)
        assert model.charbert.prompt.vectors().shape[:2] == (2, 5)
        sum_of_squares(model(**tiny.ragged_batch(kind))).backward()
        weights = dict(model.named_parameters())
        assert all(weights[name].grad.any() for name in trained)

    def test_are_saved_as_a_table(self, kind: str, tuning: str, tmp_path: Path) -> None:
        model, batch = tuned(tuning, kind), tiny.ragged_batch(kind)
        before = model(**batch).logits
        save_delta(model, tmp_path)
        saved = load_file(tmp_path / "adapter_model.safetensors")
        vectors = saved.pop("prompt_embeddings")
        assert torch.equal(vectors, model.charbert.prompt.folded())
        assert {name.removeprefix("base_model.model.") for name in saved} == {
            "classifier.weight",
            "classifier.bias",
        }
        loaded = tiny.build(charbert.CharBertForTokenClassification, kind)
        load_delta(loaded, tmp_path)
        assert type(loaded.charbert.prompt.encoder) is nn.Embedding
        assert tiny.largest_difference(loaded(**batch).logits, before) < 1e-6

    def test_are_read_by_the_prompt_encoder_of_peft(self, tuning: str, tmp_path: Path) -> None:
        model = tuned(tuning)
        save_delta(model, tmp_path)
        config = peft.PeftConfig.from_pretrained(tmp_path)
        encoder_class = peft.PEFT_TYPE_TO_TUNER_MAPPING[config.peft_type]
        more = [model.get_input_embeddings()] if tuning == "prompt" else []
        encoder = encoder_class(config, *more)
        encoder._load_adapter_state_dict(load_file(tmp_path / "adapter_model.safetensors"))
        assert torch.equal(encoder.embedding.weight, model.charbert.prompt.folded())

    @pytest.mark.parametrize("folded", [False, True])
    def test_go_on_as_they_were_if_saved_to_be_resumed(
        self, tuning: str, folded: bool, tmp_path: Path
    ) -> None:
        model = tuned(tuning)
        if folded:
            save_delta(model, tmp_path)
            model = tiny.build(charbert.CharBertForTokenClassification, "bert")
            load_delta(model, tmp_path)
        save_delta(model, tmp_path, resumable=True)
        again = tiny.build(charbert.CharBertForTokenClassification, "bert")
        load_delta(again, tmp_path)
        assert tiny.differing(again, model) == []

    def test_are_switched_on_one_base(self, tuning: str) -> None:
        model, batch = tuned(tuning), tiny.ragged_batch("bert")
        first, plain = model(**batch), tiny.build(charbert.CharBertForTokenClassification, "bert")(**batch)
        for other in PROMPTS:
            add_delta(model, TuningSettings(tuning=other, virtual_tokens=2), name=other)
        last = model(**batch).logits
        for name, expected in ((None, plain.logits), ("default", first.logits), (PROMPTS[-1], last)):
            use_delta(model, name)
            assert torch.equal(model(**batch).logits, expected)

    def test_need_a_charbert(self, tuning: str) -> None:
        plain = BertForTokenClassification(tiny.backbone_config("bert"))
        with pytest.raises(CharBertError, match=f"--tuning {tuning}: needs a CharBERT"):
            add_delta(plain, TuningSettings(tuning=tuning))

    def test_cannot_be_merged(self, tuning: str) -> None:
        with pytest.raises(CharBertError, match=f"--merge: {tuning} gives outputs that no plain model can"):
            merge_delta(tuned(tuning))


class TestStart:
    """Virtual tokens without an encoder begin as random tokens, as the model in evaluation gets these."""

    COUNT = 100  # more than the longest input

    @pytest.fixture
    def model(self, kind: str) -> Any:
        model = tiny.build(charbert.CharBertModel, kind, backbone={"hidden_dropout_prob": 0.5})
        model.char_encoder.train()
        model.backbone.train()
        return model

    def drawn(self, model: Any) -> list[torch.Tensor]:
        torch.manual_seed(3)
        ids = torch.randint(model.config.vocab_size, (1, self.COUNT))
        return list(ids.split(model.max_tokens, dim=1))

    def test_of_a_prompt(self, model: Any) -> None:
        inputs = self.drawn(model)
        torch.manual_seed(3)
        states = sample_states(model, self.COUNT)
        assert model.backbone.training and not model.training
        model.eval()
        outputs = [model(ids, output_hidden_states=True) for ids in inputs]
        for channel, name in enumerate(("hidden_states", "char_hidden_states")):
            assert torch.equal(states[channel], torch.cat([output[name][0][0] for output in outputs]))

    def test_of_keys_and_values(self, model: Any) -> None:
        torch.manual_seed(3)
        past = sample_past(model, 20).unflatten(-1, (LAYERS, 2, UNITS))
        model.eval()
        ids = torch.randint(model.config.vocab_size, (1, 20), generator=torch.Generator().manual_seed(3))
        output = model(ids, output_hidden_states=True)
        for channel, name in enumerate(("hidden_states", "char_hidden_states")):
            for number, layer in enumerate(model.backbone.encoder.layer):
                for part, projection in enumerate((layer.attention.self.key, layer.attention.self.value)):
                    expected = projection(output[name][number][0])
                    assert tiny.largest_difference(past[channel, :, number, part], expected) < TOLERANCE
        assert not any(module._forward_hooks for module in model.modules())

    def test_of_a_model_that_cannot_spell(self, model: Any) -> None:
        model.spelling = None
        states = sample_states(model, 4)
        assert torch.equal(states[0], states[1])
