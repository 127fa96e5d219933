from collections.abc import Callable
from typing import Any

from benchmarks.wikitext import make_pages


def test_every_page_is_timed_at_three_sizes(run: Callable[..., Any]) -> None:
    numbers, shown = run("wikitext", "--characters", "1000")
    rows = numbers["wikitext"]
    assert [row["repeated"] for row in rows] == list(map(repr, make_pages(1000)))
    for row in rows:
        assert row["4n / 2n"] == row["4,000"] / row["2,000"]
    assert "4n / 2n" in shown
