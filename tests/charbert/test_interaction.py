"""The interaction folded into one matrix product computes what its modules do one after the other."""

from typing import Any

import pytest
import tiny
import torch
from torch import nn

import charbert
from charbert.interaction import (
    FoldedConvolution,
    HeterogeneousInteraction,
    _by_neighbours,
    _by_taps,
    fold,
)

MANY = 10**6  # positions at which folding pays
LAYERS_PARTS = ("token_projection", "char_projection", "convolution")
TEXTS = tiny.SENTENCES * 4  # enough of them that the tiny model folds


def interaction(variant: str = "released", kernel_size: int = 3) -> HeterogeneousInteraction:
    made = HeterogeneousInteraction(
        tiny.config("bert", interaction=variant, interaction_kernel_size=kernel_size)
    ).double()
    tiny.scatter_weights(made)
    return made


def channels(rows: int = 2, length: int = 9) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Both channels (B, L, 32), not zero at padding, and the mask (B, L, 1) that ends the last row early."""
    generator = torch.Generator().manual_seed(0)
    both = torch.randn(2, rows, length, 32, dtype=torch.float64, generator=generator)
    mask = torch.ones(rows, length, 1, dtype=torch.float64)
    mask[-1, length // 2 :] = 0
    return both[0].requires_grad_(), both[1].requires_grad_(), mask


def results(
    module: HeterogeneousInteraction, given: Any, folded: FoldedConvolution | None
) -> list[torch.Tensor]:
    """Both outputs, and the gradients of both inputs and of all parameters."""
    outputs = module(*given, folded)
    weights = torch.linspace(-1, 1, outputs[0].numel(), dtype=torch.float64).view_as(outputs[0])
    total = (outputs[0] * weights).sum() + (outputs[1] * weights.flip(0)).sum()
    return [*outputs, *torch.autograd.grad(total, [*given[:2], *module.parameters()])]


def losses_and_gradients(model: Any, batch: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    loss = model(**batch, labels=batch["attention_mask"]).loss
    return [loss, *torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)]


def assert_alike(ours: Any, theirs: Any, tolerance: float = 1e-12) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            scale = max(1.0, float(other.detach().abs().max()))
            assert tiny.largest_difference(one, other) < tolerance * scale


@pytest.fixture
def unfolded(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function after which models call the modules one after the other."""
    return lambda: monkeypatch.setattr("charbert.modeling.fold", lambda *_given, **_more: None)


@pytest.fixture
def folds(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What each folding gave."""
    found: list[Any] = []

    def recorded(*given: Any, **more: Any) -> Any:
        found.append(fold(*given, **more))
        return found[-1]

    monkeypatch.setattr("charbert.modeling.fold", recorded)
    return found


@pytest.mark.parametrize("variant", ["released", "paper"])
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("length", [1, 2, 9])
def test_folded_gives_the_same_outputs_and_gradients(
    variant: str, kernel_size: int, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, given = interaction(variant, kernel_size), channels(length=length)
    wanted = results(module, given, None)
    for form in (_by_taps, _by_neighbours):
        monkeypatch.setattr("charbert.interaction._by_taps", form)
        folded = fold(module, MANY, uses=1)
        assert folded is not None
        assert_alike(results(module, given, folded), wanted)


@pytest.mark.parametrize("variant", ["released", "paper"])
@pytest.mark.parametrize("per_layer", [False, True], ids=["shared", "per layer"])
def test_models_fold_and_give_the_same(
    variant: str, per_layer: bool, folds: list[Any], unfolded: Any
) -> None:
    model = tiny.build(
        charbert.CharBertForTokenClassification,
        "bert",
        interaction=variant,
        interaction_per_layer=per_layer,
    ).double()
    batch = tiny.ragged_batch("bert", TEXTS)
    ours = losses_and_gradients(model, batch)
    assert [type(one) for one in folds] == [FoldedConvolution] * (2 if per_layer else 1)
    unfolded()
    assert_alike(ours, losses_and_gradients(model, batch))


@pytest.mark.parametrize(("positions", "uses", "wanted"), [(96, 1, False), (97, 1, True), (9, 12, True)])
def test_folding_waits_until_it_saves_more_than_it_takes(positions: int, uses: int, wanted: bool) -> None:
    assert (fold(interaction(), positions, uses) is not None) == wanted  # 3 taps, 32 units
    half = interaction().to(torch.bfloat16)
    assert (fold(half, 4 * positions, uses) is not None) == wanted
    assert fold(half, positions, uses) is None


def test_exported_for_all_lengths_it_folds_nothing(folds: list[Any]) -> None:
    model = tiny.build(charbert.CharBertModel, "bert", char_encoder="embedding")
    batch = tiny.ragged_batch("bert", TEXTS, return_spelling=True)
    lengths, characters = torch.export.Dim("L", min=2, max=80), torch.export.Dim("T")
    shapes = {name: {1: characters if name == "char_input_ids" else lengths} for name in batch}
    exported = torch.export.export(model, (), batch, dynamic_shapes=shapes, strict=True).module()
    wanted = model(**batch)
    assert [type(one) for one in folds] == [FoldedConvolution], "by the model itself"
    assert_alike([exported(**batch).last_hidden_state], [wanted.last_hidden_state], 1e-5)


def test_weights_may_be_tensors_that_someone_else_holds() -> None:
    module, given = interaction("paper"), channels()
    folded = fold(module, MANY, uses=1)
    tensors = {name: tensor.detach().clone() for name, tensor in module.named_parameters()}
    ours = torch.func.functional_call(module, tensors, (*given, folded))
    assert_alike(ours, module(*given, folded))


def test_compiled_it_folds_too() -> None:
    called = []

    def backend(graph: Any, _inputs: Any) -> Any:
        called.extend(node.target for node in graph.graph.nodes if node.op == "call_function")
        return graph.forward

    model = tiny.build(charbert.CharBertModel, "bert", char_encoder="embedding")
    torch.compiler.reset()
    torch.compile(model, backend=backend)(**tiny.ragged_batch("bert", TEXTS, return_spelling=True))
    torch.compiler.reset()
    assert nn.functional.linear in called or torch._C._nn.linear in called
    assert torch.conv1d not in called


def test_checkpointing_changes_nothing(folds: list[Any]) -> None:
    batch, found = tiny.ragged_batch("bert", TEXTS), []
    for checkpointing in (False, True):
        model = tiny.build(charbert.CharBertForTokenClassification, "bert").double().train()
        if checkpointing:
            model.gradient_checkpointing_enable()
        found.append(losses_and_gradients(model, batch))
    assert len(folds) == 2, "once in each pass forward, and not again in the pass backward"
    assert_alike(*found)


@pytest.mark.parametrize("autocast", [False, True])
def test_weights_are_rounded_once(autocast: bool) -> None:
    module = interaction("paper").to(torch.float32 if autocast else torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        folded = fold(module, MANY, uses=1)
    exact = fold(module.double(), MANY, uses=1)
    assert folded is not None and exact is not None
    for ours, theirs in zip(folded, exact, strict=True):
        assert ours.dtype == torch.bfloat16
        assert torch.allclose(ours.double(), theirs, rtol=2**-8, atol=1e-6)


def test_weights_without_values_have_shapes() -> None:
    folded = fold(interaction("paper").to("meta"), MANY, uses=1)
    assert folded is not None
    assert [tensor.shape for tensor in folded if tensor is not None] == [(96, 64), (96,)]


def test_under_autocast_it_is_no_less_exact(unfolded: Any) -> None:
    module, given = interaction("paper"), channels()
    wanted = module(*given)[0]
    module, given = module.float(), [tensor.float() for tensor in given]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        errors = [
            (module(*given, folded)[0] - wanted).pow(2).mean()
            for folded in (fold(module, MANY, uses=1), None)
        ]
    assert errors[0] < 1.1 * errors[1]


class TestOtherModules:
    """What is not a plain module with a plain weight is called as it is."""

    @pytest.mark.parametrize("part", LAYERS_PARTS)
    def test_another_class(self, part: str) -> None:
        module = interaction()
        kind = type(getattr(module, part))
        getattr(module, part).__class__ = type("Replaced", (kind,), {})
        assert fold(module, MANY, uses=1) is None

    @pytest.mark.parametrize("part", LAYERS_PARTS)
    @pytest.mark.parametrize(
        "registration",
        [
            "register_forward_pre_hook",
            "register_forward_hook",
            "register_full_backward_hook",
            "register_full_backward_pre_hook",
        ],
    )
    def test_a_hook(self, part: str, registration: str) -> None:
        module = interaction()
        handle = getattr(getattr(module, part), registration)(lambda *_given: None)
        assert fold(module, MANY, uses=1) is None
        handle.remove()
        assert fold(module, MANY, uses=1) is not None

    @pytest.mark.parametrize("part", LAYERS_PARTS)
    def test_a_forward_of_its_own(self, part: str) -> None:
        module = interaction()
        one = getattr(module, part)
        one.forward = one.forward
        assert fold(module, MANY, uses=1) is None

    @pytest.mark.parametrize("part", LAYERS_PARTS)
    def test_a_weight_of_another_class(self, part: str) -> None:
        class Quantised(torch.Tensor):
            pass

        module = interaction()
        one = getattr(module, part)
        one.weight = nn.Parameter(one.weight.detach().as_subclass(Quantised))
        assert fold(module, MANY, uses=1) is None

    @pytest.mark.parametrize("part", LAYERS_PARTS)
    def test_a_parametrised_weight(self, part: str) -> None:
        module = interaction()
        nn.utils.parametrizations.weight_norm(getattr(module, part))
        assert fold(module, MANY, uses=1) is None

    def test_another_interaction(self) -> None:
        assert fold(nn.Identity(), MANY, uses=1) is None


class TestAdapters:
    @pytest.mark.parametrize("parts", [*((part,) for part in LAYERS_PARTS), LAYERS_PARTS], ids=str)
    @pytest.mark.parametrize("variant", ["released", "paper"])
    def test_lora_is_called_and_merged_it_folds(
        self, parts: tuple[str, ...], variant: str, folds: list[Any]
    ) -> None:
        peft = pytest.importorskip("peft", reason="delta tuning needs peft")
        model = tiny.build(charbert.CharBertForTokenClassification, "bert", interaction=variant)
        batch = tiny.ragged_batch("bert", TEXTS)
        plain = model.double()(**batch).logits
        settings = peft.LoraConfig(r=2, target_modules=list(parts), task_type="TOKEN_CLS")
        adapted = peft.get_peft_model(model, settings).double().eval()
        generator = torch.Generator().manual_seed(0)
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                nn.init.normal_(parameter, std=0.2, generator=generator)
        ours = adapted(**batch).logits
        merged = adapted.merge_and_unload()(**batch).logits
        assert [one is None for one in folds] == [False, True, False]
        assert not torch.allclose(ours, plain)
        assert_alike([ours], [merged])

    def test_an_interaction_that_is_trained_whole_is_called(self, folds: list[Any]) -> None:
        peft = pytest.importorskip("peft", reason="delta tuning needs peft")
        model = tiny.build(charbert.CharBertForTokenClassification, "bert").double()
        batch = tiny.ragged_batch("bert", TEXTS)
        plain = model(**batch).logits
        settings = peft.LoraConfig(
            r=2, target_modules=["query"], modules_to_save=["interactions.0"], task_type="TOKEN_CLS"
        )
        assert_alike([peft.get_peft_model(model, settings).eval()(**batch).logits], [plain])
        assert [one is None for one in folds] == [False, True]
