"""The released checkpoints run as the released code ran them.

The numbers, and tiny random checkpoints in the released layout, lie in `parity/` of the folder that the
environment variable CHARBERT_SHARED names (`../shared` by default); without them these tests are skipped.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from safetensors.torch import save_file

import charbert

SHARED = Path(os.environ.get("CHARBERT_SHARED", Path(__file__).resolve().parents[2].parent / "shared"))
PARITY = SHARED / "parity"
TOLERANCE = 1e-5

pytestmark = pytest.mark.skipif(
    not PARITY.is_dir(), reason=f"no reference numbers at {PARITY}: set CHARBERT_SHARED to their folder"
)

HEADS = {
    "mlm": charbert.CharBertForPreTraining,
    "token": charbert.CharBertForTokenClassification,
    "sequence": charbert.CharBertForSequenceClassification,
    "qa": charbert.CharBertForQuestionAnswering,
}


@pytest.fixture
def inputs(kind: str) -> dict[str, torch.Tensor]:
    names = ("input_ids", "char_input_ids", "start_ids", "end_ids")
    arrays = np.load(PARITY / kind / "inputs.npz")
    return {name: torch.from_numpy(arrays[name]) for name in names}


@pytest.fixture
def labels(kind: str) -> dict[str, torch.Tensor]:
    """The labels of pre-training, -1 of the released code turned into -100."""
    arrays = np.load(PARITY / kind / "inputs.npz")
    mlm, nlm = (torch.from_numpy(arrays[name]) for name in ("mlm_labels", "nlm_labels"))
    return {"labels": mlm.masked_fill(mlm == -1, -100), "nlm_labels": nlm.masked_fill(nlm == -1, -100)}


@pytest.fixture
def expected(kind: str) -> Any:
    return np.load(PARITY / kind / "expected.npz")


def outputs(model: Any, inputs: dict[str, torch.Tensor], **more: torch.Tensor) -> Any:
    with torch.no_grad():
        return model(**inputs, **more)


def released_tensors(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True)


@pytest.fixture
def released_copy(kind: str, tmp_path: Path) -> Path:
    """A copy of the pre-training checkpoint without its weights."""
    shutil.copy(PARITY / kind / "mlm" / "config.json", tmp_path / "config.json")
    return tmp_path


def test_character_embeddings(kind: str, inputs: dict[str, torch.Tensor], expected: Any) -> None:
    model = charbert.CharBertModel.from_pretrained(PARITY / kind / "mlm")
    spelled = (inputs["char_input_ids"], inputs["start_ids"], inputs["end_ids"])
    with torch.no_grad():
        vectors = model.char_encoder(*spelled, torch.ones_like(inputs["input_ids"]))
    assert tiny.largest_difference(vectors, expected["char_embeddings"]) < TOLERANCE


def test_hidden_states_of_both_channels(kind: str, inputs: dict[str, torch.Tensor], expected: Any) -> None:
    output = outputs(charbert.CharBertModel.from_pretrained(PARITY / kind / "mlm"), inputs)
    assert tiny.largest_difference(output.last_hidden_state, expected["token_hidden"]) < TOLERANCE
    assert tiny.largest_difference(output.char_last_hidden_state, expected["char_hidden"]) < TOLERANCE


def test_logits_of_pretraining(kind: str, inputs: dict[str, torch.Tensor], expected: Any) -> None:
    output = outputs(charbert.CharBertForPreTraining.from_pretrained(PARITY / kind / "mlm"), inputs)
    assert tiny.largest_difference(output.mlm_logits, expected["mlm_logits"]) < TOLERANCE
    assert tiny.largest_difference(output.nlm_logits, expected["nlm_logits"]) < TOLERANCE


def test_losses_of_pretraining(
    kind: str, inputs: dict[str, torch.Tensor], labels: dict[str, torch.Tensor], expected: Any
) -> None:
    output = outputs(charbert.CharBertForPreTraining.from_pretrained(PARITY / kind / "mlm"), inputs, **labels)
    assert tiny.largest_difference(output.mlm_loss, expected["mlm_loss"]) < TOLERANCE
    assert tiny.largest_difference(output.nlm_loss, expected["nlm_loss"]) < TOLERANCE


def test_masked_lm(kind: str, inputs: dict[str, torch.Tensor], expected: Any) -> None:
    output = outputs(charbert.CharBertForMaskedLM.from_pretrained(PARITY / kind / "mlm"), inputs)
    assert tiny.largest_difference(output.logits, expected["mlm_logits"]) < TOLERANCE


@pytest.mark.parametrize("head", ["token", "sequence"])
def test_logits_of_classification(
    kind: str, head: str, inputs: dict[str, torch.Tensor], expected: Any
) -> None:
    output = outputs(HEADS[head].from_pretrained(PARITY / kind / head), inputs)
    assert tiny.largest_difference(output.logits, expected[f"{head}_logits"]) < TOLERANCE


def test_logits_of_question_answering(kind: str, inputs: dict[str, torch.Tensor], expected: Any) -> None:
    output = outputs(charbert.CharBertForQuestionAnswering.from_pretrained(PARITY / kind / "qa"), inputs)
    assert tiny.largest_difference(output.start_logits, expected["qa_start_logits"]) < TOLERANCE
    assert tiny.largest_difference(output.end_logits, expected["qa_end_logits"]) < TOLERANCE


@pytest.mark.parametrize("serialisation", ["safetensors", "torch"])
def test_other_serialisations_hold_the_same_model(
    kind: str, serialisation: str, released_copy: Path, inputs: dict[str, torch.Tensor]
) -> None:
    tensors = released_tensors(PARITY / kind / "mlm")
    if serialisation == "safetensors":
        unshared = {name: tensor.clone().contiguous() for name, tensor in tensors.items()}
        save_file(unshared, released_copy / "model.safetensors", metadata={"format": "pt"})
    else:
        torch.save(tensors, released_copy / "pytorch_model.bin")
    models = [
        charbert.CharBertForPreTraining.from_pretrained(folder)
        for folder in (released_copy, PARITY / kind / "mlm")
    ]
    assert tiny.differing(*models) == []
    found, wanted = (outputs(model, inputs) for model in models)
    assert tiny.largest_difference(found.mlm_logits, wanted.mlm_logits) < TOLERANCE
    assert tiny.largest_difference(found.nlm_logits, wanted.nlm_logits) < TOLERANCE


def test_unequal_convolutions_are_refused(tmp_path: Path) -> None:
    tensors = released_tensors(PARITY / "bert" / "mlm")
    tensors["bert.encoder.fusion_layer_list.1.bias"] = tensors["bert.encoder.fusion_layer_list.1.bias"] + 1
    shutil.copy(PARITY / "bert" / "mlm" / "config.json", tmp_path / "config.json")
    torch.save(tensors, tmp_path / "pytorch_model.bin")
    with pytest.raises(charbert.CharBertError, match=r"fusion_layer_list\.1\.bias differs"):
        charbert.CharBertForPreTraining.from_pretrained(tmp_path)


@pytest.mark.parametrize("head", HEADS)
def test_saved_again_in_our_format_it_is_bit_identical(kind: str, head: str, tmp_path: Path) -> None:
    released = HEADS[head].from_pretrained(PARITY / kind / head)
    released.save_pretrained(tmp_path)
    ours = HEADS[head].from_pretrained(tmp_path)
    wanted = released.state_dict()
    assert ours.state_dict().keys() == wanted.keys()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in ours.state_dict().items())


@pytest.mark.parametrize("head", HEADS)
def test_every_tensor_of_the_head_is_the_checkpoints(kind: str, head: str) -> None:
    """No weight is left as it was initialised: two loads agree, whatever the seed."""
    torch.manual_seed(1)
    first = HEADS[head].from_pretrained(PARITY / kind / head).state_dict()
    torch.manual_seed(2)
    second = HEADS[head].from_pretrained(PARITY / kind / head).state_dict()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
