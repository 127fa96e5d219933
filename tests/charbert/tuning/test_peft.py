"""Plain peft: it finds sizes and targets of a CharBERT in any order of imports, and loads our deltas."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import peft
import pytest
import tiny
from small_tuning import HEADS, batch_for, difference, outputs, train, tuned
from torch import nn
from transformers import AutoModelForTokenClassification

import charbert
from charbert import CharBertError
from charbert.configuration import PEFT_SIZES
from charbert.tuning import TuningSettings, add_delta, save_delta

ROOT = Path(__file__).parents[3]
TASKS = {
    charbert.CharBertForTokenClassification: "TOKEN_CLS",
    charbert.CharBertForSequenceClassification: "SEQ_CLS",
    charbert.CharBertForQuestionAnswering: "QUESTION_ANS",
    charbert.CharBertModel: "FEATURE_EXTRACTION",
}


def wrapped(model: nn.Module) -> set[str]:
    """The last names of the modules that peft has wrapped."""
    layers = peft.tuners.tuners_utils.BaseTunerLayer
    return {name.rpartition(".")[2] for name, each in model.named_modules() if isinstance(each, layers)}


@pytest.mark.parametrize("kind", tiny.KINDS)
@pytest.mark.parametrize("head", TASKS, ids=lambda head: head.__name__)
@pytest.mark.parametrize("config", (peft.LoraConfig, peft.IA3Config, peft.PrefixTuningConfig))
def test_peft_needs_to_know_nothing_but_the_task(config: Any, head: Any, kind: str) -> None:
    more = {"num_virtual_tokens": 2} if config is peft.PrefixTuningConfig else {}
    model = peft.get_peft_model(tiny.build(head, kind), config(task_type=TASKS[head], **more))
    if more:
        found = model.peft_config["default"]
        assert (found.token_dim, found.num_layers, found.num_attention_heads) == (32, 2, 4)
        return
    lora = {"query", "value", "token_projection", "char_projection", "convolution"}
    assert wrapped(model) == (lora if config is peft.LoraConfig else {"key", "value", "dense"})
    batch = batch_for(head)
    batch = {
        name: value for name, value in batch.items() if head is not charbert.CharBertModel or "ids" in name
    }
    model(**batch)


def test_sizes_stand_once_in_a_file(kind: str, tmp_path: Path) -> None:
    config = tiny.config(kind)
    assert {name: config.to_dict()[name] for name in PEFT_SIZES} == {
        name: getattr(config.backbone_config, name) for name in PEFT_SIZES
    }
    config.save_pretrained(tmp_path)
    assert not json.loads((tmp_path / "config.json").read_text()).keys() & set(PEFT_SIZES)
    assert charbert.CharBertConfig.from_dict(config.to_dict()).to_dict() == config.to_dict()


@pytest.mark.parametrize(
    "first",
    (
        "import peft; import charbert",
        "import charbert; import peft",
        "import charbert; from peft.utils import constants; import peft",
        "import transformers; import charbert; import peft",
    ),
)
def test_targets_are_known_in_any_order_of_imports(first: str) -> None:
    code = f"""
import sys
{first}
assert "charbert" in peft.LoraModel.target_module_mapping, "lora"
from peft.utils import constants
assert "charbert" in constants.TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING, "ia3"
from transformers import AutoConfig
print(AutoConfig.for_model("charbert").model_type)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == ["charbert"], done.stderr


def test_without_peft_a_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    model = tiny.build(charbert.CharBertForTokenClassification, "bert")
    with pytest.raises(CharBertError, match=r"--tuning: needs the library peft .*; pip install"):
        add_delta(model, TuningSettings(tuning="lora"))
    add_delta(model, TuningSettings(tuning="adapter"))


def test_an_adapter_of_peft_is_loaded_on_its_base(tmp_path: Path) -> None:
    head, base, folder = charbert.CharBertForTokenClassification, tmp_path / "base", tmp_path / "adapter"
    tiny.build(charbert.CharBertForPreTraining, "bert").save_pretrained(base)
    model = peft.get_peft_model(
        head.from_pretrained(base, num_labels=3), peft.LoraConfig(task_type="TOKEN_CLS")
    )
    train(model, batch_for(head), steps=3)
    model.save_pretrained(folder)
    wanted = outputs(model, batch_for(head))
    for loader in (head, AutoModelForTokenClassification):
        loaded = loader.from_pretrained(folder, num_labels=3)
        assert difference(outputs(loaded, batch_for(head)), wanted) == 0
    with pytest.raises(CharBertError, match="adapter: cannot be read as an adapter"):
        head.from_pretrained(folder, num_labels=5)
    for adapted, message in ((loaded, "has adapters of peft on it"), (model, "takes no delta")):
        with pytest.raises(CharBertError, match=message):
            add_delta(adapted, TuningSettings(tuning="bitfit"))
    add_delta(model.merge_and_unload(), TuningSettings(tuning="bitfit"))


@pytest.mark.parametrize("head", HEADS[:2], ids=lambda head: head.__name__)
def test_what_peft_cannot_load_is_not_offered_to_it(head: Any, tmp_path: Path) -> None:
    save_delta(tuned(head, "lora"), tmp_path)
    assert not (tmp_path / "adapter_config.json").exists()


@pytest.mark.parametrize("head", HEADS[2:], ids=lambda head: head.__name__)
@pytest.mark.parametrize("method", ("lora", "dora", "rslora", "lora everywhere", "ia3"))
def test_peft_loads_our_deltas(method: str, head: Any, tmp_path: Path, recwarn: Any) -> None:
    batch, model = batch_for(head), tuned(head, method)
    train(model, batch, steps=3)
    save_delta(model, tmp_path)
    recwarn.clear()
    loaded = peft.PeftModel.from_pretrained(tiny.build(head, "bert"), tmp_path).eval()
    assert not [
        str(each.message) for each in recwarn if "ey" in str(each.message)
    ]  # missing, unexpected keys
    assert difference(outputs(loaded, batch), outputs(model, batch)) < 1e-5
