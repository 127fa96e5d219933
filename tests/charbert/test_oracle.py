"""The model computes the paper's equations: it agrees with `oracle.Oracle`, which has them in loops."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import tiny
import torch
from oracle import Oracle, mean_loss, spell_piece

import charbert

VARIANTS = {
    "released": {},
    "released, per layer": {"interaction_per_layer": True},
    "released, kernel 5": {"interaction_kernel_size": 5},
    "paper": {"interaction": "paper"},
    "paper, per layer": {"interaction": "paper", "interaction_per_layer": True},
    "w/o HI": {"interaction": "none"},
    "w/o GRU": {"char_encoder": "embedding"},
    "w/o both": {"interaction": "none", "char_encoder": "embedding"},
}
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-5}


class Case(NamedTuple):
    """One sentence, as the model gets it and as the oracle does."""

    inputs: dict[str, torch.Tensor]
    token_ids: list[int]
    spellings: list[list[int]]


def a_case(kind: str, text: str = "the quick foxes jump # over it .") -> Case:
    tokenizer = tiny.tokenizer(kind)
    inputs = tokenizer(text, return_tensors="pt")
    token_ids = inputs["input_ids"][0].tolist()
    spellings = [
        spell_piece(piece, kind, piece in tokenizer.all_special_tokens, tokenizer.characters.entries)
        for piece in tokenizer.convert_ids_to_tokens(token_ids)
    ]
    return Case(dict(inputs), token_ids, spellings)


def built(model_class: Any, kind: str, dtype: torch.dtype, **changes: Any) -> tuple[Any, Oracle]:
    model = tiny.build(model_class, kind, **changes).to(dtype)
    return model, Oracle(model.config, model.state_dict())


@pytest.fixture(params=list(TOLERANCE), ids=str)
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param


@pytest.mark.parametrize("variant", VARIANTS)
def test_both_channels_of_every_variant(kind: str, dtype: torch.dtype, variant: str) -> None:
    model, oracle = built(charbert.CharBertModel, kind, dtype, **VARIANTS[variant])
    case = a_case(kind)
    with torch.no_grad():
        output = model(**case.inputs)
    tokens, characters = oracle.encode(case.token_ids, case.spellings)
    assert tiny.largest_difference(output.last_hidden_state[0], tokens) < TOLERANCE[dtype]
    assert tiny.largest_difference(output.char_last_hidden_state[0], characters) < TOLERANCE[dtype]


def test_each_row_of_a_padded_batch(kind: str, dtype: torch.dtype) -> None:
    model, oracle = built(charbert.CharBertModel, kind, dtype)
    long, short = a_case(kind), a_case(kind, "a dog")
    token_ids = torch.full((2, len(long.token_ids)), model.config.pad_token_id)
    mask = torch.zeros_like(token_ids)
    for row, case in enumerate((long, short)):
        token_ids[row, : len(case.token_ids)] = torch.tensor(case.token_ids)
        mask[row, : len(case.token_ids)] = 1
    with torch.no_grad():
        output = model(input_ids=token_ids, attention_mask=mask)
    for row, case in enumerate((long, short)):
        tokens, characters = oracle.encode(case.token_ids, case.spellings)
        length = len(case.token_ids)
        assert tiny.largest_difference(output.last_hidden_state[row, :length], tokens) < TOLERANCE[dtype]
        assert (
            tiny.largest_difference(output.char_last_hidden_state[row, :length], characters)
            < TOLERANCE[dtype]
        )


def test_character_encoder_alone(kind: str, dtype: torch.dtype) -> None:
    model, oracle = built(charbert.CharBertModel, kind, dtype)
    case = a_case(kind)
    spelled = model.spelling(case.inputs["input_ids"])
    with torch.no_grad():
        vectors = model.char_encoder(*spelled, case.inputs["attention_mask"])
    assert tiny.largest_difference(vectors[0], oracle.character_embeddings(case.spellings)) < TOLERANCE[dtype]


def test_poolers_of_both_channels(kind: str, dtype: torch.dtype) -> None:
    model, oracle = built(charbert.CharBertModel, kind, dtype)
    case = a_case(kind)
    with torch.no_grad():
        output = model(**case.inputs)
    tokens, characters = oracle.encode(case.token_ids, case.spellings)
    assert tiny.largest_difference(output.pooler_output[0], oracle.pooled(tokens)) < TOLERANCE[dtype]
    assert tiny.largest_difference(output.char_pooler_output[0], oracle.pooled(characters)) < TOLERANCE[dtype]


def test_logits_of_pretraining(kind: str, dtype: torch.dtype) -> None:
    model, oracle = built(charbert.CharBertForPreTraining, kind, dtype)
    case = a_case(kind)
    with torch.no_grad():
        output = model(**case.inputs)
    tokens, characters = oracle.encode(case.token_ids, case.spellings)
    mlm, nlm = oracle.predictions("mlm_head", tokens), oracle.predictions("nlm_head", characters)
    assert tiny.largest_difference(output.mlm_logits[0], mlm) < TOLERANCE[dtype]
    assert tiny.largest_difference(output.nlm_logits[0], nlm) < TOLERANCE[dtype]


def test_losses_of_pretraining(kind: str, dtype: torch.dtype) -> None:
    model, oracle = built(charbert.CharBertForPreTraining, kind, dtype)
    case = a_case(kind)
    labels, nlm_labels = [-100] * len(case.token_ids), [-100] * len(case.token_ids)
    labels[1], labels[4] = 7, 9
    nlm_labels[2], nlm_labels[3], nlm_labels[5] = 11, 11, 19
    with torch.no_grad():
        output = model(**case.inputs, labels=torch.tensor([labels]), nlm_labels=torch.tensor([nlm_labels]))
    tokens, characters = oracle.encode(case.token_ids, case.spellings)
    mlm_loss = mean_loss(oracle.predictions("mlm_head", tokens), labels)
    nlm_loss = mean_loss(oracle.predictions("nlm_head", characters), nlm_labels)
    assert tiny.largest_difference(output.mlm_loss, mlm_loss) < TOLERANCE[dtype]
    assert tiny.largest_difference(output.nlm_loss, nlm_loss) < TOLERANCE[dtype]
    assert tiny.largest_difference(output.loss, mlm_loss + nlm_loss) < TOLERANCE[dtype]


def test_masked_lm(kind: str, dtype: torch.dtype) -> None:
    model, oracle = built(charbert.CharBertForMaskedLM, kind, dtype)
    case = a_case(kind)
    with torch.no_grad():
        output = model(**case.inputs)
    tokens, _ = oracle.encode(case.token_ids, case.spellings)
    assert (
        tiny.largest_difference(output.logits[0], oracle.predictions("mlm_head", tokens)) < TOLERANCE[dtype]
    )


def test_token_classification(kind: str, dtype: torch.dtype) -> None:
    model, oracle = built(charbert.CharBertForTokenClassification, kind, dtype)
    case = a_case(kind)
    labels = [-100, 0, 2, *([-100] * (len(case.token_ids) - 4)), 1]
    with torch.no_grad():
        output = model(**case.inputs, labels=torch.tensor([labels]))
    scores = oracle.scores_of_positions("classifier", *oracle.encode(case.token_ids, case.spellings))
    assert tiny.largest_difference(output.logits[0], scores) < TOLERANCE[dtype]
    assert tiny.largest_difference(output.loss, mean_loss(scores, labels)) < TOLERANCE[dtype]


def test_sequence_classification(kind: str, dtype: torch.dtype) -> None:
    model, oracle = built(charbert.CharBertForSequenceClassification, kind, dtype)
    case = a_case(kind)
    with torch.no_grad():
        output = model(**case.inputs, labels=torch.tensor([2]))
    scores = oracle.scores_of_sequence("classifier", *oracle.encode(case.token_ids, case.spellings))
    assert tiny.largest_difference(output.logits[0], scores) < TOLERANCE[dtype]
    assert tiny.largest_difference(output.loss, mean_loss(scores[None], [2])) < TOLERANCE[dtype]


def test_question_answering(kind: str, dtype: torch.dtype) -> None:
    model, oracle = built(charbert.CharBertForQuestionAnswering, kind, dtype)
    case = a_case(kind)
    with torch.no_grad():
        output = model(**case.inputs, start_positions=torch.tensor([2]), end_positions=torch.tensor([4]))
    scores = oracle.scores_of_positions("qa_outputs", *oracle.encode(case.token_ids, case.spellings))
    starts, ends = scores[:, 0], scores[:, 1]
    loss = (mean_loss(starts[None], [2]) + mean_loss(ends[None], [4])) / 2
    assert tiny.largest_difference(output.start_logits[0], starts) < TOLERANCE[dtype]
    assert tiny.largest_difference(output.end_logits[0], ends) < TOLERANCE[dtype]
    assert tiny.largest_difference(output.loss, loss) < TOLERANCE[dtype]


def test_multiple_choice(kind: str, dtype: torch.dtype) -> None:
    model, oracle = built(charbert.CharBertForMultipleChoice, kind, dtype)
    case = a_case(kind)
    changed = [*case.token_ids[:3], case.token_ids[1], *case.token_ids[4:]]
    respelled = [*case.spellings[:3], case.spellings[1], *case.spellings[4:]]
    with torch.no_grad():
        output = model(input_ids=torch.tensor([[case.token_ids, changed]]), labels=torch.tensor([1]))
    scores = np.concatenate(
        [
            oracle.scores_of_sequence("classifier", *oracle.encode(token_ids, spellings))
            for token_ids, spellings in ((case.token_ids, case.spellings), (changed, respelled))
        ]
    )
    assert tiny.largest_difference(output.logits[0], scores) < TOLERANCE[dtype]
    assert tiny.largest_difference(output.loss, mean_loss(scores[None], [1])) < TOLERANCE[dtype]
