import pytest
import tiny
import torch

from charbert import CharBertForPreTraining
from charbert.vocabulary import Vocabulary
from data.corruption import Corruption, CorruptionSettings
from data.dataset import blocks
from data.examples import PretrainingCollator, PretrainingExamples

WORDS = Vocabulary(["the", "quick", "brown", "fox", "dog", "<unk>"])


@pytest.fixture
def examples(kind: str) -> PretrainingExamples:
    tokenizer = tiny.tokenizer(kind)
    texts = [" ".join(tiny.SENTENCES) * 3, tiny.SENTENCES[0]]
    rows = [{"input_ids": ids, "word_starts": starts} for ids, starts in blocks(tokenizer, iter(texts), 60)]
    return PretrainingExamples(rows, Corruption(tokenizer, WORDS, CorruptionSettings(max_length=64)), seed=0)


def test_an_example_depends_on_seed_epoch_and_index_alone(examples: PretrainingExamples) -> None:
    first = [examples[index] for index in range(len(examples))]
    assert [examples[index] for index in reversed(range(len(examples)))] == first[::-1]


def test_each_epoch_draws_anew(examples: PretrainingExamples) -> None:
    first = examples[0]
    examples.set_epoch(1)
    assert examples[0] != first
    examples.set_epoch(0)
    assert examples[0] == first


def test_a_batch_is_padded_and_spelled(kind: str, examples: PretrainingExamples) -> None:
    model = tiny.build(CharBertForPreTraining, kind)
    batch = PretrainingCollator(tiny.tokenizer(kind), model.spelling_table, 64)(list(examples))
    assert batch["input_ids"].shape == batch["labels"].shape == batch["nlm_labels"].shape
    assert batch["input_ids"].shape[1] % 8 == 0
    assert batch["attention_mask"].sum(dim=1).tolist() == [len(example.input_ids) for example in examples]
    assert torch.isfinite(model(**batch).loss)


def test_masked_positions_are_blank(kind: str, examples: PretrainingExamples) -> None:
    model = tiny.build(CharBertForPreTraining, kind)
    batch = PretrainingCollator(tiny.tokenizer(kind), model.spelling_table, 64)(list(examples))
    rows = zip(batch["char_input_ids"], batch["start_ids"], batch["end_ids"], batch["labels"], strict=True)
    spelled = [
        spelling
        for characters, starts, ends, labels in rows
        for spelling, label in zip(tiny.spellings_of(characters, starts, ends), labels, strict=True)
        if label != -100
    ]
    assert spelled
    assert all(spelling == [0] for spelling in spelled)
