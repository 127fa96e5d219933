"""Results as a table on the screen."""

from collections.abc import Mapping
from typing import Any

SPLITS = ("dev_", "test_")
SPREAD = ("_std", "_low", "_high")


def results_table(numbers: Mapping[str, Any]) -> str:
    """The scores of `results.json`, a line each; over several seeds with deviation and interval."""
    rows = [("score", "", "", "")]
    for name, value in numbers.items():
        if not name.startswith(SPLITS) or name.endswith(SPREAD):
            continue
        spread = [numbers.get(f"{name}{ending}") for ending in SPREAD]
        if spread[0] is None:
            rows.append((name, f"{value:.4f}", "", ""))
        else:
            deviation, low, high = spread
            rows.append((name, f"{value:.4f}", f"std {deviation:.4f}", f"95% {low:.4f} to {high:.4f}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows[1:]
    ]
    return "\n".join(lines)
