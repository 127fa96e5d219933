import re

import pytest

from benchmarks.wikitext import find_wrong, make_sentences
from data.wiki.locales import read_rows, read_table
from data.wiki.measures import Values
from data.wiki.sites import make_site
from data.wiki.templates import render_template
from data.wiki.wikitext import plain_text


def shown(markup: str) -> str:
    """What a template leaves between two words."""
    return plain_text(f"a {markup} z").removeprefix("a ").removesuffix(" z")


@pytest.mark.parametrize(
    ("markup", "text"),
    (
        ("{{convert|1300|mi|km}}", "1,300 miles"),
        ("{{convert|1|mi|km}}", "1 mile"),
        ("{{convert|2.5|ft|m|abbr=on}}", "2.5 ft"),
        ("{{cvt|200|acre}}", "200 acres"),
        ("{{convert|5|to|10|km2|sqmi}}", "5 to 10 square kilometres"),
        ("{{convert|60|and(-)|80|kg}}", "60 and 80 kilograms"),
        ("{{convert|15|–|17|in|cm|abbr=on}}", "15–17 in"),
        ("{{convert|1|by|2|x|3|m}}", "1 by 2 by 3 metres"),
        ("{{convert|20|C|F}}", "20 °C"),
        ("{{convert|56|in|mm|adj=on}}", "56-inch"),
        ("{{convert|4|mi|km|adj=mid|-long}}", "4-mile-long"),
        ("{{convert|100|km|mi|sp=us}}", "100 kilometers"),
        ("{{convert|5|ft|11|in|m}}", "5 feet 11 inches"),
        ("{{convert|6|ft|2|in|m|abbr=on}}", "6 ft 2 in"),
        ("{{convert|4+1/2|in|mm}}", "4 1/2 inches"),
        ("{{convert|22|e6acre|km2}}", "22 million acres"),
        ("{{convert|2.1|Moilbbl}}", "2.1 million barrels"),
        ("{{convert|7|blinks}}", "7 blinks"),
        ("{{convert|1500}}", "1,500"),
        ("{{val|6.241|e=18}}", "6.241×10¹⁸"),
        ("{{val|30000|0.5|u=m/s}}", "30,000±0.5 m/s"),
        ("{{val|1.234|(56)|u=kg}}", "1.234(56) kg"),
        ("{{val|9.1093|(28)|e=-31|u=kg}}, {{val|5|0.2|e=3}}", "9.1093(28)×10⁻³¹ kg, (5±0.2)×10³"),
        ("{{val|12|+3|-4}}, {{val|12|3|4|ul=m}}", "12+3−4, 12+3−4 m"),
        ("{{nts|12000.5}}", "12,000.5"),
        ("{{frac|3}}", "1/3"),
        ("{{frac|2|1|3}}", "2 1/3"),
        ("{{1/2}}", "1/2"),
        ("{{percent|1|3|1}}", "33.3%"),
        ("{{percentage|12}}", "12%"),
        ("10{{%}}", "10%"),
        ("{{ordinal|21}}, {{nth|12}}, {{ordinal|3}}", "21st, 12th, 3rd"),
        ("{{roman|1994}}", "MCMXCIV"),
        ("{{pop density|3645257|640081.87|km2|sqmi|prec=1}}", "5.7/km²"),
        ("{{10^|6}} or 5{{e|-3}}", "10⁶ or 5×10⁻³"),
        ("{{track gauge|1435mm}}", "1,435 mm"),
        ("{{chem|C|''n''|H|2''n''}}", "CnH2n"),
    ),
)
def test_numbers_and_measures(markup: str, text: str) -> None:
    assert shown(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    (
        ("{{US$|2 billion}}", "US$2 billion"),
        ("{{GBP|20}}", "£20"),
        ("{{€|5}}", "€5"),
        ("{{INRConvert|3|c}}", "₹3 crore"),
    ),
)
def test_money(markup: str, text: str) -> None:
    assert shown(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    (
        ("{{start date|1999|12|03}}", "December 3, 1999"),
        ("{{start date|1999|12|03|df=y}}", "3 December 1999"),
        ("{{start date|1999|12}}", "December 1999"),
        ("{{dts|1999}}", "1999"),
        ("{{birth date and age|1950|2|1}}", "February 1, 1950"),
        ("{{death date and age|1865|4|15|1809|2|12}}", "April 15, 1865 (aged 56)"),
        ("{{age|1900|6|2|1950|6|1}}", "49"),
        ("{{as of|2014|lc=y}}", "as of 2014"),
        ("{{As of|2014|5|since=y}}", "Since May 2014"),
        ("{{circa|1500}}", "c. 1500"),
        ("{{c.|1500|1550}}", "c. 1500 – 1550"),
        ("{{fl.|1200}}", "fl. 1200"),
        ("{{r.|1000|1020}}", "r. 1000 – 1020"),
        ("{{b.|1900}}", "b. 1900"),
        ("{{OldStyleDate|February 2|1905|January 20}}", "February 2 [O.S. January 20] 1905"),
    ),
)
def test_dates(markup: str, text: str) -> None:
    assert shown(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    (
        ("{{lang-de|[[Wort]]}}", "German: Wort"),
        ("{{lang-grc-gre|λόγος}}", "Ancient Greek: λόγος"),
        ("{{lang-de|Wort|label=none}}", "Wort"),
        ("{{langx|ru|слово|slovo|word}}", "Russian: слово, romanized: slovo, lit. 'word'"),
        ("{{lang-tlh|Qapla}}", "Qapla"),
        (
            "{{zh|s=汉字|t=漢字|p=hànzì}}",
            "simplified Chinese: 汉字; traditional Chinese: 漢字; pinyin: hànzì",
        ),
        ("{{korean|hangul=한국|rr=Hanguk}}", "Korean: 한국; RR: Hanguk"),
        ("{{transl|ar|al-Jazā'ir}}", "al-Jazā'ir"),
        ("{{transl|ar|ALA|al-Jazā'ir}}", "al-Jazā'ir"),
        ("{{nihongo|bayonet|銃剣|jūken}}", "bayonet (銃剣, jūken)"),
        ("{{nihongo2|銃剣}}", "銃剣"),
        ("{{nihongo3|bayonet|銃剣|jūken}}", "jūken (銃剣, bayonet)"),
        ("{{script/Hebrew|אב}}", "אב"),
        ("{{gloss|word}}", "‘word’"),
    ),
)
def test_other_languages(markup: str, text: str) -> None:
    assert shown(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    (
        ("{{USS|Hornet|CV-12}}", "USS Hornet (CV-12)"),
        ("{{USS|Hornet|CV-12|6}}", "Hornet (CV-12)"),
        ("{{HMS|Victory||2}}", "Victory"),
        ("{{ship|Japanese battleship|Yamato}}", "Japanese battleship Yamato"),
        ("{{sclass|Nimitz|aircraft carrier}}", "Nimitz-class aircraft carrier"),
        ("{{ill|Anna Bohn|de}}", "Anna Bohn"),
        ("{{ill|de|Schule|the school}}", "the school"),
        ("{{abbr|UN|United Nations}}", "UN"),
        ("{{sic|recieve}}", "recieve [sic]"),
        ("{{sic|recieve|hide=y}}", "recieve"),
        ("{{not a typo|teh}}", "teh"),
        ("{{bibleverse|1|Kings|3:25}}", "1 Kings 3:25"),
        ("B{{music|flat}}", "B♭"),
        ("2{{pi}}", "2π"),
        ("1{{ndash}}2{{snd}}3{{mdash}}4", "1–2 – 3—4"),
        ("ab{{zwj}}cd", "abcd"),
        ("dogs{{'}}", "dogs'"),
        ("Hawai{{okina}}i, {{ayin}}Ali, su{{hamza}}al", "Hawaiʻi, ʿAli, suʾal"),
        ("{{sortname|Anna|Bohn|nolink=1}}, {{sortname|Ann|Lee|Ann Lee (poet)}}", "Anna Bohn, Ann Lee"),
        ("{{sort|Titanic|''The Titanic''}}", "The Titanic"),
    ),
)
def test_names_and_characters(markup: str, text: str) -> None:
    assert shown(markup) == text


@pytest.mark.parametrize(
    "markup",
    (
        "{{sfn|Smith|2001}}",
        "{{cite book|title=T}}",
        "{{coord|1|N|2|E}}",
        "{{IPAc-en|k}}",
        "{{age|1969|7|20}}",
    ),
)
def test_what_is_no_word_of_the_sentence_is_dropped(markup: str) -> None:
    assert plain_text(f"a {markup} z") == "a z"


def test_a_value_that_makes_no_sense_is_shown_as_it_is() -> None:
    assert shown("{{start date|soon}} {{roman|many}} {{convert|some|km}}") == "soon many some kilometres"


# What is wrong needs what no dump says: today's date, the number of inhabitants, Japanese eras.
MOST_WRONG = 7


@pytest.mark.parametrize("language", make_sentences())
def test_of_100_sentences_a_language_most_are_as_a_reader_sees_them(language: str) -> None:
    sentences = make_sentences()[language]
    wrong = find_wrong(language, sentences)
    print(f"{language}: {len(sentences) - len(wrong)} of {len(sentences)} sentences are right")
    assert len(set(sentences)) == 100
    assert len(wrong) <= MOST_WRONG, "\n".join(sentence.parts for sentence in wrong)


@pytest.mark.parametrize(
    ("language", "markup", "text"),
    (
        ("de", "{{Höhe|4478|CH}}, {{frS|Cervin}}, {{Zahl|1000}}", "4478 m ü. M., französisch Cervin, 1.000"),
        (
            "fr",
            "{{unité|10|km|2}}, {{s|XX}}, {{2e|ville}}, {{nombre|12000}}",
            "10 km², XXe siècle, 2e ville, 12 000",
        ),
        (
            "es",
            "{{fecha|1|5|1990}}, {{siglo|I|d|s}}, {{unidad|9000|m}}",
            "1 de mayo de 1990, siglo I d. C., 9000 m",
        ),
        (
            "tr",
            "{{doğum tarihi|1881|5|19}}, {{yüzyıl|5}}, {{lang-la|urbs}}",
            "19 Mayıs 1881, 5. yüzyıl, Latince: urbs",
        ),
        ("ru", "{{нп5|Порт|порт|en|Port}}, {{lang-ja|市}}, {{num|10000}}", "порт, яп. 市, 10 000"),
        ("ja", "{{仮リンク|港|en|Port}}、{{lang-fr|ville}}、{{円|10000}}", "港、フランス語: ville、10,000円"),
        (
            "pl",
            "{{lang-en|town}}, {{convert|1500|km}}, {{birth date|1990|5|1}}",
            "town, 1500 km, 1 maja 1990",
        ),
    ),
)
def test_templates_of_other_languages(language: str, markup: str, text: str) -> None:
    assert plain_text(f"a {markup} z", make_site(language)) == f"a {text} z"


def test_a_template_of_one_language_is_none_of_another() -> None:
    assert plain_text("a {{s|XX}} z", make_site("fr")) == "a XXe siècle z"
    assert plain_text("a {{s|XX}} z", make_site("ru")) == "a XX z"


def test_every_row_of_the_table_can_be_shown() -> None:
    languages = set()
    for language, _, names in read_rows("templates")[1:]:
        languages.add(language)
        for name in names.split(", "):
            assert name == name.lower().strip() != ""
            if not name.startswith("/"):
                site = make_site("de" if language == "*" else language)
                assert render_template(name, lambda: Values(str, {"0": "name"}), site) is not None, name
            else:
                assert re.compile(name[1:-1])
    assert languages == {"*", "en", "de", "fr", "es", "tr", "ru", "ja"}


def test_names_of_languages_have_a_column_for_each_wiki() -> None:
    header, *rows = read_rows("languages")
    assert all(len(row) == len(header) for row in rows)
    assert read_table("languages")["fr"][header.index("ru") - 1] == "фр."


def test_a_value_may_hold_what_looks_like_a_field() -> None:
    text = plain_text("Die Menge {{grS|α|{1} und so|de=alpha}} ist leer.", make_site("de"))
    assert text == "Die Menge griechisch α, {1} und so, ‚alpha‘ ist leer."
