"""Word recognisers of a dozen words, trained in a second."""

from functools import cache
from random import Random

import torch

from charbert.noise import EDITS, noise_word
from charbert.recognizer.modeling import WordRecognizer, WordRecognizerConfig
from charbert.recognizer.reading import make_inputs

WORDS = ("the", "quick", "brown", "foxes", "jumped", "over", "lazy", "teacher", "garden", "window", "kitchen")
OTHERS = ("zebra", "quartz", "volcano")
LETTERS = "abcdefghijklmnopqrstuvwxyz.,"
_ROUNDS = 50


@cache
def small_recognizer(words: tuple[str, ...] = WORDS, others: tuple[str, ...] = OTHERS) -> WordRecognizer:
    """One that reads these words, with one edit too, and says of the others that it does not know them."""
    torch.manual_seed(0)
    random = Random(0)
    config = WordRecognizerConfig(
        words=[*words, "<unk>"], characters=LETTERS, embedding_size=24, hidden_size=24
    )
    model = WordRecognizer(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    for _ in range(_ROUNDS):
        text = random.choices((*words, *others), k=80)
        seen = [noise_word(word, random, EDITS) if random.random() < 0.6 else word for word in text]
        inputs = make_inputs(model.letter_bags(seen), [4] * 20)
        loss = model(**inputs, labels=torch.tensor(model.words.ids(text))).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()
