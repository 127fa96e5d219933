"""`charbert.correct`: the misspelled words are replaced, and nothing else."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
import tiny
from small_correction import WORDS, model_that_says, saved_model

import charbert
from charbert import CharBertError, Corrector, Vocabulary, correct
from charbert.correction.corrector import CorrectedWord, Correction
from charbert.correction.reader import WordReader
from charbert.correction.rule import Weights

# Whatever the weights: each word that is judged and has a suggestion is replaced.
ALL = 0.0
WEIGHTS = Weights(head=1.0, rank=0.0, edit=1.0, unseen=-8.0, letter=0.0, misfit=0.0)
PARTS = (
    *(
        "brwon",
        "lzay",
        "Brwon",
        "BRWONE",
        "teh",
        " ",
        "\t",
        "\r\n",
        "\x0b",
        "\x85",
        "\u00a0",
        "\u2028",
        "\x00",
    ),
    *(
        "\u00ad",
        "\u200b",
        "\u200d",
        "\ufeff",
        "\ufe0f",
        "\u0301",
        "é",
        "İ",
        "ß",
        "ﬁ",
        "Ⅳ",
        "漢",
        "ا",
        "ก็",
        "🙂",
    ),
    *("👩‍💻", "\ud83d", "\udc00", "'", "’t", "-", ".", "12", "_", "@", "[MASK]", "[SEP]", "<s>", "<mask>"),
)
TEXT = '  The quick brwon\tfox , "jumps"\r\nover🙂 the\u00a0lzay dog…  Brwon? BRWONE! '


@pytest.fixture
def model(kind: str) -> Any:
    return model_that_says(kind, brown=0.9, lazy=0.05, dog=0.03)


def restored(word: CorrectedWord) -> tuple[str, str]:
    return word.word, word.correction


def test_misspelled_words_are_replaced_in_their_letter_case_and_the_rest_stays(model: Any) -> None:
    found = correct(TEXT, *model, threshold=ALL)
    pairs = (("brwon", "brown"), ("lzay", "lazy"), ("Brwon", "Brown"), ("BRWONE", "BROWN"))
    assert [restored(word) for word in found.words] == list(pairs)
    wanted = TEXT
    for wrong, right in pairs:
        wanted = wanted.replace(wrong, right)
    assert found.text == wanted


def test_places_are_those_in_the_text_given(model: Any) -> None:
    found = correct(TEXT, *model, threshold=ALL)
    assert len(found.words) == 4
    assert all(TEXT[word.start : word.end] == word.word for word in found.words)


def test_suggestions_come_with_their_probabilities_likeliest_first(kind: str) -> None:
    model = model_that_says(kind, **{"from": 0.6, "form": 0.3})
    corrector = Corrector(*model, weights=Weights(head=1.0, context=0.0))
    [word] = corrector(["a fom"], threshold=ALL)[0].words
    probabilities = [suggestion.probability for suggestion in word.suggestions]
    assert [suggestion.word for suggestion in word.suggestions][:2] == ["from", "form"]
    assert word.correction == "from"
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0 < sum(probabilities) < 1


def test_the_model_is_not_asked_about_a_word_that_stays_whatever_it_says(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    score_words = WordReader.score_words

    def spy(self: Any, texts: Any, is_wanted: Any) -> Any:
        for word, scores in score_words(self, texts, is_wanted):
            asked.append(texts[word.text][word.start : word.end])
            yield word, scores

    monkeypatch.setattr(WordReader, "score_words", spy)
    # At most 0.02 for "Dogma", which looks like a name, 0.05 for "doggy", 0.97 for "brwon".
    [found] = Corrector(*model, weights=WEIGHTS)(["the xylophone Dogma doggy brwon"], threshold=0.95)
    assert asked == ["brwon"]
    assert found.text == "the xylophone Dogma doggy brown"


def test_no_more_suggestions_than_asked_for(kind: str) -> None:
    model = model_that_says(kind, **{"from": 0.6, "form": 0.3})
    [word] = correct("a fom", *model, top_k=1, threshold=ALL).words
    assert len(word.suggestions) == 1


def test_a_higher_threshold_replaces_what_is_surer_alone(model: Any) -> None:
    corrector = Corrector(*model, weights=WEIGHTS)
    text = "brwon lzay"
    # Of each word's odds e to the power of 8, less 4.5 for the swap: 0.9 * e^3.5 to 1, and 0.05 * e^3.5 to 1.
    counts = [len(corrector([text], threshold=limit)[0].words) for limit in (0.4, 0.7, 0.9, 0.97)]
    assert counts == [2, 1, 1, 0]


@pytest.mark.parametrize(
    "text", ("", " ", "\n", "🙂", "漢字 かな", "...", "12 3", "\ud83d", "مرحبا", "é", "\x00")
)
def test_a_text_without_a_word_to_restore_stays_as_it_is(model: Any, text: str) -> None:
    assert correct(text, *model, threshold=ALL) == Correction(text, [])


def test_a_text_of_another_language_stays_and_that_is_said_once(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    monkeypatch.setattr("charbert.correction.corrector.logger.warning_once", said.append)
    texts = ["der lzay brwon " * 4, "the lzay brwon " * 4]
    assert [each.text for each in Corrector(*model)(texts, threshold=ALL)] == [
        texts[0],
        texts[1].replace("lzay", "lazy").replace("brwon", "brown"),
    ]
    assert said == ["texts in another language than the model's are left as they are"]


def test_unknown_characters_around_a_word_change_nothing_for_it(model: Any) -> None:
    found = correct("🙂\ud83d漢 brwon \ud83d🙂", *model, threshold=ALL)
    assert found.text == "🙂\ud83d漢 brown \ud83d🙂"


@pytest.mark.parametrize(
    "text",
    (
        *("the brwon🙂 fox", "🙂brwon fox", "brwon❤\ufe0f", "❤\ufe0fbrwon", "brwon👍🏽", "☺\ufe0ebrwon"),
        *("brwon👩\u200d💻brwon", "👩\u200d💻brwon🇩🇪", "(brwon🙂)", "“🙂brwon”", "brwon🙂.", "brwon\u200b🙂"),
        *("brwon™", "→brwon", "brwon€", "°brwon"),
    ),
)
def test_a_word_that_touches_an_emoji_or_another_symbol_is_judged(model: Any, text: str) -> None:
    assert correct(text, *model, threshold=ALL).text == text.replace("brwon", "brown")


@pytest.mark.parametrize("text", ("brwon\u0301🙂", "e\u0301brwon🙂", "5°brwon", "brwon_🙂", "🙂brwon2"))
def test_a_part_of_a_longer_word_stays_beside_an_emoji_too(model: Any, text: str) -> None:
    assert correct(text, *model, threshold=ALL).text == text


def test_words_of_the_list_beside_the_model_stay(tmp_path: Path) -> None:
    folder = saved_model(tmp_path, "bert", {"brown": 0.9, "lazy": 0.9})
    (tmp_path / "known.txt").write_text("brwon\ncafé\n", encoding="utf-8")
    assert correct("Brwon lzay", folder).text == "Brwon lazy"
    # It is right unless another is much likelier; what the user knows is right.
    assert correct("Brwon lzay", folder, threshold=ALL, known=["lzay"]).text == "Brown lzay"
    (tmp_path / "known.txt").write_bytes(b"caf\xe9")
    with pytest.raises(CharBertError, match=r"known\.txt: is not UTF-8"):
        Corrector(folder)


def test_words_that_the_user_knows_stay(model: Any) -> None:
    assert correct("Brwon lzay", *model, threshold=ALL, known=["BRWON"]).text == "Brwon lazy"


def test_known_words_are_several(model: Any) -> None:
    with pytest.raises(CharBertError, match="known='lzay' must be several words"):
        correct("lzay", *model, known="lzay")


@pytest.mark.parametrize(
    ("text", "wanted"),
    (
        ("it didnt jump", "it didn't jump"),
        ("Didnt it?", "Didn't it?"),
        ("it didnt't", "it didn't"),
        ("it dinn't jump", "it didn't jump"),
        ("it diddn jumps", "it didn jumps"),
    ),
)
def test_a_contraction_gets_its_end_once(kind: str, text: str, wanted: str) -> None:
    model = model_that_says(kind, (*WORDS[:-1], "it", "didn", "jump", "<unk>"), didn=0.9)
    assert correct(text, *model, threshold=ALL).text == wanted


@pytest.mark.parametrize(
    "text", ("brwon\u0301", "brw\u00adon", "brw\u200don", "lza\u0308y", "brwon\u0301s lza\u0308yer")
)
def test_what_a_tokenizer_cuts_off_a_longer_word_stays(model: Any, text: str) -> None:
    assert correct(text, *model, threshold=ALL).text == text


def test_words_of_the_vocabulary_are_judged_on_request(kind: str) -> None:
    model = model_that_says(kind, **{"from": 0.99})
    assert correct("a form", *model, threshold=ALL).words == []
    [word] = correct("a form", *model, threshold=ALL, real_words=True).words
    assert restored(word) == ("form", "from")


def test_several_texts_give_what_each_gives_alone(model: Any) -> None:
    texts = [TEXT, "", f"the {'lzay ' * 300}", "the dog"]
    found = correct(texts, *model, threshold=ALL)
    assert found == [correct(text, *model, threshold=ALL) for text in texts]
    assert found[2].text == f"the {'lazy ' * 300}"


def test_more_texts_than_are_read_at_a_time(model: Any) -> None:
    texts = [f"lzay {number}" for number in range(300)]
    assert [found.text for found in correct(texts, *model, threshold=ALL)] == [
        f"lazy {number}" for number in range(300)
    ]


def test_texts_may_come_one_by_one(model: Any) -> None:
    found = correct((text for text in ("lzay", "the dog")), *model, threshold=ALL)
    assert [each.text for each in found] == ["lazy", "the dog"]


def test_all_between_the_words_stays(model: Any) -> None:
    random = Random(5)
    texts = ["".join(random.choices(PARTS, k=random.randint(0, 25))) for _ in range(300)]
    for text, found in zip(texts, correct(texts, *model, threshold=ALL), strict=True):
        restored, end = [], 0
        for word in found.words:
            assert end <= word.start < word.end
            assert text[word.start : word.end] == word.word
            restored += [text[end : word.start], word.correction]
            end = word.end
        assert found.text == "".join([*restored, text[end:]])


def test_no_texts(model: Any) -> None:
    assert correct([], *model) == []


def test_a_folder_is_enough(kind: str, tmp_path: Path) -> None:
    folder = saved_model(tmp_path, kind, {"brown": 0.9})
    for given in (folder, tmp_path):
        assert correct("brwon", given, threshold=ALL).text == "brown"
    loaded = charbert.CharBertForPreTraining.from_pretrained(folder)
    assert correct("brwon", loaded, threshold=ALL).text == "brown"


@pytest.mark.parametrize("settings", ({"top_k": 0}, {"threshold": 1.5}, {"threshold": -0.1}))
def test_numbers_that_make_no_sense_are_refused(model: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(CharBertError, match=next(iter(settings))):
        correct("a", *model, **settings)


def test_what_is_no_text_is_refused(model: Any) -> None:
    with pytest.raises(CharBertError, match="text 1 is no text but NoneType"):
        correct(["a", None], *model)  # type: ignore[list-item]
    with pytest.raises(CharBertError, match="give a list of texts"):
        Corrector(*model)("a text")
    with pytest.raises(CharBertError, match="give a list of texts"):
        correct(None, *model)  # type: ignore[call-overload]


def test_a_model_without_a_noisy_lm_is_refused(kind: str, tmp_path: Path, plain_folder: Path) -> None:
    classifier = tiny.build(charbert.CharBertForSequenceClassification, kind)
    with pytest.raises(CharBertError, match="CharBertForSequenceClassification has no noisy LM"):
        correct("a", classifier)
    classifier.save_pretrained(tmp_path)
    tiny.tokenizer(kind, Vocabulary(WORDS)).save_pretrained(tmp_path)
    with pytest.raises(
        CharBertError, match="its noisy LM, which restores words, has never been trained"
    ) as raised:
        correct("a", str(tmp_path))
    assert "\n" not in str(raised.value)
    with pytest.raises(CharBertError, match="without a character channel") as raised:
        correct("a", str(plain_folder))
    assert "\n" not in str(raised.value)
