"""Tables on the screen: the printer of all commands and benchmarks."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

SPLITS = ("dev_", "test_")
UNDEFINED = "none: labels or predictions are all the same"
SPREAD = ("_std", "_low", "_high")


def format_table(header: Sequence[str], rows: Sequence[Sequence[Any]], decimals: int | None = 4) -> str:
    """Lines of aligned columns: texts at the left, numbers at the right, under a header (if it has any text).

    Args:
        header: names of the columns.
        rows: their cells; None is an empty one.
        decimals: digits after the point of a float; if None, four significant digits at least.
    """
    cells = [[_format_cell(cell, decimals) for cell in row] for row in rows]
    lines = [list(header), *cells] if any(header) else cells
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    is_number = [
        all(cell is None or isinstance(cell, int | float) for cell in column)
        for column in zip(*rows, strict=True)
    ]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, is_number or [False] * len(widths), strict=True)
        ).rstrip()
        for line in lines
    )


def format_scores(numbers: Mapping[str, Any]) -> str:
    """The scores of a `results.json`, a line each; over several seeds with deviation and interval."""
    rows = []
    for name, value in numbers.items():
        if not name.startswith(SPLITS) or name.endswith(SPREAD):
            continue
        if value is None:
            rows.append((name, UNDEFINED, "", ""))
            continue
        deviation, low, high = (numbers.get(f"{name}{ending}") for ending in SPREAD)
        spread = () if deviation is None else (f"std {deviation:.4f}", f"95% {low:.4f} to {high:.4f}")
        rows.append((name, f"{value:.4f}", *spread, *[""] * (2 - len(spread))))
    return format_table(("", "", "", ""), rows)


def _format_cell(cell: Any, decimals: int | None) -> str:
    if isinstance(cell, float):
        if decimals is None:
            decimals = max(0, 3 - math.floor(math.log10(abs(cell)))) if cell else 0
        return f"{cell:,.{decimals}f}"
    if isinstance(cell, int):
        return f"{cell:,}"
    return "" if cell is None else str(cell)
