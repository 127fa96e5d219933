"""What `CharBertModel` and the models with a head promise to their callers."""

from typing import Any

import huggingface_hub
import pytest
import tiny
import torch

import charbert
from charbert import CharBertError

LAYERS, UNITS, ATTENTION_HEADS = 2, 32, 4
SETTABLE = pytest.mark.skipif(
    huggingface_hub.__version__.startswith("1."),
    reason="it lets a configuration have a bool there, and no more",
)


def batch_for(model_class: Any, kind: str) -> dict[str, torch.Tensor]:
    batch = tiny.ragged_batch(kind)
    if model_class is charbert.CharBertForMultipleChoice:
        return {name: tensor.unsqueeze(0) for name, tensor in batch.items()}
    return batch


def sum_of_squares(output: Any) -> torch.Tensor:
    """A number that depends on all that a model gave."""
    return sum(tensor.pow(2).sum() for tensor in output.to_tuple() if torch.is_tensor(tensor))


class TestGradients:
    @pytest.mark.parametrize("interaction", ["released", "paper"])
    @pytest.mark.parametrize("model_class", tiny.HEADS)
    def test_reach_every_parameter(self, kind: str, model_class: Any, interaction: str) -> None:
        model = tiny.build(model_class, kind, interaction=interaction)
        sum_of_squares(model(**batch_for(model_class, kind))).backward()
        # A key's bias adds the same number to all scores of a query, which softmax takes away again.
        unreached = [
            name
            for name, parameter in model.named_parameters()
            if not name.endswith("key.bias") and (parameter.grad is None or not parameter.grad.any())
        ]
        assert unreached == []

    def test_reach_the_states_after_every_layer(self, kind: str) -> None:
        model = tiny.build(charbert.CharBertModel, kind)
        output = model(**tiny.ragged_batch(kind), output_hidden_states=True)
        states = [*output.hidden_states, *output.char_hidden_states]
        gradients = torch.autograd.grad(sum_of_squares(output), states)
        assert all(gradient.any() for gradient in gradients)

    def test_reach_every_layers_own_interaction(self, kind: str) -> None:
        model = tiny.build(charbert.CharBertModel, kind, interaction_per_layer=True)
        sum_of_squares(model(**tiny.ragged_batch(kind))).backward()
        assert len(model.interactions) == LAYERS
        assert all(parameter.grad.any() for parameter in model.interactions.parameters())

    def test_are_the_same_with_checkpointing(self, kind: str) -> None:
        batch = tiny.ragged_batch(kind)
        gradients, passes = [], []
        for checkpointing in (False, True):
            model = tiny.build(charbert.CharBertModel, kind).train()
            if checkpointing:
                model.gradient_checkpointing_enable()
            calls: list[Any] = []
            model.backbone.encoder.layer[0].attention.register_forward_hook(
                lambda *call, calls=calls: calls.append(call)
            )
            sum_of_squares(model(**batch)).backward()
            passes.append(len(calls))
            gradients.append([parameter.grad for parameter in model.parameters()])
        assert passes == [1, 2], "a checkpointed layer runs forward once more in the backward pass"
        assert all(torch.equal(plain, again) for plain, again in zip(*gradients, strict=True))


class TestOutputs:
    def test_both_channels_and_both_pooled_vectors(self, kind: str) -> None:
        batch = tiny.ragged_batch(kind)
        output = tiny.build(charbert.CharBertModel, kind)(**batch)
        rows, length = batch["input_ids"].shape
        assert set(output) == {
            "last_hidden_state",
            "char_last_hidden_state",
            "pooler_output",
            "char_pooler_output",
        }
        assert output.last_hidden_state.shape == output.char_last_hidden_state.shape == (rows, length, UNITS)
        assert output.pooler_output.shape == output.char_pooler_output.shape == (rows, UNITS)

    def test_hidden_states_of_both_channels(self, kind: str) -> None:
        batch = tiny.ragged_batch(kind)
        output = tiny.build(charbert.CharBertModel, kind)(**batch, output_hidden_states=True)
        for states in (output.hidden_states, output.char_hidden_states):
            assert [state.shape for state in states] == [(*batch["input_ids"].shape, UNITS)] * (LAYERS + 1)
        assert torch.equal(output.hidden_states[-1], output.last_hidden_state)
        assert torch.equal(output.char_hidden_states[-1], output.char_last_hidden_state)

    def test_attentions_of_both_channels(self, kind: str) -> None:
        batch = tiny.ragged_batch(kind)
        model = tiny.build(charbert.CharBertModel, kind, attention="eager")
        output = model(**batch, output_attentions=True)
        rows, length = batch["input_ids"].shape
        for attentions in (output.attentions, output.char_attentions):
            assert [a.shape for a in attentions] == [(rows, ATTENTION_HEADS, length, length)] * LAYERS
            assert torch.allclose(attentions[0].sum(dim=-1), torch.ones(()), atol=1e-5)
        assert not torch.allclose(output.attentions[0], output.char_attentions[0])

    def test_attentions_are_reached_by_gradients(self, kind: str) -> None:
        model = tiny.build(charbert.CharBertModel, kind, attention="eager")
        output = model(**tiny.ragged_batch(kind), output_attentions=True)
        reached = torch.autograd.grad(sum_of_squares(output), [*output.attentions, *output.char_attentions])
        assert all(gradient.any() for gradient in reached)

    def test_attentions_leave_no_hook_behind(self) -> None:
        model = tiny.build(charbert.CharBertModel, "bert", attention="eager")
        model(**tiny.ragged_batch("bert"), output_attentions=True)
        assert not any(module._forward_hooks for module in model.modules())

    def test_attentions_are_refused_where_the_kernel_keeps_none(self) -> None:
        model = tiny.build(charbert.CharBertModel, "bert", attention="sdpa")
        with pytest.raises(CharBertError, match="attn_implementation='eager'"):
            model(**tiny.ragged_batch("bert"), output_attentions=True)

    @pytest.mark.parametrize(("asked", "kept"), [([0, -1], [0, 2]), ((1,), [1]), (-2, [1]), (False, None)])
    @pytest.mark.parametrize("by", ["argument", pytest.param("configuration", marks=SETTABLE)])
    def test_some_hidden_states_may_be_asked_for(self, asked: Any, kept: Any, by: str) -> None:
        model, batch = tiny.build(charbert.CharBertModel, "bert"), tiny.ragged_batch("bert")
        every = model(**batch, output_hidden_states=True)
        if by == "configuration":
            model.config.output_hidden_states = asked
            some = model(**batch)
        else:
            some = model(**batch, output_hidden_states=asked)
        for name in ("hidden_states", "char_hidden_states"):
            states = some.get(name)
            assert (states is None) == (kept is None)
            for index, state in enumerate(states or ()):
                assert (state is not None) == (index in kept)
                assert state is None or torch.equal(state, every[name][index])

    def test_hidden_states_that_no_layer_has_are_refused(self) -> None:
        with pytest.raises(CharBertError, match=r"output_hidden_states=\[3, -4\]: .* 0 to 2"):
            tiny.build(charbert.CharBertModel, "bert")(
                **tiny.ragged_batch("bert"), output_hidden_states=[0, 3, -4]
            )

    @pytest.mark.parametrize("model_class", tiny.HEADS)
    def test_use_cache_changes_nothing(self, model_class: Any) -> None:
        model, batch = tiny.build(model_class, "bert"), batch_for(model_class, "bert")
        assert torch.equal(model(**batch, use_cache=False)[0], model(**batch)[0])

    def test_configuration_may_ask_for_them(self) -> None:
        model = tiny.build(charbert.CharBertModel, "bert", attention="eager")
        model.config.output_hidden_states = model.config.output_attentions = True
        output = model(**tiny.ragged_batch("bert"))
        assert len(output.hidden_states) == LAYERS + 1
        assert len(output.attentions) == LAYERS

    @pytest.mark.parametrize("model_class", tiny.HEADS)
    def test_as_a_tuple(self, kind: str, model_class: Any) -> None:
        model, batch = tiny.build(model_class, kind), batch_for(model_class, kind)
        as_tuple, typed = model(**batch, return_dict=False), model(**batch)
        assert isinstance(as_tuple, tuple)
        assert len(as_tuple) == len(typed.to_tuple())
        assert all(torch.equal(one, other) for one, other in zip(as_tuple, typed.to_tuple(), strict=True))

    @pytest.mark.parametrize("model_class", tiny.HEADS[1:])
    def test_heads_pass_on_the_hidden_states(self, model_class: Any) -> None:
        output = tiny.build(model_class, "bert")(**batch_for(model_class, "bert"), output_hidden_states=True)
        assert len(output.hidden_states) == LAYERS + 1

    def test_task_with_labels_gives_its_loss_in_place_of_logits(self) -> None:
        model, batch = tiny.build(charbert.CharBertForPreTraining, "bert"), tiny.ragged_batch("bert")
        output = model(**batch, labels=batch["input_ids"])
        assert set(output) == {"loss", "mlm_loss", "nlm_logits"}


class TestAttentionKernels:
    def test_agree(self, kind: str) -> None:
        batch = tiny.ragged_batch(kind)
        real = batch["attention_mask"].bool()
        outputs = []
        for attention in ("eager", "sdpa"):
            model = tiny.build(charbert.CharBertModel, kind, attention=attention)
            assert model.backbone.config._attn_implementation == attention
            outputs.append(model(**batch))
        eager, sdpa = outputs
        for name in ("last_hidden_state", "char_last_hidden_state"):
            assert tiny.largest_difference(eager[name][real], sdpa[name][real]) < 1e-5

    def test_can_be_changed_afterwards(self) -> None:
        model = tiny.build(charbert.CharBertForTokenClassification, "bert", attention="sdpa")
        model.set_attn_implementation("eager")
        assert model(**tiny.ragged_batch("bert"), output_attentions=True).attentions is not None


class TestInputs:
    def test_embeddings_with_characters_stand_for_tokens(self, kind: str) -> None:
        model, batch = tiny.build(charbert.CharBertModel, kind), tiny.ragged_batch(kind, tiny.SENTENCES[:1])
        spelled = model.spelling(batch["input_ids"])._asdict()
        embedded = model.get_input_embeddings()(batch["input_ids"])
        output = model(inputs_embeds=embedded, attention_mask=batch["attention_mask"], **spelled)
        assert torch.equal(output.char_last_hidden_state, model(**batch).char_last_hidden_state)

    def test_embeddings_without_characters_are_refused(self, kind: str) -> None:
        with pytest.raises(CharBertError, match="nothing can be spelled from inputs_embeds"):
            tiny.build(charbert.CharBertModel, kind)(inputs_embeds=torch.zeros(1, 3, UNITS))

    @pytest.mark.parametrize("names", [(), ("input_ids", "inputs_embeds")])
    def test_tokens_come_in_one_form(self, names: tuple[str, ...]) -> None:
        forms = {"input_ids": torch.ones(1, 3, dtype=torch.long), "inputs_embeds": torch.zeros(1, 3, UNITS)}
        with pytest.raises(CharBertError, match="exactly one of input_ids and inputs_embeds"):
            tiny.build(charbert.CharBertModel, "bert")(**{name: forms[name] for name in names})

    @pytest.mark.parametrize("missing", tiny.SPELLED)
    def test_spelled_inputs_come_together(self, missing: str) -> None:
        batch = tiny.ragged_batch("bert", return_spelling=True)
        del batch[missing]
        with pytest.raises(CharBertError, match="belong together"):
            tiny.build(charbert.CharBertModel, "bert")(**batch)

    def test_positions_have_the_shape_of_the_tokens(self) -> None:
        batch = tiny.ragged_batch("bert", return_spelling=True)
        batch["start_ids"] = batch["start_ids"][:, :-1]
        with pytest.raises(CharBertError, match="must have the shape of the tokens"):
            tiny.build(charbert.CharBertModel, "bert")(**batch)

    def test_longest_input_fits_and_one_token_more_is_refused(self, kind: str) -> None:
        model = tiny.build(charbert.CharBertModel, kind)
        longest = {"bert": 80, "roberta": 78}[kind]  # RoBERTa's positions begin at 2
        ids = torch.full((1, longest + 1), 10)
        assert model(input_ids=ids[:, :-1]).last_hidden_state.isfinite().all()
        with pytest.raises(CharBertError, match=f"{longest + 1} tokens .* {longest} positions: truncate"):
            model(input_ids=ids)

    def test_model_without_a_table_wants_spelled_inputs(self) -> None:
        model = charbert.CharBertModel(tiny.config("bert"))
        with pytest.raises(CharBertError, match="no spelling table"):
            model(**tiny.ragged_batch("bert"))

    def test_explicit_spelling_wins_over_the_table(self, kind: str) -> None:
        model, batch = tiny.build(charbert.CharBertModel, kind), tiny.ragged_batch(kind, return_spelling=True)
        respelled = {**batch, "char_input_ids": torch.zeros_like(batch["char_input_ids"])}
        assert not torch.allclose(
            model(**respelled).char_last_hidden_state, model(**batch).char_last_hidden_state
        )


class TestTraining:
    def test_pretraining_learns_one_batch_by_heart(self, kind: str) -> None:
        model = tiny.build(charbert.CharBertForPreTraining, kind).train()
        batch = tiny.ragged_batch(kind, ("the quick fox", "a dog"))
        labels, nlm_labels = (torch.full_like(batch["input_ids"], -100) for _ in range(2))
        labels[:, 1], nlm_labels[:, 2] = batch["input_ids"][:, 1], torch.tensor([4, 15])
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        for _ in range(60):
            optimizer.zero_grad()
            output = model(**batch, labels=labels, nlm_labels=nlm_labels)
            output.loss.backward()
            optimizer.step()
        assert output.mlm_loss < 0.01
        assert output.nlm_loss < 0.01

    @pytest.mark.parametrize("model_class", tiny.HEADS)
    def test_runs_in_bf16(self, kind: str, model_class: Any) -> None:
        model = tiny.build(model_class, kind).to(torch.bfloat16)
        outputs = [
            tensor for tensor in model(**batch_for(model_class, kind)).to_tuple() if tensor is not None
        ]
        assert all(tensor.dtype == torch.bfloat16 and tensor.isfinite().all() for tensor in outputs)

    def test_runs_under_autocast(self, kind: str) -> None:
        model, batch = tiny.build(charbert.CharBertForPreTraining, kind), tiny.ragged_batch(kind)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = model(**batch, labels=batch["input_ids"]).loss
        loss.backward()
        assert loss.isfinite()

    def test_dropout_acts_in_training_only(self) -> None:
        changes = {"backbone": {"hidden_dropout_prob": 0.5}}
        model, batch = tiny.build(charbert.CharBertModel, "bert", **changes), tiny.ragged_batch("bert")
        assert torch.equal(model(**batch).last_hidden_state, model(**batch).last_hidden_state)
        model.train()
        assert not torch.equal(model(**batch).last_hidden_state, model(**batch).last_hidden_state)

    @pytest.mark.parametrize("model_class", tiny.HEADS[3:])
    def test_dropout_of_the_classifier_may_differ_from_the_backbones(self, model_class: Any) -> None:
        changes = {"backbone": {"classifier_dropout": 0.5, "hidden_dropout_prob": 0.0}}
        model = tiny.build(model_class, "bert", **changes).train()
        batch = batch_for(model_class, "bert")
        assert not torch.equal(model(**batch)[0], model(**batch)[0])
