import pytest

from benchmarks.wikitext import make_pages
from data.wiki.sites import make_site
from data.wiki.wikitext import plain_text

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
    markup = "Katze.[[Datei:Katze|mini|Eine Katze]] [[2001: Odyssee]]"
    assert plain_text(markup, make_site("de")) == "Katze. 2001: Odyssee"


@pytest.mark.parametrize(
    ("language", "markup"),
    (
        ("en", "[[Bild:Foto.jpg|thumb|Eine [[Katze]]]]"),
        ("de", "[[Bild:Foto.jpg|mini|links|Eine Katze]]"),
        ("de", "[[bild: Foto|mini|links|Eine [[Katze]]]]"),
        ("ru", "[[Изображение:Кот.JPEG|мини|[[Кот]]]][[К:Коты]]"),
        ("ja", "[[画像:猫|thumb|猫]]"),
        ("fr", "[[Catégorie:Chats]][[Category:Cats]]"),
        ("en", "[[File:Cat.jpg{{!}}thumb{{!}}A cat]]"),
    ),
)
def test_links_to_files_and_categories_show_nothing_under_any_of_their_names(
    language: str, markup: str
) -> None:
    assert plain_text(f"Eins.\n{markup}\nZwei.", make_site(language)) == "Eins.\n\nZwei."


@pytest.mark.parametrize(
    ("markup", "text"),
    (
        ("The ''Titanic'''s owner", "The Titanic's owner"),
        ("L'''amour'' and '''bold'''", "L'amour and bold"),
        ("the '''bold''' l'''amour''", "the bold l'amour"),
        ("''One'' and ''Two''<ref>x</ref>'s, '''B'''{{ref}}'s", "One and Two's, B's"),
        ("''A''<nowiki/>'s, ''B''{{'}}s, ''C''<nowiki>'</nowiki>s, ''D''&#39;s", "A's, B's, C's, D's"),
        ("the ''[[Republic (Plato)|''Republic'']]'', [[Ship|''Titanic'']]'s", "the Republic, Titanic's"),
        ("four ''''quotes'''' and six ''''''both''''''", "four 'quotes' and six 'both'"),
        ("an ''unclosed line\nand the ''next'''s", "an unclosed line and the next's"),
        ("[[Lista d''e paise]]", "Lista d''e paise"),
    ),
)
def test_apostrophes_of_words_stay_and_those_of_emphasis_go(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    (
        ("See [[doi:10.1000/182|the handbook]].", "See the handbook."),
        ("See [[rfc:2119]] and [[wikt:cat|cat]].", "See rfc:2119 and cat."),
        ("See [[:fr:Chat]] and [[:Datei:Foto.jpg|a photo]].", "See fr:Chat and a photo."),
        ("The odds of [[A{{!}}B]] or P(A{{!}}B).", "The odds of B or P(A|B)."),
        ("At [[Ellipsis|[...]]] and [[one|two|three]].", "At [...] and two|three."),
        ("A thumb|nail is prose.\nSo is this.", "A thumb|nail is prose. So is this."),
        ("See [[https://example.org the site]] and [[//example.org]].", "See the site and."),
        ("x[[fr:Chat]][[zh-min-nan:Niau]][[FR:Chat]]", "x"),
        ("A {{nowrap|1=b = [[c=d|e=f]]}}, {{nowrap|[[a=b]]}}", "A b = e=f, a=b"),
        ("<table><tr><td>a<table><tr><td>1</td></tr></table>b</td></tr></table>2", "2"),
        ("<table><tr><td>open. Two.", "open. Two."),
        ("{|\n| a\n{|\n| b\n|}\n| c\n|}\nProse.", "Prose."),
        ("{{hatnote|\n== A ==\n}}\nProse.", "Prose."),
        ("Text " + "|" * 50 + " {{a" * 150 + " end.", "Text " + "|" * 50 + " a" * 150 + " end."),
        ("{{nowrap|" * 30 + "deep" + "}}" * 30, "deep"),
    ),
)
def test_what_a_reader_sees_is_there_and_nothing_else(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@pytest.mark.parametrize(
    ("language", "markup", "text"),
    (
        ("zh", "用-{zh-hans:计算机; zh-hant:電腦}-。", "用计算机。"),
        ("zh", "用-{zh-tw:電腦;zh-cn:计算机;}-和-{学}-。", "用计算机和学。"),
        ("zh", "-{H|zh-cn:甲;zh-tw:乙}--{T|题}-文-{A|zh-cn:甲;zh-tw:乙}-", "文甲"),
        ("zh", "{{lang|zh|-{zh-cn:[[甲|乙]];zh-tw:丙}-}}-{R|丁}--{zh-hans|戊}-", "乙丁戊"),
        ("sr", "-{Latinica}- и -{sr-el:Beograd; sr-ec:Београд}-", "Latinica и Beograd"),
        ("en", "1-{4-[2-(x)]-y}-phenol and -{zh-hans:a; zh-hant:b}-", "1-{4-[2-(x)]-y}-phenol and a"),
    ),
)
def test_one_variant_of_a_script_is_shown(language: str, markup: str, text: str) -> None:
    assert plain_text(markup, make_site(language)) == text


@pytest.mark.parametrize(
    "switch",
    (
        *("__NOTOC__", "__notoc__", "__NoEditSection__", "__KEIN_INHALTSVERZEICHNIS__", "__БЕЗ_ОГЛ__"),
        *("__無目錄__", "＿＿目次＿＿", "__EXPECTED_UNCONNECTED_PAGE__", "__विषय_सूची_नहीं__"),
    ),
)
def test_behaviour_switches_show_nothing(switch: str) -> None:
    assert plain_text(f"Eins {switch}zwei.") == "Eins zwei."


def test_a_switch_in_small_letters_has_a_line_of_its_own() -> None:
    assert plain_text("Call __init__.\n__ohneinhaltsverzeichnis__\nEnd.") == "Call __init__.\n\nEnd."


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


@pytest.mark.parametrize("unit", make_pages(1_000))
def test_a_page_of_a_million_characters_takes_seconds(unit: str) -> None:
    # One that took quadratic time would not end within the time limit of the runner.
    plain_text(make_pages(1_000_000)[unit], make_site("zh"))
