"""Templates in no table: what they leave in a sentence."""

from collections import Counter

import pytest

from data.wiki.sites import make_site
from data.wiki.wikitext import plain_text


@pytest.mark.parametrize(
    ("markup", "text"),
    (
        ("The bridge is {{metres|33}} high.", "The bridge is 33 high."),
        ("It ({{odd name|the ''old'' [[Bridge (thing)|bridge]]}}) fell.", "It (the old bridge) fell."),
        ("{{Odd|The bridge|x=1}} is old.", "The bridge is old."),
        ("It fell on {{day|3|10|1990}} at last.", "It fell on October 3, 1990 at last."),
        ("It has {{count|5|m}} and {{count|7|8|9}} of it.", "It has 5 and 7 of it."),
        ("It is a {{word|fr|pont}} of stone.", "It is a pont of stone."),
        (
            "A {{nowrap|{{odd|red}} door}} and {{odd|the {{odder|blue}} one}} stay.",
            "A red door and the blue one stay.",
        ),
    ),
)
def test_inside_of_a_sentence_the_first_value_stays(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@pytest.mark.parametrize(
    "template",
    (
        *("{{odd}}", "{{odd|a=b}}", "{{odd||b}}", "{{odd|–}}", "{{odd|http://example.org}}", "{{odd|A.ogg}}"),
        *("{{sfn|Smith|2001}}", "{{Cite book|Title}}", "{{IPA-de|x}}", "{{Infobox town|Town}}", "{{main|A}}"),
        *("{{#tag:ref|Note}}", "{{DEFAULTSORT:A|B}}", "{{odd|one\ntwo}}", "{{clarify span|a}}"),
    ),
)
def test_what_is_no_text_of_the_sentence_leaves_nothing(template: str) -> None:
    assert plain_text(f"It is {template} here.") == "It is here."


@pytest.mark.parametrize(
    ("markup", "text"),
    (
        ("{{Odd|Title}}\nProse.", "Prose."),
        ("{{Odd|Title}}'''Prose''' goes on.", "Prose goes on."),
        ("A word{{odd|Smith|2001}} and an end.{{odd|Smith}}", "A word and an end."),
        ("The end. {{odd|Smith}}", "The end."),
        ("== {{odd|Title}} of it ==\n* an item {{odd|x}}\nProse.", "Prose."),
        ("{|\n| a {{odd|cell}} of it\n|}\n{{Infobox|a = see {{odd|x}} here}}\nProse.", "Prose."),
    ),
)
def test_notes_blocks_headings_and_tables_leave_nothing(markup: str, text: str) -> None:
    counts: Counter[str] = Counter()
    assert plain_text(markup, unknown=counts) == text
    assert not counts


def test_where_no_spaces_are_set_a_template_follows_a_word_at_once() -> None:
    assert plain_text("これは{{未知|古い橋|en}}である。", make_site("ja")) == "これは古い橋である。"
    assert plain_text("นี่คือ{{odd|สะพาน}}เก่า", make_site("th")) == "นี่คือสะพานเก่า"


def test_those_that_stay_are_counted_by_name() -> None:
    counts = Counter({"odd": 1})
    plain_text("A {{odd|x}} b {{Odd_name|y}} c {{sfn|z}} d {{odd}}.\n\nThe {{odd|w}} end.", unknown=counts)
    assert counts == {"odd": 3, "Odd name": 1}


def test_text_of_a_page_may_hold_what_marks_templates() -> None:
    assert plain_text("A \x03 word \x041\x05 and {{odd|x\x04\x05}} y.") == "A word 1 and x y."
