"""Steps of training and of inference, and the parts of a step of pre-training, measured on a device."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from benchmarks.frame import DeviceSettings, measure_milliseconds, reset_device
from charbert.commands.devices import copied, prepare_compiler
from charbert.commands.settings import option
from charbert.commands.training import checkpoint_gradients
from charbert.configuration import CharBertConfig
from charbert.fast_path import layer_attention_mask
from charbert.interaction import fold
from charbert.lm_heads import CharBertForPreTraining
from charbert.losses import mean_cross_entropy, score_labelled
from finetune.batches import mark_dynamic
from pretrain.collator import Batch

LEARNING_RATE, LARGEST_NORM = 5e-5, 1.0
# Vocabulary, words, units, layers, heads, units of the feed-forward part.
SIZES = {
    "base": (28996, 30001, 768, 12, 12, 3072),
    "small": (28996, 30001, 384, 6, 6, 1536),
    "tiny": (1000, 500, 64, 2, 2, 256),
}
Batches = Sequence[Batch] | DataLoader[Any]


@dataclass(kw_only=True)
class StepSettings(DeviceSettings):
    """Settings of benchmarks of training steps."""

    size: str | None = option(
        None,
        "base: BERT-base; small: 6 layers of 384 units; tiny: 2 of 64; if none, base, on a CPU tiny",
        choices=SIZES,
    )
    rounds: int = option(5, "timed rounds through all batches", minimum=1)
    warmup: int = option(2, "rounds before them", minimum=1)


class Speed(NamedTuple):
    """The time of a step and the peak memory, which is counted on a GPU only."""

    milliseconds: float
    gib: float | None


@dataclass(frozen=True)
class Bench:
    """Measures models on one device.

    Args:
        dynamic: batches have different shapes, for all of which the model is compiled once.
    """

    device: torch.device
    rounds: int
    warmup: int
    compiled: bool
    dynamic: bool = False
    compile_mode: str | None = None
    checkpointed: bool = False

    def __post_init__(self) -> None:
        if self.compiled:
            prepare_compiler()

    def measure(self, build: Callable[[], Any], batches: Batches, training: bool = True) -> Speed | None:
        """The mean over batches of the time of a step; None where the memory does not suffice.

        Args:
            training: forward and backward, and an update of the weights; else the outputs alone,
                not compiled.
        """
        reset_device(self.device)
        try:
            model = self._prepare(build).train(training)
            step = self._make_step(model) if training else self._make_inference(model)

            def go_through(_: int) -> None:
                for batch in batches:
                    step(copied(batch, self.device))

            taken = self._time(go_through) / len(batches)
        except torch.OutOfMemoryError:
            return None
        on_gpu = self.device.type == "cuda"
        return Speed(taken, torch.cuda.max_memory_allocated(self.device) / 2**30 if on_gpu else None)

    def measure_parts(self, config: CharBertConfig, batches: Sequence[Batch]) -> dict[str, float]:
        """Milliseconds of what a step of CharBERT consists of, each alone."""
        reset_device(self.device)
        model = self._prepare(lambda: CharBertForPreTraining(config))
        encoder, heads = model.charbert, [model.mlm_head, model.nlm_head]
        (interaction,) = encoder.interactions
        layers = encoder.backbone.encoder.layer
        layer = self._maybe_compile(layers[0])
        turns = [copied(batch, self.device) for batch in batches]
        mask = turns[0]["attention_mask"]
        size = config.hidden_size
        both = torch.randn(2 * len(mask), mask.shape[1], size, device=self.device, requires_grad=True)
        states = [half.detach().requires_grad_() for half in both.chunk(2)]
        with self._autocast():
            attention_mask = layer_attention_mask(encoder.backbone.config, both, mask.repeat(2, 1))

        def encode(batch: Batch) -> torch.Tensor:
            names = ("char_input_ids", "start_ids", "end_ids", "attention_mask")
            return encoder.char_encoder(*(batch[name] for name in names))

        def pass_layers(_: Batch) -> torch.Tensor:
            after = both
            for _ in layers:
                after = layer(after, attention_mask)
            return after

        def interact(batch: Batch) -> torch.Tensor:
            folded = fold(interaction, batch["attention_mask"].numel(), uses=len(layers))
            present = batch["attention_mask"].unsqueeze(-1).float()
            tokens, characters = states
            for _ in layers:
                tokens, characters = interaction(tokens, characters, present, folded)
            return torch.cat([tokens, characters])

        def score(batch: Batch) -> torch.Tensor:
            inputs = zip(
                heads, states, ("labels", "nlm_labels"), ("mlm_positions", "nlm_positions"), strict=True
            )
            losses = [
                mean_cross_entropy(*score_labelled(head, half, batch[labels], batch[positions]))
                for head, half, labels, positions in inputs
            ]
            return torch.stack(losses).sum()

        def measure(part: Callable[[Batch], torch.Tensor], leaves: Iterable[torch.Tensor]) -> float:
            leaves = list(leaves)

            def forward_and_backward(number: int) -> None:
                with self._autocast():
                    output = part(turns[number % len(turns)])
                # Any gradient will do, if it is random.
                torch.autograd.grad(output, leaves, output.detach())

            return self._time(forward_and_backward)

        parts = {
            "copy to the device": self._time(
                lambda number: copied(batches[number % len(batches)], self.device)
            ),
            "character encoder": measure(self._maybe_compile(encode), encoder.char_encoder.parameters()),
            "layers": measure(pass_layers, [both, *layers[0].parameters()]),
            "interaction": measure(self._maybe_compile(interact), [*states, *interaction.parameters()]),
            "heads": measure(
                self._maybe_compile(score),
                [*states, *(weight for head in heads for weight in head.parameters())],
            ),
        }
        update = _make_update(model)
        for weight in model.parameters():
            weight.grad = torch.randn_like(weight)
        return {**parts, "clipping and AdamW": self._time(lambda _: update())}

    def _make_step(self, model: PreTrainedModel) -> Callable[[Batch], object]:
        """What a batch on the device goes through in training."""
        forward, update = self._maybe_compile(model), _make_update(model)

        def step(batch: Batch) -> None:
            if self.compiled and self.dynamic:
                mark_dynamic(batch)
            with self._autocast():
                loss = forward(**batch).loss
            loss.backward()
            update()
            model.zero_grad()

        return step

    def _make_inference(self, model: PreTrainedModel) -> Callable[[Batch], object]:
        def step(batch: Batch) -> object:
            with torch.inference_mode(), self._autocast():
                return model(**batch)

        return step

    def _prepare(self, build: Callable[[], Any]) -> Any:
        model = build()
        if self.checkpointed:
            checkpoint_gradients(model)
        return model.to(self.device)

    def _maybe_compile(self, work: Any) -> Any:
        return torch.compile(work, mode=self.compile_mode) if self.compiled else work

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda")

    def _time(self, work: Callable[[int], object]) -> float:
        return measure_milliseconds(work, self.device, self.rounds, self.warmup)

    def __str__(self) -> str:
        how = ["bf16 autocast" if self.device.type == "cuda" else "fp32"]
        how += ["compiled" if self.compiled else "not compiled", self.compile_mode or ""]
        how += ["gradient checkpointing" if self.checkpointed else ""]
        how += [f"{self.rounds} rounds after {self.warmup} on {self.device.type}"]
        return ", ".join(filter(None, how))


def make_config(size: str, longest: int) -> CharBertConfig:
    """The configuration of one of the `SIZES`."""
    tokens, words, units, layers, heads, intermediate = SIZES[size]
    backbone = {
        "vocab_size": tokens,
        "hidden_size": units,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": intermediate,
        "max_position_embeddings": max(512, longest),
    }
    return CharBertConfig(backbone_config=backbone, word_vocabulary_size=words)


def _make_update(model: PreTrainedModel) -> Callable[[], object]:
    """What follows the gradients in a step."""
    weights = list(model.parameters())
    optimiser = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=0.01, fused=True)

    def update() -> None:
        nn.utils.clip_grad_norm_(weights, LARGEST_NORM)
        optimiser.step()

    return update
