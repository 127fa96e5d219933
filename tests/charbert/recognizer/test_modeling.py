"""The word recogniser: corrections, words that stay, saving and loading."""

from pathlib import Path

import pytest
import tiny
import torch
from safetensors.torch import load_file, save_file
from small_recognition import LETTERS, OTHERS, WORDS, small_recognizer
from torch.nn import functional as F
from transformers import BertModel

from charbert import CharBertError, WordRecognizer, WordRecognizerConfig
from charbert.recognizer.reading import LONGEST_SENTENCE, make_inputs

SENTENCES = [["The", "borwn", "foxes", "."], ["lazzy"], [], ["teachr", "kitchen", "over", "the", "widnow"]]


def restore(text: str, **how: object) -> str:
    [words] = small_recognizer().correct([text.split()], **how)
    return " ".join(words)


def states(model: WordRecognizer, sentences: list[list[str]]) -> torch.Tensor:
    units = [word for sentence in sentences for word in sentence]
    with torch.no_grad():
        return model.states(**make_inputs(model.letter_bags(units), list(map(len, sentences))))


def test_a_word_with_a_typo_is_read_as_the_word() -> None:
    assert restore("the borwn foxxes jmped over the gadren") == "the brown foxes jumped over the garden"


@pytest.mark.parametrize("word", ("brown", "Brown", "BROWN", "bRown"))
def test_a_word_that_is_known_stays_as_it_is(word: str) -> None:
    assert restore(word) == word


@pytest.mark.parametrize(("typo", "word"), (("Borwn", "Brown"), ("BORWN", "BROWN"), ("borWn", "brown")))
def test_what_is_read_has_the_case_of_the_typo(typo: str, word: str) -> None:
    assert restore(typo) == word


def test_punctuation_around_a_word_stays() -> None:
    assert restore("“Teahcer”, (widnow)... 'borwn'!") == "“Teacher”, (window)... 'brown'!"


def test_what_is_no_plain_word_stays() -> None:
    words = ["teachr's", "borwn-lazzy", "b2rown", "--", "12", "😀", "\ud800", "", " ", "borwn lazzy"]
    assert small_recognizer().correct([words]) == [words]


def test_an_unknown_word_passes_becomes_neutral_or_is_read_by_another_recogniser() -> None:
    other = small_recognizer(OTHERS[:2], (*OTHERS[2:], *WORDS))
    text = "Qaurtz, borwn vocano"
    assert restore(text) == "Qaurtz, brown vocano"
    assert restore(text, unknown="neutral") == "a, brown a"
    assert restore(text, unknown="backoff", backoff=other) == "Quartz, brown vocano"


def test_a_sentence_is_read_alike_in_any_batch() -> None:
    model = small_recognizer()
    whole = model.correct(SENTENCES)
    assert whole == model.correct(SENTENCES, batch_size=1)
    assert whole == [model.correct([sentence])[0] for sentence in SENTENCES]
    filled = [sentence for sentence in SENTENCES if sentence]
    alone = torch.cat([states(model, [sentence]) for sentence in filled])
    assert tiny.largest_difference(states(model, filled), alone) < 1e-6


def test_nothing_gives_nothing() -> None:
    assert small_recognizer().correct([]) == []
    assert small_recognizer().correct([[], []]) == [[], []]


def test_a_text_longer_than_any_sentence_is_read_to_its_end() -> None:
    words = ["borwn"] * (2 * LONGEST_SENTENCE + 3)
    assert small_recognizer().correct([words]) == [["brown"] * len(words)]


def test_the_order_of_inner_letters_is_not_seen() -> None:
    model = small_recognizer()
    assert tiny.largest_difference(states(model, [["teacher"]]), states(model, [["tcaheer"]])) < 1e-6
    assert tiny.largest_difference(states(model, [["teacher"]]), states(model, [["etacher"]])) > 1e-2


def test_states_are_those_of_an_lstm_over_counted_letters() -> None:
    model = small_recognizer()
    sentence = ["the", "lazzy", "fox", "."]
    size = len(LETTERS) + 1
    order = sorted(LETTERS)
    rows = torch.zeros(len(sentence), 3 * size)
    for row, word in zip(rows, sentence, strict=True):
        row[order.index(word[0])] += 1
        for letter in word[1:-1]:
            row[size + order.index(letter)] += 1
        row[2 * size + order.index(word[-1])] += 1
    with torch.no_grad():
        expected, _ = model.lstm((rows @ model.letters.weight)[:, None])
    assert tiny.largest_difference(states(model, [sentence]), expected[:, 0]) < 1e-6


def test_the_loss_is_the_mean_over_labelled_words() -> None:
    model = small_recognizer()
    inputs = make_inputs(model.letter_bags("the borwn foxes . lazzy".split()), [4, 1])
    labels = torch.tensor([-100, 2, 3, -100, 6])
    with torch.no_grad():
        logits = model(**inputs).logits
        labelled = model(**inputs, labels=labels)
    assert logits.shape == (5, len(WORDS) + 1)
    assert tiny.largest_difference(labelled.logits, logits[[1, 2, 4]]) < 1e-5
    expected = F.cross_entropy(logits[[1, 2, 4]], torch.tensor([2, 3, 6]))
    assert tiny.largest_difference(labelled.loss, expected) < 1e-5


def test_one_folder_keeps_all_of_it(tmp_path: Path) -> None:
    small_recognizer().save_pretrained(tmp_path)
    loaded = WordRecognizer.from_pretrained(tmp_path)
    assert tiny.differing(loaded, small_recognizer()) == []
    assert loaded.words == small_recognizer().words
    assert loaded.correct(SENTENCES) == small_recognizer().correct(SENTENCES)


def test_a_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    BertModel(tiny.backbone_config("bert")).save_pretrained(tmp_path)
    with pytest.raises(CharBertError, match="no word recogniser; `python -m pretrain recognizer` trains one"):
        WordRecognizer.from_pretrained(tmp_path)
    with pytest.raises(CharBertError, match=r"nowhere: no config\.json there"):
        WordRecognizer.from_pretrained(tmp_path / "nowhere")


def test_a_folder_that_lacks_a_tensor_is_refused(tmp_path: Path) -> None:
    small_recognizer().save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["lstm.weight_hh_l0"]
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(CharBertError, match=r"1 missing \(lstm\.weight_hh_l0\)"):
        WordRecognizer.from_pretrained(tmp_path)


def test_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    small_recognizer().save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(CharBertError, match="cannot be read as a word recogniser"):
        WordRecognizer.from_pretrained(tmp_path)
    weights.unlink()
    with pytest.raises(CharBertError, match="cannot be read as a word recogniser"):
        WordRecognizer.from_pretrained(tmp_path)


def test_words_without_an_unknown_one_are_refused() -> None:
    with pytest.raises(CharBertError, match="the last entry must be <unk>"):
        WordRecognizer(WordRecognizerConfig(words=["the"]))


def test_another_way_with_unknown_words_is_refused() -> None:
    with pytest.raises(CharBertError, match="unknown='drop': choose one of pass, neutral, backoff"):
        restore("brown", unknown="drop")


def test_backoff_goes_with_its_recogniser_alone() -> None:
    with pytest.raises(CharBertError, match="unknown='backoff' needs a second recogniser"):
        restore("brown", unknown="backoff")
    with pytest.raises(CharBertError, match="unknown='backoff' needs a second recogniser"):
        restore("brown", backoff=small_recognizer())
