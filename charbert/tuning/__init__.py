"""Delta tuning: a CharBERT or a plain BERT adapted by training a fraction of it, saved without the rest."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from charbert.tuning.delta import Delta
    from charbert.tuning.methods import TUNINGS, register_tuning
    from charbert.tuning.model import add_delta, merge_delta, trainable_table, use_delta
    from charbert.tuning.saving import load_delta, save_delta
    from charbert.tuning.settings import TuningSettings

__all__ = [
    "TUNINGS",
    "Delta",
    "TuningSettings",
    "add_delta",
    "load_delta",
    "merge_delta",
    "register_tuning",
    "save_delta",
    "trainable_table",
    "use_delta",
]
_MODULES = {
    "delta": ("Delta",),
    "methods": ("TUNINGS", "register_tuning"),
    "saving": ("load_delta", "save_delta"),
    "settings": ("TuningSettings",),
}

if not TYPE_CHECKING:

    def __getattr__(name):
        """A name of `__all__`, imported where it is used first: the settings of a command need no torch."""
        if name not in __all__:
            raise AttributeError(f"module 'charbert.tuning' has no attribute {name!r}")
        module = next((module for module, names in _MODULES.items() if name in names), "model")
        value = getattr(import_module(f"charbert.tuning.{module}"), name)
        globals()[name] = value
        return value

    def __dir__():
        return sorted({*globals(), *__all__})
