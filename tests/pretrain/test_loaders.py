from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tiny
import torch

from charbert import CharBertForPreTraining
from charbert.vocabulary import Vocabulary
from data.__main__ import main as data_main
from pretrain.loaders import BUCKETED_LENGTH, has_safe_lengths, make_batches
from pretrain.settings import PretrainSettings

WORDS = ("fox", "dog", "token", "word", "brown", "lazy", "quick", "over")
TEXTS = [f"the {one} {two} {three} the" for one in WORDS for two in WORDS for three in WORDS[:2]]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    tiny.tokenizer("bert", words=Vocabulary([*WORDS, "<unk>"])).save_pretrained(folder / "tokenizer")
    (folder / "text.txt").write_text("\n\n".join(TEXTS), encoding="utf-8")
    places = ["--tokenizer", str(folder / "tokenizer"), "--output", str(folder / "blocks")]
    data_main(["tokenize", str(folder / "text.txt"), *places, "--block-size", "9"])
    return folder


def batches(
    corpus: Path, rank: int, world_size: int, batch_size: int, device: str = "cpu", compiled: bool = False
) -> tuple[list[Any], list[Any]]:
    """The first three batches of training of a process, and all of evaluation."""
    settings = PretrainSettings(
        data=str(corpus / "blocks"),
        tokenizer=str(corpus / "tokenizer"),
        output="",
        max_length=16,
        eval_examples=10,
        batch_size=batch_size,
        num_workers=0,
        torch_compile=compiled,
    )
    arguments: Any = SimpleNamespace(process_index=rank, world_size=world_size, device=torch.device(device))
    tokenizer = tiny.tokenizer("bert", words=Vocabulary([*WORDS, "<unk>"]))
    spelling = tiny.build(CharBertForPreTraining, "bert").spelling_table
    training, evaluation = make_batches(settings, arguments, tokenizer, spelling)
    return list(islice(training, 3)), list(evaluation)


def rows(given: list[dict[str, torch.Tensor]]) -> list[list[int]]:
    """The tokens of each example, without its padding."""
    return [
        ids[mask.bool()].tolist()
        for batch in given
        for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)
    ]


def test_the_processes_share_out_what_one_alone_would_have(corpus: Path) -> None:
    alone, evaluated_alone = batches(corpus, 0, 1, 8)
    (first, evaluated_first), (second, evaluated_second) = (batches(corpus, rank, 2, 4) for rank in (0, 1))
    for number, whole in enumerate(alone):
        assert rows([first[number], second[number]]) == rows([whole])
    assert sorted(rows(evaluated_first) + rows(evaluated_second)) == sorted(rows(evaluated_alone))
    assert len(rows(evaluated_alone)) == 10


@pytest.mark.parametrize(("device", "compiled"), [("cpu", False), ("cpu", True), ("cuda", False)])
def test_shapes_are_rounded_up_where_that_pays(corpus: Path, device: str, compiled: bool) -> None:
    for given in batches(corpus, 0, 1, 8, device, compiled):
        rounded = {batch["char_input_ids"].shape[1] % 256 == 0 for batch in given}
        assert rounded == {compiled or device != "cpu"}


@pytest.mark.parametrize(
    ("max_length", "safe"), [(64, False), (72, True), (128, True), (192, False), (384, True), (510, True)]
)
def test_lengths_are_safe_unless_one_is_64_past_a_multiple_of_128(max_length: int, safe: bool) -> None:
    assert has_safe_lengths(max_length) == safe
    if safe:
        batches_may_have = {min(length, max_length) for length in range(128, 1024, BUCKETED_LENGTH)}
        assert all(length % 128 != 64 for length in batches_may_have)
