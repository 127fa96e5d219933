"""An interaction as one operator in inference: by its reference on a CPU, and its kernel by the reference."""

import copy
import sys
from functools import partial
from typing import Any

import pytest
import tiny
import torch

import charbert
from charbert import modeling
from charbert.fast_path import mask_row
from charbert.interaction import HeterogeneousInteraction, fold, run_fused
from charbert.ops import fusion
from charbert.spelling import SpellingTable

MANY = 10**6  # positions at which folding pays
LEAST = torch.finfo(torch.float32).min


def interaction(kernel_size: int, **more: Any) -> HeterogeneousInteraction:
    made = HeterogeneousInteraction(tiny.config("bert", interaction_kernel_size=kernel_size, **more))
    tiny.scatter_weights(made)
    return made


def channels(length: int, size: int = 32, **like: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Both channels of three sequences (6, L, H), not zero at padding, and the mask (3, L, 1)."""
    generator = torch.Generator().manual_seed(0)
    both = torch.randn(6, length, size, generator=generator)
    mask = torch.ones(3, length, 1)
    mask[1, length // 2 :] = 0
    mask[2] = 0
    return both.to(**like), mask.to(**like)


@pytest.fixture
def on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fusion, "usable", lambda *_: True)


@pytest.mark.usefixtures("on_a_cpu")
class TestOperator:
    @torch.no_grad()
    @pytest.mark.parametrize("kernel_size", [1, 3, 5])
    @pytest.mark.parametrize("length", [1, 2, 9])
    def test_is_the_interaction(self, kernel_size: int, length: int) -> None:
        step = interaction(kernel_size)
        both, mask = channels(length)
        ours = run_fused(step, both, mask, fold(step, MANY, 1))
        assert ours is not None
        wanted = torch.cat(step(*both.chunk(2), mask))
        torch.testing.assert_close(ours, wanted, atol=2e-5, rtol=1e-5)

    def test_is_a_proper_operator(self) -> None:
        both, mask = channels(4)
        norms = [torch.rand(32) for _ in range(4)]
        given = (both, mask, torch.rand(96, 64), torch.rand(32), norms, 1e-12)
        torch.library.opcheck(fusion.interact, given)

    def test_of_a_few_positions_it_folds_too(self) -> None:
        step = interaction(3)
        assert fold(step, 1, 1) is None
        with torch.no_grad():
            assert fold(step, 1, 1) is not None

    def test_with_gradients_it_is_left_out(self) -> None:
        step = interaction(3)
        assert run_fused(step, *channels(4), fold(step, MANY, 1)) is None

    @torch.no_grad()
    def test_what_it_does_not_compute_it_leaves_out(self) -> None:
        both, mask = channels(4)
        hooks = [hooked(interaction(3), part) for part in ("", "char_norm")]
        for step in (interaction(3, interaction="paper"), *hooks):
            assert run_fused(step, both, mask, fold(step, MANY, 1)) is None
        step = interaction(3)
        assert run_fused(step, both, mask, None) is None
        assert run_fused(step, both.double(), mask, fold(step, MANY, 1)) is None

    @torch.no_grad()
    def test_a_model_computes_the_same_with_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        model = tiny.build(charbert.CharBertModel, "bert").eval()
        batch = tiny.tokenizer("bert")(list(tiny.SENTENCES * 4), padding=True, return_tensors="pt")
        ran = []
        monkeypatch.setattr(modeling, "run_fused", lambda *given: ran.append(run_fused(*given)) or ran[-1])
        ours = model(**batch)
        monkeypatch.setattr(modeling, "run_fused", lambda *_: None)
        wanted = model(**batch)
        assert ran
        assert all(one is not None for one in ran)
        real = batch["attention_mask"].bool()
        for name in ("last_hidden_state", "char_last_hidden_state"):
            torch.testing.assert_close(ours[name][real], wanted[name][real], atol=1e-5, rtol=1e-5)


def hooked(step: HeterogeneousInteraction, part: str) -> HeterogeneousInteraction:
    step.get_submodule(part).register_forward_hook(lambda *_: None)
    return step


def test_on_a_cpu_it_is_left_out() -> None:
    assert not fusion.usable(torch.device("cpu"), torch.bfloat16)
    assert not fusion.usable(torch.device("cuda"), torch.float32)


def test_without_triton_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(fusion.logger, "warning_once", said.append)
    monkeypatch.setitem(sys.modules, "charbert.ops.fusion_kernel", None)
    fusion._refusal.cache_clear()
    assert not fusion.usable(torch.device("cuda"), torch.bfloat16)
    fusion._refusal.cache_clear()
    assert len(said) == 1
    assert "Triton: import of charbert.ops.fusion_kernel halted" in said[0]


def test_the_row_of_a_mask_is_a_proper_operator() -> None:
    mask = torch.tensor([[1, 1, 0], [1, 0, 0]])
    torch.library.opcheck(mask_row, (mask, torch.bfloat16))
    assert mask_row(mask, torch.float32).tolist() == [[0, 0, LEAST], [0, LEAST, LEAST]]


class TestRoom:
    """Spelling in as much room as any tokens could take, without a look at how much these take."""

    @pytest.fixture
    def table(self) -> SpellingTable:
        return SpellingTable.from_spellings([[0], [1, 2, 3], [4, 5]])

    def test_is_what_the_longest_token_needs(self, table: SpellingTable) -> None:
        ids = torch.tensor([[2, 1, 0], [2, 0, 0]])
        mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
        exact, roomy = table(ids, mask), table(ids, mask, bounded=True)
        assert roomy.char_input_ids.shape == (2, 12)
        width = exact.char_input_ids.shape[1]
        assert torch.equal(roomy.char_input_ids[:, :width], exact.char_input_ids)
        assert not roomy.char_input_ids[:, width:].any()
        assert torch.equal(roomy.start_ids, exact.start_ids)
        assert torch.equal(roomy.end_ids, exact.end_ids)

    def test_is_not_made_where_it_would_be_too_much(
        self, table: SpellingTable, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(charbert.spelling, "MOST_CHARACTERS", 23)
        assert table(torch.zeros(2, 3, dtype=torch.long), bounded=True).char_input_ids.shape == (2, 6)

    def test_follows_a_table_that_is_loaded(self, table: SpellingTable) -> None:
        ids = torch.zeros(1, 2, dtype=torch.long)
        assert table(ids, bounded=True).char_input_ids.shape == (1, 8)
        other = SpellingTable.from_spellings([[0], [1], [2, 3, 4, 5, 6]])
        other.characters = other.characters[:6].clone()
        other.offsets = torch.tensor([0, 1, 1, 6], dtype=torch.int32)
        table.load_state_dict(other.state_dict())
        assert table(ids, bounded=True).char_input_ids.shape == (1, 12)

    def test_follows_it_in_a_compiled_graph(self) -> None:
        """The longest token is a constant there."""
        table = SpellingTable.from_spellings([[0], [1, 2, 3], [4, 5]])
        compiled = torch.compile(partial(table, bounded=True), backend="eager", fullgraph=True)
        ids = torch.tensor([[1, 2]])
        assert compiled(ids).char_input_ids.shape == (1, 8)
        table.load_state_dict(SpellingTable.from_spellings([[0], [1], [2, 3, 4, 5]]).state_dict())
        assert compiled(ids).char_input_ids.shape == (1, 10)
        assert compiled(ids).char_input_ids.tolist() == [[1, 0, 2, 3, 4, 5, 0, 0, 0, 0]]

    def test_an_empty_table_is_refused(self) -> None:
        with pytest.raises(charbert.CharBertError, match="no spelling table"):
            SpellingTable(3, 4)(torch.zeros(1, 1, dtype=torch.long), bounded=True)


@pytest.mark.gpu
@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(
    ("length", "size", "kernel_size"), [(1, 32, 3), (7, 24, 5), (130, 768, 3), (9, 96, 1)]
)
def test_the_kernel_computes_the_reference(
    dtype: torch.dtype, length: int, size: int, kernel_size: int
) -> None:
    both, mask = channels(length, size, device="cuda", dtype=dtype)
    made = torch.randn(3, length, kernel_size * size, device="cuda", dtype=dtype)
    rest = torch.randn(5, size, device="cuda", dtype=dtype)
    given = (both, made, mask, rest[0], list(rest[1:]), 1e-12)
    from charbert.ops.fusion_kernel import add_and_normalize

    ours, wanted = add_and_normalize(*given), fusion._add_and_normalize(*given)
    torch.testing.assert_close(ours, wanted, atol=4 * torch.finfo(dtype).eps, rtol=4 * torch.finfo(dtype).eps)


@pytest.mark.gpu
@torch.inference_mode()
@pytest.mark.parametrize("compiled", [False, True])
def test_on_a_gpu_a_model_in_bf16_computes_what_it_does_in_fp32(
    compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []
    monkeypatch.setattr(modeling, "run_fused", lambda *given: ran.append(run_fused(*given)) or ran[-1])
    exact = tiny.build(charbert.CharBertModel, "bert").eval().cuda()
    batch = tiny.tokenizer("bert")(list(tiny.SENTENCES * 4), padding=True, return_tensors="pt").to("cuda")
    wanted = exact(**batch)
    ran.clear()
    model = copy.deepcopy(exact).bfloat16()
    ours = (torch.compile(model) if compiled else model)(**batch)
    assert ran
    assert all(one is not None for one in ran)
    real = batch["attention_mask"].bool()
    for name in ("last_hidden_state", "char_last_hidden_state"):
        error = (ours[name].float() - wanted[name])[real].norm() / wanted[name][real].norm()
        assert error < 0.03
