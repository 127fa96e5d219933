"""Words of other languages, with the labels that Wikipedia puts before them."""

from collections.abc import Callable

from data.wiki.measures import Values

_LANGUAGE_TABLE = """
af Afrikaans, am Amharic, ang Old English, ar Arabic, az Azerbaijani, be Belarusian, ber Berber, bg
Bulgarian, bn Bengali, br Breton, bs Bosnian, ca Catalan, cs Czech, cy Welsh, da Danish, de German, el
Greek, en English, eo Esperanto, es Spanish, et Estonian, eu Basque, fa Persian, fi Finnish, fr French,
fy West Frisian, ga Irish, gd Scottish Gaelic, gl Galician, grc Ancient Greek, gu Gujarati, haw Hawaiian,
he Hebrew, hi Hindi, hr Croatian, hu Hungarian, hy Armenian, id Indonesian, is Icelandic, it Italian, ja
Japanese, ka Georgian, kk Kazakh, km Khmer, kn Kannada, ko Korean, ku Kurdish, ky Kyrgyz, la Latin, lb
Luxembourgish, lt Lithuanian, lv Latvian, mi Māori, mk Macedonian, ml Malayalam, mn Mongolian, mr
Marathi, ms Malay, mt Maltese, my Burmese, nah Nahuatl, nb Norwegian, ne Nepali, nl Dutch, nn Norwegian
Nynorsk, no Norwegian, non Old Norse, oc Occitan, pa Punjabi, pl Polish, ps Pashto, pt Portuguese, qu
Quechua, ro Romanian, ru Russian, rus Russian, sa Sanskrit, scn Sicilian, si Sinhala, sk Slovak, sl
Slovene, sq Albanian, sr Serbian, sv Swedish, sw Swahili, syr Syriac, ta Tamil, te Telugu, tg Tajik, th
Thai, tl Tagalog, tr Turkish, uk Ukrainian, ur Urdu, uz Uzbek, vi Vietnamese, yi Yiddish, zu Zulu
"""
_LANGUAGES = dict(entry.split(maxsplit=1) for entry in _LANGUAGE_TABLE.strip().replace("\n", " ").split(","))
_CHINESE = {
    "s": "simplified Chinese",
    "t": "traditional Chinese",
    "c": "Chinese",
    "p": "pinyin",
    "w": "Wade–Giles",
    "j": "Jyutping",
    "cy": "Cantonese Yale",
    "poj": "Pe̍h-ōe-jī",
}
_KOREAN = {"hangul": "Korean", "hanja": "Hanja", "rr": "RR", "mr": "MR"}


def labelled(language: str, values: Values, first: int) -> str:
    """A word with the name of its language, as {{lang-xx}} and {{langx|xx}} show it."""
    label = (
        "" if values["label"] == "none" else values["label"] or _LANGUAGES.get(language.partition("-")[0], "")
    )
    romanised = values["translit"] or values[f"{first + 1}"]
    meaning = values["lit"] or values["translation"] or values[f"{first + 2}"]
    parts = [f"{label}: {values[f'{first}']}" if label else values[f"{first}"]]
    parts += [f"romanized: {romanised}"] * bool(romanised) + [f"lit. '{meaning}'"] * bool(meaning)
    return ", ".join(parts)


def _scripts(labels: dict[str, str]) -> Callable[[Values], str]:
    def text(values: Values) -> str:
        parts = [f"{label}: {values[key]}" for key, label in labels.items() if values[key]]
        meaning = values["l"] or values["lit"]
        parts += [f"lit. '{meaning}'"] * bool(meaning)
        return "; ".join(parts) or values["1"]

    return text


chinese = _scripts(_CHINESE)
korean = _scripts(_KOREAN)
