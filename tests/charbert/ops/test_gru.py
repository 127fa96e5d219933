"""The fused GRU: its arithmetic step by step, how its weights are laid out, and the kernels themselves."""

from typing import Any

import pytest
import tiny
import torch
from torch import nn
from torch.nn import functional as F

import charbert
from charbert.ops import cuda as gru_cuda
from charbert.ops import gru
from charbert.ops import reference as gru_reference
from charbert.ops.gru import DirectionalGRU, bidirectional_gru

CHARACTERS, WIDTH = 11, 7
SIZES = ((16, 3), (20, 9), (80, 5), (96, 8), (128, 9), (144, 4), (192, 21), (256, 17))  # units, sequences


class Case:
    """A vocabulary of embeddings, two directions, and a ragged batch that has lengths 0, 1 and T."""

    def __init__(self, units: int, batch_size: int, steps: int, dtype: Any = torch.float64) -> None:
        self.embeddings = nn.Parameter(torch.randn(CHARACTERS, WIDTH, dtype=dtype))
        self.directions = tuple(DirectionalGRU(WIDTH, units).to(dtype) for _ in range(2))
        self.ids = torch.randint(CHARACTERS, (batch_size, steps))
        self.lengths = torch.randint(steps + 1, (batch_size,))
        self.lengths[: min(3, batch_size)] = torch.tensor([steps, 1, 0])[:batch_size]
        self.weights = torch.randn(batch_size, steps + 1, 2 * units, dtype=dtype)

    @property
    def parameters(self) -> list[nn.Parameter]:
        return [self.embeddings, *(part for layer in self.directions for part in layer.parameters())]

    def with_gradients(self, states: torch.Tensor) -> list[torch.Tensor]:
        total = (states * self.weights.to(states)).sum()
        return [states, *torch.autograd.grad(total, self.parameters)]

    def fused(self, dtype: torch.dtype) -> list[torch.Tensor]:
        states = bidirectional_gru(self.embeddings, self.ids, self.lengths, self.directions, dtype)
        return self.with_gradients(states)

    def plain(self) -> list[torch.Tensor]:
        """By torch's own GRU, one sequence after the other."""
        rows = []
        for ids, length in zip(self.ids, self.lengths.tolist(), strict=True):
            states = self.weights.new_zeros(self.weights.shape[1:])
            if length:
                given = self.embeddings[ids[:length]].unsqueeze(0)
                forward, backward = self.directions
                both = torch.cat([forward(given), backward(given.flip(1)).flip(1)], dim=-1)[0]
                states = torch.cat([both, states[length:]])
            rows.append(states)
        return self.with_gradients(torch.stack(rows))


def relative_errors(ours: list[torch.Tensor], wanted: list[torch.Tensor]) -> list[float]:
    return [
        float((one.detach().double() - other.double()).norm() / other.double().norm().clamp(min=1e-9))
        for one, other in zip(ours, wanted, strict=True)
    ]


@pytest.mark.parametrize("units", [16, 20, 33, 130])
def test_step_by_step_it_computes_what_torch_does(units: int) -> None:
    torch.manual_seed(units)
    case = Case(units, batch_size=5, steps=13)
    ours = case.fused(torch.float64)
    assert max(relative_errors(ours, case.plain())) < 1e-12
    behind = torch.arange(14) >= case.lengths.unsqueeze(1)
    assert not ours[0][behind].any()


def test_one_character_and_no_sequence_at_all() -> None:
    torch.manual_seed(0)
    assert max(relative_errors((case := Case(16, 1, 1)).fused(torch.float64), case.plain())) < 1e-12
    case = Case(16, 2, 3)
    case.lengths.zero_()
    assert not any(tensor.any() for tensor in case.fused(torch.float64))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 8e-3), (torch.float16, 1e-3)])
def test_16_bit_types_are_as_near_as_they_can_be(dtype: torch.dtype, tolerance: float) -> None:
    torch.manual_seed(0)
    case = Case(32, batch_size=4, steps=40)
    assert max(relative_errors(case.fused(dtype), case.plain())) < tolerance


def test_without_gradients_nothing_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    saved = []
    walk = gru_reference.forward
    monkeypatch.setattr(gru_reference, "forward", lambda *given: (saved.append(given[-1]), walk(*given)))
    case = Case(16, 2, 3)
    case.fused(torch.float64)
    with torch.no_grad():
        bidirectional_gru(case.embeddings, case.ids, case.lengths, case.directions, torch.float64)
    assert [factors is None for factors in saved] == [False, True]


def test_what_is_frozen_costs_nothing_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    case = Case(16, 4, 6)
    wanted = case.fused(torch.float64)
    case.embeddings.requires_grad_(False)
    states = bidirectional_gru(case.embeddings, case.ids, case.lengths, case.directions, torch.float64)
    gradients = torch.autograd.grad((states * case.weights).sum(), case.parameters[1:])
    assert max(relative_errors([states, *gradients], [wanted[0], *wanted[2:]])) < 1e-12

    saved = []
    walk = gru_reference.forward
    monkeypatch.setattr(gru_reference, "forward", lambda *given: (saved.append(given[-1]), walk(*given)))
    for parameter in case.parameters:
        parameter.requires_grad_(False)
    bidirectional_gru(case.embeddings, case.ids, case.lengths, case.directions, torch.float64)
    assert saved == [None]


def test_second_derivatives_are_refused() -> None:
    case = Case(16, 2, 3)
    states = bidirectional_gru(case.embeddings, case.ids, case.lengths, case.directions, torch.float64)
    (first,) = torch.autograd.grad((states**2).sum(), case.embeddings, create_graph=True)
    with pytest.raises(RuntimeError, match="no autograd formula"):
        first.sum().backward()


def test_it_is_a_sound_operator_that_compiles_without_a_break() -> None:
    torch.manual_seed(0)
    case = Case(16, gru_cuda.ROWS_OF_A_BLOCK, 5, torch.float32)
    case.lengths.fill_(5)  # the factors of steps that no sequence has are left as they are
    table = torch.randn(2, CHARACTERS, 3, 16, requires_grad=True)
    weight, bias = (torch.randn(*shape, requires_grad=True) for shape in ((2, 3, 16, 16), (2, 16)))
    torch.library.opcheck(gru.gru, (table, case.ids, case.lengths, weight, bias, True))

    compiled = torch.compile(lambda: bidirectional_gru(*given), fullgraph=True, backend="aot_eager")
    given = (case.embeddings, case.ids, case.lengths, case.directions, torch.float32)
    ours = case.with_gradients(compiled())
    assert max(relative_errors(ours, case.fused(torch.float32))) < 1e-6


@pytest.mark.parametrize("padding", [False, True])
def test_the_encoder_gives_the_same_either_way(
    padding: bool, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny.build(charbert.CharBertModel, kind).double()
    batch = tiny.ragged_batch(kind) if padding else tiny.ragged_batch(kind, tiny.SENTENCES[:1])
    spelled = model.spelling_table(batch["input_ids"], batch["attention_mask"])
    wanted = model.char_encoder(*spelled, batch["attention_mask"])
    monkeypatch.setattr(charbert.char_encoder.CharacterEncoder, "_fused_dtype", lambda *_: torch.float64)
    ours = model.char_encoder(*spelled, batch["attention_mask"])
    assert tiny.largest_difference(ours, wanted) < 1e-12


def test_adapters_and_hooks_of_the_encoder_are_not_passed_by(kind: str) -> None:
    encoder = tiny.build(charbert.CharBertModel, kind).char_encoder
    assert encoder._is_plain()
    handle = encoder.embeddings.register_forward_hook(lambda *_: None)
    assert not encoder._is_plain()
    handle.remove()
    assert encoder._is_plain()
    encoder.backward_gru.register_forward_pre_hook(lambda *_: None)
    assert not encoder._is_plain()


def test_lora_on_the_embeddings_is_not_passed_by() -> None:
    peft = pytest.importorskip("peft", reason="peft is installed with the tests' own requirements")
    model = tiny.build(charbert.CharBertModel, "bert")
    adapted = peft.get_peft_model(model, peft.LoraConfig(target_modules=["char_encoder.embeddings"]))
    assert not adapted.base_model.model.char_encoder._is_plain()


def test_weights_lie_as_the_tensor_cores_read_them() -> None:
    weight = torch.arange(2 * 3 * 32 * 32).view(2, 3, 32, 32)
    tiled = gru_cuda._tile(weight).view(2, 2, 2, 3, 32, 8)
    for warp in range(2):
        for tile in range(2):
            for lane in range(32):
                for element in range(8):
                    row = 16 * warp + lane // 4 + 8 * (element // 2 % 2)
                    column = 16 * tile + lane % 4 * 2 + element % 2 + 8 * (element // 4)
                    found = tiled[:, warp, tile, :, lane, element]
                    assert torch.equal(found, weight[:, :, row, column])


def test_the_table_lies_as_threads_read_it() -> None:
    table = torch.arange(2 * 5 * 3 * 32).view(2, 5, 3, 32)
    entries = gru_cuda._by_warp(table)
    assert entries.shape == (2, 5, 2, 8, 8)
    for unit in range(32):
        found = entries[:, :, unit // 16, unit % 8, unit % 16 // 8 : 6 : 2]
        assert torch.equal(found, table[..., unit])


def test_characters_are_read_in_the_order_of_each_direction() -> None:
    ids, lengths = torch.tensor([[1, 4, 7], [2, 5, 0]]), torch.tensor([3, 2])
    entries = gru_cuda._entries(ids, lengths, units=32)
    assert entries.shape == (2, 3 + 2, gru_cuda.ROWS_OF_A_BLOCK)
    assert (entries[0, :3, :2].t() // 16).tolist() == ids.tolist()
    assert (entries[1, :3, 0] // 16).tolist() == [7, 4, 1]
    assert (entries[1, :2, 1] // 16).tolist() == [5, 2]


@pytest.mark.parametrize("units", [16, 80, 128, 160, 192, 256])
@pytest.mark.parametrize(("blocks", "shared_limit"), [(2, 232_448), (1, 166_912), (1, 101_376)])
def test_all_tiles_of_the_weights_find_a_place(units: int, blocks: int, shared_limit: int) -> None:
    """On an H100, an A100 and an RTX 30."""
    for buffers, row in ((3, units), (2, 4 * units)):
        buffered = buffers * (row + gru_cuda.PADDING)
        if (units, blocks) == (256, 1):
            with pytest.raises(RuntimeError, match="256 units do not fit"):
                gru_cuda.Layout.of(units, buffered, blocks, shared_limit)
            continue
        layout = gru_cuda.Layout.of(units, buffered, blocks, shared_limit)
        assert layout.in_registers + layout.in_shared == units // 16
        assert layout.threads * layout.blocks == 2 * units
        assert layout.threads * (12 * layout.in_registers + gru_cuda.OTHER_REGISTERS) <= gru_cuda.REGISTERS
        # Each thread has 16 bytes of each tile and gate, each of 8 sequences its rows of 2 bytes an element.
        weights = layout.threads * layout.in_shared * 3 * 16
        assert layout.shared_bytes == weights + 8 * buffered * 2 <= shared_limit


def test_what_the_kernels_do_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    gru_cuda._refusal.cache_clear()
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (9, 0))
    monkeypatch.setattr(gru_cuda, "kernels_for", lambda _device, units, _dtype: asked.append(units))
    assert gru_cuda.usable(0, 192, torch.bfloat16)
    assert gru_cuda.usable(0, 130, torch.float16)
    assert asked == [192, 160]
    assert not gru_cuda.usable(0, 192, torch.float32)
    assert not gru_cuda.usable(0, 257, torch.bfloat16)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (7, 5))
    assert not gru_cuda.usable(0, 192, torch.bfloat16)


def test_kernels_that_cannot_be_built_are_left_out_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def refuse(*given: Any) -> None:
        asked.append(given)
        raise RuntimeError("CUDA_ERROR_NO_BINARY_FOR_GPU (209)\nmore")

    asked: list[Any] = []
    gru_cuda._refusal.cache_clear()

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (9, 0))
    monkeypatch.setattr(gru_cuda, "kernels_for", refuse)
    monkeypatch.setattr(gru_cuda.logger, "warning_once", said.append)
    assert not gru_cuda.usable(0, 192, torch.bfloat16)
    assert not gru_cuda.usable(0, 192, torch.bfloat16)
    assert len(asked) == 1, "what was refused is not tried again"
    gru_cuda._refusal.cache_clear()
    assert len(set(said)) == 1
    assert "CUDA_ERROR_NO_BINARY_FOR_GPU (209)" in said[0]
    assert "more" not in said[0]


@pytest.mark.gpu
@pytest.mark.parametrize(("units", "batch_size"), SIZES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_kernels_compute_what_torch_does(units: int, batch_size: int, dtype: torch.dtype) -> None:
    assert gru_cuda.usable(torch.cuda.current_device(), units, dtype)
    with torch.device("cuda"):
        cases = [Case(units, batch_size, steps) for steps in (1, 2, 33, 150)]
    for case in cases:
        wanted = case.plain()
        case.embeddings = nn.Parameter(case.embeddings.detach().float())
        case.directions = tuple(layer.float() for layer in case.directions)
        ours = case.fused(dtype)
        assert max(relative_errors(ours, wanted)) < 2 * torch.finfo(dtype).eps
        behind = torch.arange(case.ids.shape[1] + 1, device="cuda") >= case.lengths.unsqueeze(1)
        assert not ours[0][behind].any()


@pytest.mark.gpu
def test_a_stream_and_a_graph_of_ones_own_change_nothing() -> None:
    with torch.device("cuda"):
        case = Case(192, 16, 60, torch.float32)
    given = (case.embeddings, case.ids, case.lengths, case.directions, torch.bfloat16)
    with torch.no_grad():
        wanted = bidirectional_gru(*given)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            beside = bidirectional_gru(*given)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            captured = bidirectional_gru(*given)
        graph.replay()
    assert torch.equal(beside, wanted)
    assert torch.equal(captured, wanted)


@pytest.mark.gpu
def test_the_kernels_compute_the_same_each_time() -> None:
    table = torch.randn(2, 300, 3, 192, device="cuda", dtype=torch.bfloat16, requires_grad=True)
    weight = (0.1 * torch.randn(2, 3, 192, 192, device="cuda")).bfloat16().requires_grad_()
    bias = torch.zeros(2, 192, device="cuda", requires_grad=True)
    ids = torch.randint(300, (64, 500), device="cuda")
    lengths = torch.randint(501, (64,), device="cuda")
    found = []
    for _ in range(5):
        states, _factors = gru.gru(table, ids, lengths, weight, bias, True)
        gradients = torch.autograd.grad(F.mse_loss(states.float(), states.float() + 1), (table, weight, bias))
        found.append([states, *gradients])
    for again in found[1:]:
        assert all(torch.equal(one, other) for one, other in zip(found[0], again, strict=True))
