"""Methods that train a part of the model's own parameters in place: BitFit, and freezing the rest."""

from abc import ABC, abstractmethod
from typing import Any

from charbert.errors import CharBertError
from charbert.tuning.delta import Delta, encoder_of, head_names, require_charbert, require_layers


class _Subset(Delta, ABC):
    """Trains parameters of the model itself, so that nothing is to be merged."""

    mergeable = True

    @abstractmethod
    def is_trained(self, model: Any, name: str) -> bool:
        """Whether a parameter of the encoder is, by its name in there without `backbone.`."""

    def trained(self, model: Any) -> list[str]:
        inside = {id(weight): name for name, weight in encoder_of(model).named_parameters()}
        head = set(head_names(model))
        return [
            name
            for name, weight in model.named_parameters()
            if name not in head and self.is_trained(model, inside[id(weight)].removeprefix("backbone."))
        ]


class BitFit(_Subset):
    """All biases, of norms, convolutions and the GRU too (Ben Zaken et al. 2022)."""

    def is_trained(self, model: Any, name: str) -> bool:
        return name.rpartition(".")[2].startswith("bias")


class Freeze(_Subset):
    """`head`, `layers:K` or `all-but-characters`."""

    def check(self, model: Any) -> None:
        kind, _, number = self.settings.freeze.partition(":")
        if kind == "all-but-characters":
            require_charbert(model, f"--freeze {kind}")
        if kind == "layers" and int(number) > (count := len(require_layers(model))):
            raise CharBertError(f"--freeze layers:{number}: the model has {count} layers")

    def is_trained(self, model: Any, name: str) -> bool:
        kind, _, number = self.settings.freeze.partition(":")
        part, *rest = name.split(".")
        if kind == "all-but-characters":
            return part in ("char_encoder", "interactions")
        if kind == "head" or part in ("embeddings", "char_encoder"):
            return False
        if part == "interactions":
            return self._is_used_above(model, int(rest[0]), int(number))
        if part == "encoder":  # what is in no layer comes before them
            return rest[0] == "layer" and int(rest[1]) >= int(number)
        return True

    def _is_used_above(self, model: Any, interaction: int, frozen: int) -> bool:
        """Whether a layer that is trained comes before an interaction, which may serve several."""
        layers, interactions = len(require_layers(model)), len(encoder_of(model).interactions)
        return any(layer % interactions == interaction for layer in range(frozen, layers))
