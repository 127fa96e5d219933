import pytest

from data.wiki.locales import find_locale
from data.wiki.sites import make_site
from data.wiki.wikitext import plain_text


@pytest.mark.parametrize(
    ("language", "numbers"),
    (
        ("en", "1,234 12,345.6 1,234,567 0.5"),
        ("de", "1.234 12.345,6 1.234.567 0,5"),
        ("fr", "1 234 12 345,6 1 234 567 0,5"),
        ("es", "1234 12 345,6 1 234 567 0,5"),
        ("tr", "1.234 12.345,6 1.234.567 0,5"),
        ("ru", "1234 12 345,6 1 234 567 0,5"),
        ("ja", "1,234 12,345.6 1,234,567 0.5"),
        ("hi", "1,234 12,345.6 12,34,567 0.5"),
        ("fa", "1٬234 12٬345٫6 1٬234٬567 0٫5"),
        ("xx", "1,234 12,345.6 1,234,567 0.5"),
    ),
)
def test_formatnum_writes_numbers_as_the_wikis_language_does(language: str, numbers: str) -> None:
    markup = " ".join(f"{{{{formatnum:{number}}}}}" for number in ("1234", "12345.6", "1234567", "0.5"))
    assert plain_text(f"a {markup}", make_site(language)) == f"a {numbers}"


@pytest.mark.parametrize(
    ("language", "name"),
    (
        *(("de", "ZAHLENFORMAT"), ("fr", "formatnombre"), ("es", "FORMATONÚMERO"), ("tr", "BİÇİMNUM")),
        *(("tr", "biçimnum"), ("ru", "ФОРМАТИРОВАТЬ_ЧИСЛО"), ("ja", "数整形"), ("ko", "수형식")),
    ),
)
def test_formatnum_has_a_name_in_the_wikis_language(language: str, name: str) -> None:
    shown = plain_text(f"a {{{{{name}:12345}}}} {{{{{name}:12345|R}}}}", make_site(language))
    assert shown == f"a {find_locale(language).number('12345')} 12345".replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("language", "day", "month"),
    (
        ("en", "May 1, 1999", "May 1999"),
        ("de", "1. Mai 1999", "Mai 1999"),
        ("fr", "1er mai 1999", "mai 1999"),
        ("es", "1 de mayo de 1999", "mayo de 1999"),
        ("tr", "1 Mayıs 1999", "Mayıs 1999"),
        ("ru", "1 мая 1999", "май 1999"),
        ("ja", "1999年5月1日", "1999年5月"),
        ("zh-yue", "1999年5月1日", "1999年5月"),
        ("hu", "1999. május 1.", "1999. május"),
        ("xx", "1999-5-1", "1999-5"),
    ),
)
def test_dates_are_in_the_words_of_the_language(language: str, day: str, month: str) -> None:
    locale = find_locale(language)
    assert (locale.date("1999", "05", "01"), locale.date("1999", "5")) == (day, month)


@pytest.mark.parametrize(
    "date", (("1999", "13", "1"), ("1999", "5", "32"), ("soon", "5", "1"), ("1999", "", "1"))
)
def test_what_is_no_date_is_none(date: tuple[str, str, str]) -> None:
    assert find_locale("en").date(*date) is None
