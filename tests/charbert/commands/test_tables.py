"""Tables on the screen."""

from charbert.commands.tables import format_scores, format_table


def test_texts_stand_left_and_numbers_right() -> None:
    assert format_table(("model", "F1"), [("BERT", 86.7), ("CharBERT", 8.25)], decimals=1).splitlines() == [
        "model       F1",
        "BERT      86.7",
        "CharBERT   8.2",
    ]


def test_an_empty_cell_is_blank_and_a_header_may_lack() -> None:
    assert format_table(("", ""), [("a", None), ("b", 1000)]) == "a\nb  1,000"


def test_numbers_of_all_sizes_may_stand_in_one_column() -> None:
    rows = [(0.00123456,), (0.0,), (12.3456,), (1234567.8,)]
    assert format_table(("x",), rows, decimals=None).split() == ["x", "0.001235", "0", "12.35", "1,234,568"]


def test_scores_have_their_spread_beside_them() -> None:
    numbers = {"dev_f1": 0.5, "dev_f1_std": 0.1, "dev_f1_low": 0.4, "dev_f1_high": 0.6, "steps": 3}
    assert format_scores(numbers) == "dev_f1  0.5000  std 0.1000  95% 0.4000 to 0.6000"
