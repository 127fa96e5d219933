"""Registration with transformers' Auto classes as soon as they are imported, and not before."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

# All Auto classes import it.
AUTO_CLASSES = "transformers.models.auto.configuration_auto"
_WATCHED = ("charbert", "transformers")


def register_once_imported() -> None:
    """Register CharBERT with the Auto classes: now if they are imported already, else when they are."""
    if AUTO_CLASSES in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _Registration())


def _register() -> None:
    from charbert.auto import register

    register()


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
        others = (finder for finder in sys.meta_path if finder is not self)
        specs = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is None or spec.loader is None:
            return spec
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

        spec.loader.exec_module = execute_counted  # type: ignore[method-assign]
        return spec
