"""Tables on the screen: the printer of all commands (benchmarks print theirs row by row, see `frame`)."""

from collections.abc import Mapping, Sequence
from typing import Any

SPLITS = ("dev_", "test_")
SPREAD = ("_std", "_low", "_high")


def format_table(header: Sequence[str], rows: Sequence[Sequence[Any]], decimals: int = 4) -> str:
    """Lines of aligned columns: texts at the left, numbers at the right, under a header (if it has any text).

    Args:
        header: names of the columns.
        rows: their cells; None is an empty one.
        decimals: digits after the point of a float.
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
        deviation, low, high = (numbers.get(f"{name}{ending}") for ending in SPREAD)
        spread = () if deviation is None else (f"std {deviation:.4f}", f"95% {low:.4f} to {high:.4f}")
        rows.append((name, f"{value:.4f}", *spread, *[""] * (2 - len(spread))))
    return format_table(("", "", "", ""), rows)


def _format_cell(cell: Any, decimals: int) -> str:
    if cell is None:
        return ""
    return (
        f"{cell:,.{decimals}f}"
        if isinstance(cell, float)
        else f"{cell:,}"
        if isinstance(cell, int)
        else str(cell)
    )
