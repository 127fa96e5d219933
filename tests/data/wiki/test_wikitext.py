import time

import pytest

from data.wiki.wikitext import MarkupError, plain_text

REMNANTS = ("{{", "}}", "[[", "]]", "<ref", "{|", "|}", "thumb|", "( )", "()", "(,")


@pytest.mark.parametrize(
    ("markup", "text"),
    (
        ("'''Bold''' and ''italic'' words.", "Bold and italic words."),
        (
            "A [[link]], a [[page (thing)|named link]], [[:Category:Cats]].",
            "A link, a named link, Category:Cats.",
        ),
        ("See [https://example.org the site] and [https://example.org].", "See the site and."),
        ("One&nbsp;two &ndash; caf&eacute; &amp; &#966;&#x3c6;.", "One two – café & φφ."),
        ("Before<!-- never\nshown --> after.", "Before after."),
        ('Fact.<ref>{{cite|t=T}}</ref><ref name=a/> Next.<ref name="b">x</ref>', "Fact. Next."),
        ('<span class="x">Inside</span> of <em>tags</em>.', "Inside of tags."),
        ("Line one<br/>line two.", "Line one line two."),
        ("H<sub>2</sub>O, 10<sup>−3</sup> m<sup>2</sup>, the 19<sup>th</sup>.", "H2O, 10⁻³ m², the 19th."),
        ("Here <math>n</math> is odd<math>\\frac{1}{2}</math>.", "Here n is odd."),
        ("Write <nowiki>'''no'''</nowiki> markup.", "Write '''no''' markup."),
        ("If a < b and c > d.", "If a < b and c > d."),
        ("Some   spaces\tand a single\nline end.", "Some spaces and a single line end."),
    ),
)
def test_inline_markup_leaves_what_a_reader_sees(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    (
        ("{{formatnum:1234567}}", "1,234,567"),
        ("{{lang|fr|''mot''}}", "mot"),
        ("{{nihongo|'''Aikido'''|合気道|aikidō|lead=yes}}", "Aikido (合気道, aikidō)"),
        ("{{nowrap|{{lang|la|ab ovo}}}}", "ab ovo"),
        ("{{citation needed|date=May 2015}}", ""),
        ("{{Convert|{{formatnum:1300}}|mi|km}}", "1,300 miles"),
    ),
)
def test_templates_of_a_sentence_become_its_words(markup: str, text: str) -> None:
    assert plain_text(f"It is {markup}x.") == f"It is {text}x."


def test_paragraphs_are_separated_by_a_blank_line() -> None:
    assert plain_text("One,\nstill one.\n\n\n \nTwo.<p>Three.</p>") == "One, still one.\n\nTwo.\n\nThree."


def test_quotations_are_paragraphs() -> None:
    markup = "He said:\n:Indented.\n{{quote|A template.}}\n<blockquote>A tag.</blockquote>"
    assert plain_text(markup) == "He said:\n\nIndented.\n\nA template.\n\nA tag."


@pytest.mark.parametrize(
    "block",
    (
        "== Heading ==",
        "* item [[one]]\n** item two\n# item three\n; term\n:* nested",
        "{| class=wikitable\n! head\n|-\n| cell || cell\n{|\n| inner\n|}\n|}",
        "<table><tr><td>cell</td></tr></table>",
        "[[File:Cat.jpg|thumb|left|A [[cat]] on a [[mat]].]]",
        "<gallery>\nCat.jpg|A cat\n</gallery>",
        "{{Infobox cat\n| name = Tom\n| kind = {{lang|en|tabby}}\n}}",
        "[[Category:Cats]]\n[[fr:Chat]]\n[[simple:Cat]]\n[[zh-min-nan:Niau]]",
        "<references>\n<ref name=a>Book.</ref>\n</references>\n{{reflist}}",
        "<pre>code</pre>\n<syntaxhighlight lang=c>int i;</syntaxhighlight>",
        "----",
    ),
)
def test_what_is_no_prose_is_dropped(block: str) -> None:
    assert plain_text(f"Before.\n{block}\nAfter.") == "Before.\n\nAfter."


@pytest.mark.parametrize(
    ("markup", "text"),
    (
        ("Cat ({{IPAc-en|k|æ|t}}) is.", "Cat is."),
        ("Cat ({{IPAc-en|k}}; {{audio}}) is.", "Cat is."),
        ("Cat ({{IPAc-en|k}}; ''felis''; {{audio}}) is.", "Cat (felis) is."),
        ("Born {{x}}, in {{x}}, {{x}}, May {{x}}.", "Born, in, May."),
    ),
)
def test_removed_templates_leave_no_punctuation_behind(markup: str, text: str) -> None:
    assert plain_text(markup) == text


def test_links_of_the_wikis_own_namespaces_are_dropped() -> None:
    assert plain_text("Katze.[[Datei:Katze.jpg|mini|Eine Katze]] [[2001: Odyssee]]", {"datei"}) == (
        "Katze. 2001: Odyssee"
    )


@pytest.mark.parametrize(
    "markup",
    (
        "Text. {{Infobox\n| name = Tom\n| kind = cat\nMore.",
        "Text.\n[[File:Cat.jpg|thumb|A [[cat]]\nMore.",
        "Text. {|\n| cell\n|-\n! head || head\nMore.",
        "Text. }} ]] |} More.",
        "Text. <ref name=x>More.",
        "Text. [[page|More.",
        "Text. <ref name=\nMore.",
        "Text. {{a|[[b|{{c}}\n\nMore.",
    ),
)
def test_unbalanced_markup_leaves_no_remnants(markup: str) -> None:
    text = plain_text(markup)
    assert text.startswith("Text.")
    assert not [remnant for remnant in REMNANTS if remnant in text]


@pytest.mark.parametrize("unit", ("{{a|", "[[a|", "{|\n|-\n|a\n", "[http://a "))
def test_markup_that_would_take_the_parser_hours_is_an_error(unit: str) -> None:
    with pytest.raises(MarkupError, match="open at once"):
        plain_text(unit * 10_000)


@pytest.mark.parametrize(
    "unit",
    ("<ref>", "<div a=", "<!--", "<nowiki>", "(", " ,", "= a\n", "'", "word. ", "word.\n\n", "|\n", "}}"),
)
def test_a_page_of_a_megabyte_takes_seconds(unit: str) -> None:
    started = time.monotonic()
    plain_text(unit * (1_000_000 // len(unit)))
    assert time.monotonic() - started < 20
