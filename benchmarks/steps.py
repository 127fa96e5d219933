"""Steps of training, and the parts of one of pre-training, measured on a device."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader
from transformers import BertForMaskedLM, PreTrainedModel

from benchmarks.frame import forget_everything, milliseconds, peak_gib
from charbert.commands.training import checkpoint_gradients, copied
from charbert.configuration import CharBertConfig
from charbert.fast_path import layer_attention_mask
from charbert.interaction import fold
from charbert.lm_heads import CharBertForPreTraining
from charbert.losses import mean_cross_entropy, score_labelled
from finetune.batches import mark_dynamic
from pretrain.collator import Batch

Build = Callable[[CharBertConfig], Any]
LEARNING_RATE, LARGEST_NORM = 5e-5, 1.0
# Vocabulary, words, units, layers, heads, units of the feed-forward part.
SIZES = {
    "base": (28996, 30001, 768, 12, 12, 3072),
    "small": (28996, 30001, 384, 6, 6, 1536),
    "tiny": (1000, 500, 64, 2, 2, 256),
}


def config_of(size: str, longest: int) -> CharBertConfig:
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


def charbert(config: CharBertConfig) -> CharBertForPreTraining:
    """The model as it is."""
    return CharBertForPreTraining(config)


def charbert_as_before(config: CharBertConfig) -> CharBertForPreTraining:
    """The same model with torch's GRU and an interaction that is not folded."""
    return on_plain_path(CharBertForPreTraining(config))


def on_plain_path(model: CharBertForPreTraining) -> CharBertForPreTraining:
    """The model, made to leave out the GRU's kernel and the folding."""
    model.charbert.char_encoder.fused = False
    for interaction in model.charbert.interactions:
        # A convolution with a hook is called unchanged.
        interaction.get_submodule("convolution").register_forward_hook(lambda *_: None)
    return model


def plain_bert(config: CharBertConfig) -> BertForMaskedLM:
    """`transformers`' model of the same size."""
    return BertForMaskedLM(config.backbone_config)


@dataclass(frozen=True)
class Bench:
    """Measures models on one device, in one way."""

    config: CharBertConfig
    device: torch.device
    compiled: bool
    compile_mode: str | None
    checkpointed: bool
    steps: int
    warmup: int

    def step(self, build: Build, batches: Sequence[Batch]) -> dict[str, Any] | None:
        """Milliseconds of a step, GiB of memory and the last loss; None where the memory does not suffice."""
        return self._unless_full(lambda: self._step(build, self._on_host(batches)))

    def epoch(self, build: Build, batches: DataLoader[Any], training: bool = True) -> dict[str, Any] | None:
        """As `step`, the mean over batches of different shapes, which are made meanwhile.

        Args:
            training: measure steps; otherwise the outputs alone, for which a run leaves the model uncompiled.
        """
        return self._unless_full(lambda: self._epoch(build, batches, training))

    def _unless_full(self, measure: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
        forget_everything(self.device)
        try:
            return measure()
        except torch.OutOfMemoryError:
            return None

    def _step(self, build: Build, batches: Sequence[Batch]) -> dict[str, Any]:
        train = self._training_step(self._prepared(build))
        loss = torch.zeros(())

        def step(number: int) -> None:
            nonlocal loss
            loss = train(self._copied(batches[number % len(batches)]))

        taken = self._time(step)
        return {"milliseconds": taken, "peak_gib": peak_gib(self.device), "loss": loss.item()}

    def _epoch(self, build: Build, batches: DataLoader[Any], training: bool) -> dict[str, Any]:
        model = self._prepared(build).train(training)
        step = self._training_step(model) if training else self._inference(model)

        def epoch(_: int) -> None:
            for batch in map(self._copied, batches):
                if self.compiled:
                    mark_dynamic(batch)
                step(batch)

        return {"milliseconds": self._time(epoch) / len(batches), "peak_gib": peak_gib(self.device)}

    def _training_step(self, model: PreTrainedModel) -> Callable[[Batch], torch.Tensor]:
        """What a batch on the device goes through in training; gives the loss."""
        forward, update = self._maybe_compiled(model), _updater(model)

        def step(batch: Batch) -> torch.Tensor:
            with self._autocast():
                loss: torch.Tensor = forward(**batch).loss
            loss.backward()
            update()
            model.zero_grad()
            return loss

        return step

    def _inference(self, model: PreTrainedModel) -> Callable[[Batch], object]:
        def step(batch: Batch) -> object:
            with torch.inference_mode(), self._autocast():
                return model(**batch)

        return step

    def parts(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Milliseconds of what a step of CharBERT consists of, each alone."""
        forget_everything(self.device)
        model = self._prepared(charbert)
        encoder = model.charbert
        heads = [model.mlm_head, model.nlm_head]
        first_layer, layers = encoder.backbone.encoder.layer[0], encoder.backbone.encoder.layer
        layer = self._maybe_compiled(first_layer)
        host = self._on_host(batches)
        mask = self._copied(host[0])["attention_mask"]
        size = self.config.hidden_size
        both = torch.randn(2 * len(mask), mask.shape[1], size, device=self.device, requires_grad=True)
        states = [half.detach().requires_grad_() for half in both.chunk(2)]
        with self._autocast():
            attention_mask = layer_attention_mask(encoder.backbone.config, both, mask.repeat(2, 1))

        def encoded(batch: Batch) -> torch.Tensor:
            names = ("char_input_ids", "start_ids", "end_ids", "attention_mask")
            return encoder.char_encoder(*(batch[name] for name in names))

        def through_layers(_: Batch) -> torch.Tensor:
            after = both
            for _ in layers:
                after = layer(after, attention_mask)
            return after

        def fused(batch: Batch) -> torch.Tensor:
            (interaction,) = encoder.interactions
            folded = fold(interaction, batch["attention_mask"].numel(), uses=len(layers))
            present = batch["attention_mask"].unsqueeze(-1).float()
            tokens, characters = states
            for _ in layers:
                tokens, characters = interaction(tokens, characters, present, folded)
            return torch.cat([tokens, characters])

        def scored(batch: Batch) -> torch.Tensor:
            losses = [
                mean_cross_entropy(*score_labelled(head, half, batch[labels], batch[positions]))
                for head, half, labels, positions in zip(
                    heads, states, ("labels", "nlm_labels"), ("mlm_positions", "nlm_positions"), strict=True
                )
            ]
            return torch.stack(losses).sum()

        def time(part: Callable[[Batch], torch.Tensor], *wanted: torch.Tensor | nn.Module) -> float:
            leaves = [leaf for each in wanted for leaf in _leaves(each)]
            turns = [self._copied(batch) for batch in host]

            def both_ways(number: int) -> None:
                with self._autocast():
                    made = part(turns[number % len(turns)])
                # Any gradient will do, if it is random.
                torch.autograd.grad(made, leaves, made.detach())

            return self._time(both_ways)

        parts = {
            "copy to the device": self._time(lambda number: self._copied(host[number % len(host)])),
            "character encoder": time(self._maybe_compiled(encoded), encoder.char_encoder),
            "layers": time(through_layers, both, first_layer),
            "interaction": time(self._maybe_compiled(fused), *states, *encoder.interactions),
            "heads": time(self._maybe_compiled(scored), *states, *heads),
        }
        update = _updater(model)
        for weight in model.parameters():
            weight.grad = torch.randn_like(weight)
        return {**parts, "clipping and AdamW": self._time(lambda _: update())}

    def _prepared(self, build: Build) -> Any:
        model = build(self.config)
        if self.checkpointed:
            checkpoint_gradients(model)
        return model.to(self.device)

    def _maybe_compiled(self, work: Any) -> Any:
        return torch.compile(work, mode=self.compile_mode) if self.compiled else work

    def _on_host(self, batches: Sequence[Batch]) -> list[Batch]:
        """The batches as a loader gives them, pinned for a GPU."""
        if self.device.type != "cuda":
            return list(batches)
        return [{name: tensor.pin_memory() for name, tensor in batch.items()} for batch in batches]

    def _copied(self, batch: Batch) -> Batch:
        return copied(batch, self.device)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda")

    def _time(self, work: Callable[[int], object]) -> float:
        return milliseconds(work, self.device, self.steps, self.warmup)


def _updater(model: PreTrainedModel) -> Callable[[], object]:
    """What follows the gradients in a step."""
    weights = list(model.parameters())
    optimiser = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=0.01, fused=True)

    def update() -> None:
        nn.utils.clip_grad_norm_(weights, LARGEST_NORM)
        optimiser.step()

    return update


def _leaves(wanted: torch.Tensor | nn.Module) -> Iterable[torch.Tensor]:
    return wanted.parameters() if isinstance(wanted, nn.Module) else [wanted]
