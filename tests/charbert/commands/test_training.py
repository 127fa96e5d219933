"""CharBERT trains with the tools that people use: the Trainer of `transformers`, and peft."""

from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from transformers import DataCollatorForTokenClassification, Trainer, TrainingArguments

import charbert
from charbert.errors import CharBertError

WORDS = ("the", "quick", "fox", "jumps", "over", "the", "dog", ".")


class Examples(torch.utils.data.Dataset):
    """Eight tagged sentences of growing length, with a column that no model takes."""

    def __init__(self, kind: str, spelled: bool) -> None:
        tokenizer = tiny.tokenizer(kind)
        self.rows = []
        for length in range(1, 9):
            encoded = tokenizer(" ".join(WORDS[:length]), return_spelling=spelled)
            labels = [-100, *(index % 3 for index in range(len(encoded["input_ids"]) - 2)), -100]
            self.rows.append({**encoded, "labels": labels})

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.rows[index]


def trainer(kind: str, folder: Path, model: Any, spelled: bool = False, **settings: Any) -> Trainer:
    pytest.importorskip("accelerate", reason="the Trainer needs accelerate")
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=2,
        per_device_train_batch_size=4,
        learning_rate=1e-2,
        report_to="none",
        save_steps=2,
        use_cpu=True,
        disable_tqdm=True,
        **settings,
    )
    return Trainer(
        model=model,
        args=arguments,
        train_dataset=Examples(kind, spelled),
        eval_dataset=Examples(kind, spelled),
        data_collator=DataCollatorForTokenClassification(tiny.tokenizer(kind)),
        processing_class=tiny.tokenizer(kind),
    )


@pytest.mark.parametrize("spelled", [False, True], ids=["spelled by the table", "spelled explicitly"])
def test_trainer_steps_and_saves_a_checkpoint_that_loads(kind: str, spelled: bool, tmp_path: Path) -> None:
    model = tiny.build(charbert.CharBertForTokenClassification, kind)
    before = model.classifier.weight.clone()
    result = trainer(kind, tmp_path, model, spelled).train()
    assert result.global_step == 2
    assert not torch.equal(model.classifier.weight, before)
    loaded = charbert.CharBertForTokenClassification.from_pretrained(tmp_path / "checkpoint-2")
    assert tiny.differing(loaded, model) == []
    tokenizer = charbert.CharBertTokenizer.from_pretrained(tmp_path / "checkpoint-2")
    assert tokenizer.characters == tiny.tokenizer(kind).characters


def test_trainer_hands_the_model_all_spelled_inputs(tmp_path: Path) -> None:
    model = tiny.build(charbert.CharBertForTokenClassification, "bert")
    batch = next(iter(trainer("bert", tmp_path, model, spelled=True).get_train_dataloader()))
    assert set(tiny.SPELLED) <= set(batch)


def test_a_package_that_a_training_reports_to_fails_in_one_line() -> None:
    pytest.importorskip("accelerate", reason="the Trainer needs accelerate")
    from charbert.commands.training import _name_trackers

    error = type("UsageError", (Exception,), {"__module__": "wandb.errors"})
    with pytest.raises(CharBertError, match=r"--report-to: wandb fails \(no key\)"), _name_trackers():
        raise error("no key\nlog in")
    with pytest.raises(OSError, match="other"), _name_trackers():
        raise OSError("other")


def test_trainer_resumes(tmp_path: Path) -> None:
    trainer("bert", tmp_path, tiny.build(charbert.CharBertForTokenClassification, "bert")).train()
    resumed = trainer("bert", tmp_path, tiny.build(charbert.CharBertForTokenClassification, "bert"))
    resumed.args.max_steps = 3
    assert resumed.train(resume_from_checkpoint=True).global_step == 3


def test_trainer_evaluates_to_the_loss_of_the_model(tmp_path: Path) -> None:
    model = tiny.build(charbert.CharBertForTokenClassification, "bert")
    running = trainer("bert", tmp_path, model, per_device_eval_batch_size=8)
    with torch.no_grad():
        wanted = float(model(**running.data_collator(running.eval_dataset.rows)).loss)
    assert abs(running.evaluate()["eval_loss"] - wanted) < 1e-4


def test_accumulated_steps_count_alike_whatever_their_number_of_labels(tmp_path: Path) -> None:
    by_hand, by_trainer = (tiny.build(charbert.CharBertForTokenClassification, "bert") for _ in range(2))
    running = trainer("bert", tmp_path, by_trainer, gradient_accumulation_steps=2)
    running.current_gradient_accumulation_steps = 2
    for index in (1, 7):
        batch = running.data_collator([running.train_dataset[index]])
        (by_hand.train()(**batch).loss / 2).backward()
        running.training_step(by_trainer, batch)
    assert torch.allclose(by_trainer.classifier.weight.grad, by_hand.classifier.weight.grad, atol=1e-6)


@pytest.fixture
def lora(kind: str) -> Any:
    peft = pytest.importorskip("peft", reason="delta tuning needs peft")
    model = tiny.build(charbert.CharBertForTokenClassification, kind)
    settings = peft.LoraConfig(r=2, target_modules=["query", "value"], task_type="TOKEN_CLS")
    return peft.get_peft_model(model, settings)


def test_lora_trains_its_matrices_and_the_head_alone(kind: str, lora: Any) -> None:
    trained = {name for name, parameter in lora.named_parameters() if parameter.requires_grad}
    assert any("query.lora_A" in name for name in trained)
    assert any("value.lora_B" in name for name in trained)
    assert all("lora_" in name or "classifier" in name for name in trained)
    before = {name: parameter.clone() for name, parameter in lora.named_parameters()}
    batch = tiny.ragged_batch(kind)
    lora.train()
    lora(**batch, labels=batch["attention_mask"]).loss.backward()
    torch.optim.SGD([p for p in lora.parameters() if p.requires_grad], lr=0.1).step()
    moved = {name for name, parameter in lora.named_parameters() if not torch.equal(parameter, before[name])}
    # At the start B is zero, and so is the gradient of A.
    assert moved == {name for name in trained if "lora_A" not in name}


def test_lora_is_saved_and_put_on_again(kind: str, lora: Any, tmp_path: Path) -> None:
    import peft

    with torch.no_grad():
        for parameter in lora.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1)
    lora.save_pretrained(tmp_path)
    base = tiny.build(charbert.CharBertForTokenClassification, kind)
    batch = tiny.ragged_batch(kind)
    wanted, without = lora.eval()(**batch).logits, base(**batch).logits
    loaded = peft.PeftModel.from_pretrained(base, tmp_path).eval()
    assert tiny.differing(loaded, lora) == []
    assert tiny.largest_difference(loaded(**batch).logits, wanted) < 1e-5
    assert not torch.allclose(wanted, without)
