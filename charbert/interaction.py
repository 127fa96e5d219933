"""Heterogeneous interaction: fuse both channels with a convolution over positions, then divide them again."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F
from transformers.utils.generic import maybe_autocast

from charbert.configuration import CharBertConfig
from charbert.fast_path import compute_dtype, is_exporting, is_unmodified
from charbert.ops import fusion

# bf16 is folded in fp32, to be rounded but once; a product there costs some four of its own.
_EXACT_COST = 4


class FoldedConvolution(NamedTuple):
    """W1, W2 and the convolution as one matrix (k * H, 2H), tap by tap, and b1, b2 in it (k * H,)."""

    weight: torch.Tensor
    bias: torch.Tensor | None


class HeterogeneousInteraction(nn.Module):
    """One step of fusing and dividing the channels t (tokens) and h (characters), Section 3.2.

    `"released"`: m = Conv([W1 t; W2 h]); T = LN(t + m), H = LN(h + m).
    `"paper"`: m = tanh(Conv([W1 t + b1; W2 h + b2])); T = LN(t + gelu(W4 m + b4)), H likewise with W5, b5.

    Shape: `tokens`, `characters` (B, L, H), `mask` (B, L, 1) -> two tensors (B, L, H). Padding is zero before
    the convolution, so that it reaches no neighbour. `folded` is what `fold` gave in the same pass.
    """

    def __init__(self, config: CharBertConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.nonlinear = config.interaction == "paper"
        self.token_projection = nn.Linear(size, size, bias=self.nonlinear)
        self.char_projection = nn.Linear(size, size, bias=self.nonlinear)
        kernel_size = config.interaction_kernel_size
        self.convolution = nn.Conv1d(2 * size, size, kernel_size, padding=kernel_size // 2)
        if self.nonlinear:
            self.token_output = nn.Linear(size, size)
            self.char_output = nn.Linear(size, size)
        self.token_norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.char_norm = nn.LayerNorm(size, eps=config.layer_norm_eps)

    def forward(
        self,
        tokens: torch.Tensor,
        characters: torch.Tensor,
        mask: torch.Tensor,
        folded: FoldedConvolution | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if folded is None:
            both = torch.cat([self.token_projection(tokens), self.char_projection(characters)], dim=-1) * mask
            fused = self.convolution(both.transpose(1, 2)).transpose(1, 2)
        else:
            fused = self._convolved(torch.cat([tokens, characters], dim=-1) * mask, mask, folded)
        if self.nonlinear:
            fused = torch.tanh(fused)
            token_part, char_part = F.gelu(self.token_output(fused)), F.gelu(self.char_output(fused))
        else:
            token_part = char_part = fused
        return self.token_norm(tokens + token_part), self.char_norm(characters + char_part)

    @torch.no_grad()
    def start_as_identity(self, norms: list[nn.LayerNorm], offset: float = 0.0) -> None:
        """Initialise as a step that changes little: the next layer gets nearly what the last one gave.

        Nothing is fused yet, since the convolution is zero. The norms give a vector the mean and the
        deviation that the layers gave it on average: mean(b) and sqrt(mean(g^2) + var(b)) by a norm of
        weights g and biases b.

        That still scales each vector by its own deviation. With an offset K far above the deviation, K or -K
        is added to each unit before the norm, whose deviation is about K then for every vector: the norm
        subtracts a mean near 0, divides by nearly a constant, gives that back as its weight, and takes the
        offset off by its bias. So the step is linear to the first order: all that is lost of a vector is its
        part along the signs, one of H directions.

        Args:
            norms: the last of each layer that this step comes after.
            offset: K.
        """
        self.convolution.weight.zero_()
        mean = torch.stack([norm.bias.mean() for norm in norms]).mean()
        variance = torch.stack([norm.weight.square().mean() + norm.bias.var(correction=0) for norm in norms])
        # As many of each sign, in an order that no part of a backbone has, such as its attention heads.
        size = len(self.token_norm.bias)
        order = torch.randperm(size, generator=torch.Generator().manual_seed(0), device="cpu")
        signs = (1 - 2 * (order % 2)).to(self.token_norm.bias)
        if self.nonlinear:
            for output in (self.token_output, self.char_output):
                output.bias.copy_(offset * (signs + 1))  # which gelu leaves; the norm subtracts the mean
        else:
            bias = self.convolution.bias
            assert bias is not None
            bias.copy_(offset * signs)
        deviation = torch.hypot(variance.sqrt().mean(), variance.new_tensor(offset))
        for norm in (self.token_norm, self.char_norm):
            norm.weight.fill_(deviation)
            norm.bias.copy_(mean - offset * signs)

    def _convolved(self, both: torch.Tensor, mask: torch.Tensor, folded: FoldedConvolution) -> torch.Tensor:
        by = _by_neighbours if both.is_cuda else _by_taps
        bias = self.convolution.bias
        assert bias is not None
        return by(both, mask, folded, bias)


def run_fused(
    interaction: nn.Module, both: torch.Tensor, mask: torch.Tensor, folded: FoldedConvolution | None
) -> torch.Tensor | None:
    """A call on both channels in one, (2 B, L, H), tokens first, by the operator `charbert::interact`.

    None where it cannot take the place of one: there are gradients, another form or type, or a hook, or
    `torch.export` traces.
    """
    if folded is None or torch.is_grad_enabled() or is_exporting():
        return None
    if not is_unmodified(interaction, HeterogeneousInteraction):
        return None
    assert isinstance(interaction, HeterogeneousInteraction)
    norms, bias = (interaction.token_norm, interaction.char_norm), interaction.convolution.bias
    assert bias is not None
    if (
        interaction.nonlinear
        or not all(is_unmodified(norm, nn.LayerNorm, "weight", "bias") for norm in norms)
        or {mask.dtype, folded.weight.dtype, bias.dtype} != {both.dtype}
        or not fusion.usable(both.device, both.dtype)
    ):
        return None
    parameters = [part for norm in norms for part in (norm.weight, norm.bias)]
    return fusion.interact(both, mask, folded.weight, bias, parameters, norms[0].eps)


def _by_neighbours(
    both: torch.Tensor, mask: torch.Tensor, folded: FoldedConvolution, bias: torch.Tensor
) -> torch.Tensor:
    """The convolution as one product with each position and its neighbours: faster on a GPU."""
    kernel_size = len(folded.weight) // len(bias)
    weight = folded.weight.unflatten(0, (kernel_size, -1)).transpose(0, 1).flatten(1)
    fused = F.linear(_neighbours(both, kernel_size), weight, bias)
    if folded.bias is not None:
        # Padding has none.
        fused = fused + F.linear(
            _neighbours(mask, kernel_size), folded.bias.unflatten(0, (kernel_size, -1)).t()
        )
    return fused


def _neighbours(inputs: torch.Tensor, kernel_size: int) -> torch.Tensor:
    """Each position's inputs (B, L, D) beside those around it, zero beyond the ends: (B, L, k * D)."""
    middle = kernel_size // 2
    return torch.cat([_shifted(inputs, middle - number) for number in range(kernel_size)], dim=-1)


def _by_taps(
    both: torch.Tensor, mask: torch.Tensor, folded: FoldedConvolution, bias: torch.Tensor
) -> torch.Tensor:
    """The convolution as one product with each position, its taps shifted and summed: faster on a CPU."""
    kernel_size = len(folded.weight) // len(bias)
    made = F.linear(both, folded.weight, folded.bias)
    if folded.bias is not None:
        made = made * mask  # padding has none
    fused = bias
    for number, tap in enumerate(made.unflatten(-1, (kernel_size, -1)).unbind(2)):
        fused = fused + _shifted(tap, kernel_size // 2 - number)
    return fused


def _shifted(inputs: torch.Tensor, places: int) -> torch.Tensor:
    """(B, L, D) moved `places` positions on, zero where nothing comes from."""
    if is_exporting():  # the same for all lengths
        before, after = max(places, 0), max(-places, 0)
        return F.pad(inputs, (0, 0, before, after)).narrow(1, after, inputs.shape[1])
    if abs(places) >= inputs.shape[1]:
        return torch.zeros_like(inputs)
    return F.pad(inputs, (0, 0, places, -places))


def fold(interaction: nn.Module, positions: int, uses: int) -> FoldedConvolution | None:
    """What `uses` calls at `positions` positions (B * L) each need of W1, W2 and the convolution, in one.

    Nothing lies between these but the mask, so the result is the same. None where calling them one after the
    other is faster, or where they are not what they were: an adapter, a quantised weight, a hook.
    """
    if not isinstance(interaction, HeterogeneousInteraction):
        return None
    convolution = interaction.convolution
    projections = interaction.token_projection, interaction.char_projection
    if not (
        is_unmodified(convolution, nn.Conv1d, "weight")
        and all(is_unmodified(one, nn.Linear, "weight") for one in projections)
    ):
        return None
    size, _, kernel_size = convolution.weight.shape
    dtype = compute_dtype(convolution.weight)
    # The operator runs without gradients. A product of half-precision weights is rounded once as it is.
    weight = convolution.weight
    operates = (
        not torch.is_grad_enabled()
        and not interaction.nonlinear
        and weight.dtype == dtype
        and fusion.usable(weight.device, dtype)
    )
    exact = dtype if operates else torch.promote_types(dtype, torch.float32)
    # Folding takes the work of W1 and W2 at k * H positions, and saves it at all others. An exported program
    # is for all lengths. To the operator fewer kernels count for more.
    rows = kernel_size * size * (1 if dtype == exact else _EXACT_COST)
    if is_exporting() or (uses * positions <= rows and not operates):
        return None
    with maybe_autocast(convolution.weight.device.type, enabled=False):
        taps = convolution.weight.to(exact).permute(2, 0, 1).flatten(0, 1)
        parts = zip(taps.chunk(2, dim=1), projections, strict=True)
        weight = torch.cat([part @ projection.weight.to(exact) for part, projection in parts], dim=1)
        bias = None
        if interaction.nonlinear:
            bias = (taps @ torch.cat([projection.bias for projection in projections]).to(exact)).to(dtype)
        return FoldedConvolution(weight.to(dtype), bias)
