"""Registration with transformers' Auto classes and with peft as soon as they are imported, and not before."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from charbert.tuning.methods import IA3_FEEDFORWARD, IA3_TARGETS, LORA_TARGETS

# All Auto classes import it.
AUTO_CLASSES = "transformers.models.auto.configuration_auto"
_WATCHED = ("charbert", "transformers")
# Where peft keeps, by kind of model, the modules that a method adapts if none are named.
PEFT_TARGETS = "peft.utils.constants"


def register_once_imported() -> None:
    """Register CharBERT with the Auto classes and peft: now if they are imported, else when they are."""
    if AUTO_CLASSES in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _Registration())
    if hasattr(sys.modules.get(PEFT_TARGETS), "TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING"):
        _add_peft_targets(sys.modules[PEFT_TARGETS])
    else:
        sys.meta_path.insert(0, _PeftTargets())


def _register() -> None:
    from charbert.auto import register

    register()


def _add_peft_targets(module: ModuleType) -> None:
    for table, names in (
        ("LORA_TARGET", LORA_TARGETS),
        ("IA3_TARGET", IA3_TARGETS),
        ("IA3_FEEDFORWARD", IA3_FEEDFORWARD),
    ):
        targets = getattr(module, f"TRANSFORMERS_MODELS_TO_{table}_MODULES_MAPPING", {})
        targets["charbert"] = list(names)


def _find_spec(finder: MetaPathFinder, *wanted: Any) -> Any:
    """The spec that the other finders give, if it can be executed."""
    specs = (other.find_spec(*wanted) for other in sys.meta_path if other is not finder)
    spec = next((spec for spec in specs if spec is not None), None)
    return spec if spec is not None and spec.loader is not None else None


class _PeftTargets(MetaPathFinder):
    """Waits for peft's table of target modules, and adds those of a CharBERT to it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the other finders give, with a loader that adds to the table."""
        if fullname != PEFT_TARGETS or (spec := _find_spec(self, fullname, path, target)) is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_add(module: ModuleType) -> None:
            execute(module)
            _add_peft_targets(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)

        spec.loader.exec_module = execute_and_add
        return spec


class _Registration(MetaPathFinder):
    """Watches imports of this package and of transformers, and registers after the one that is the outermost.

    Registering imports all models, for which no module of either package may be imported in part.
    """

    def __init__(self) -> None:
        self._depth = 0

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the other finders give, with a loader that counts."""
        if fullname.partition(".")[0] not in _WATCHED:
            return None
        if (spec := _find_spec(self, fullname, path, target)) is None:
            return None
        execute = spec.loader.exec_module

        def execute_counted(module: ModuleType) -> None:
            self._depth += 1
            try:
                execute(module)
            finally:
                self._depth -= 1
            if not self._depth and AUTO_CLASSES in sys.modules and self in sys.meta_path:
                sys.meta_path.remove(self)
                _register()

        spec.loader.exec_module = execute_counted
        return spec
