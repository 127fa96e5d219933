"""Saved deltas: what a folder says, what it is refused for, and several on one base."""

import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from hub import hub_of_this_process
from plain import save_plain
from safetensors.torch import load_file, save_file
from small_tuning import METHODS, batch_for, difference, outputs, train, tuned
from transformers import (
    AutoModel,
    AutoModelForTokenClassification,
    BertForTokenClassification,
    DebertaV2Config,
    DebertaV2Model,
    DistilBertConfig,
    MPNetConfig,
    MPNetModel,
)

import charbert
from charbert import CharBertError
from charbert.tuning import (
    TuningSettings,
    add_delta,
    load_delta,
    merge_delta,
    save_delta,
    trainable_table,
    use_delta,
)
from charbert.tuning.saving import from_delta, refuse_delta

HEAD = charbert.CharBertForTokenClassification
SMALL = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
SWITCHED = ("lora", "ia3", "houlsby", "bitfit", "freeze layers:1", "dora", "p-tuning-v2")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    model = tuned(HEAD, "lora")
    train(model, batch_for(HEAD), steps=3)
    save_delta(model, tmp_path / "delta")
    return tmp_path / "delta"


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "delta.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_folder_says_what_it_holds_and_holds_nothing_else(saved: Path) -> None:
    said = json.loads((saved / "delta.json").read_text())
    assert said["method"] == "lora" and said["settings"]["lora_rank"] == 8
    assert said["charbert_version"] == charbert.__version__
    assert said["model_class"] == HEAD.__name__
    assert json.loads((saved / "config.json").read_text())["architectures"] == [HEAD.__name__]
    model = tuned(HEAD, "lora")
    assert sum(map(torch.numel, load_file(saved / "adapter_model.safetensors").values())) == (
        trainable_table(model)[-1].trainable
    )


def test_several_deltas_share_a_base() -> None:
    batch, base = batch_for(HEAD), tiny.build(HEAD, "bert")
    plain = outputs(base, batch)
    model, wanted = tiny.build(HEAD, "bert"), {}
    for method in SWITCHED:
        add_delta(model, TuningSettings(**METHODS[method]), method)
        train(model, batch, steps=3)
        wanted[method] = outputs(model, batch)
    for method in (*SWITCHED[::-1], *SWITCHED):
        use_delta(model, method)
        assert difference(outputs(model, batch), wanted[method]) == 0, method
    use_delta(model, None)
    assert difference(outputs(model, batch), plain) == 0
    assert not tiny.differing(model, base)
    assert all(weight.requires_grad for weight in model.parameters())
    with pytest.raises(
        CharBertError, match="no delta 'x'; this model has lora, ia3, houlsby, bitfit, freeze"
    ):
        use_delta(model, "x")
    with pytest.raises(CharBertError, match="no delta is on"):
        save_delta(model, "nowhere")
    use_delta(model, "lora")
    with pytest.raises(CharBertError, match=r"merging would leave ia3, houlsby, .* without a base"):
        merge_delta(model)
    with pytest.raises(CharBertError, match="has a delta 'ia3' already; give it another name"):
        add_delta(model, TuningSettings(tuning="lora"), "ia3")
    assert difference(outputs(model, batch), wanted["lora"]) == 0


@pytest.mark.parametrize("method", METHODS)
def test_the_base_is_known_by_its_weights(method: str, tmp_path: Path) -> None:
    save_delta(tuned(HEAD, method), tmp_path)
    other = tiny.build(HEAD, "bert")
    frozen = "charbert.backbone.embeddings.word_embeddings.weight"
    with torch.no_grad():
        other.get_parameter(frozen)[3, 0] += 0.5
    before = {name: weight.clone() for name, weight in other.named_parameters()}
    with pytest.raises(
        CharBertError, match=r"was trained on weights (\w{16}) .* and this model has (?!\1)\w{16}"
    ):
        load_delta(other, tmp_path)
    assert all(torch.equal(weight, before[name]) for name, weight in other.named_parameters())
    assert all(weight.requires_grad for weight in other.parameters())


def test_another_head_or_version_is_refused(saved: Path) -> None:
    base = tiny.build(HEAD, "bert")
    with pytest.raises(
        CharBertError, match="is a delta of a CharBertForTokenClassification, not of a CharBertM"
    ):
        load_delta(tiny.build(charbert.CharBertModel, "bert"), saved)
    with pytest.raises(CharBertError, match=r"classifier.bias is \(3,\) in it and \(5,\) in the model"):
        load_delta(tiny.build(HEAD, "bert", num_labels=5), saved)
    edit(saved, format=2, charbert_version="9.0")
    with pytest.raises(
        CharBertError, match=r"saved by charbert 9\.0 in format 2; this version, .*, reads format 1"
    ):
        load_delta(base, saved)
    for content in ("{}", "[1]", "", '{"format": 1, "settings": []}'):
        (saved / "delta.json").write_text(content)
        with pytest.raises(CharBertError, match=r"has no delta\.json that can be read; give a folder"):
            load_delta(base, saved)
    assert not tiny.differing(base, tiny.build(HEAD, "bert"))


def test_a_damaged_file_of_weights_is_refused(saved: Path) -> None:
    base, path = tiny.build(HEAD, "bert"), saved / "adapter_model.safetensors"
    tensors = load_file(path)
    name = next(name for name in tensors if "lora_A" in name)
    save_file({each: tensor for each, tensor in tensors.items() if each != name}, path)
    with pytest.raises(CharBertError, match=r"lora_A\.weight is missing in it and \(8, 32\) in the model"):
        load_delta(base, saved)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(CharBertError, match="delta: "):
        load_delta(base, saved)
    assert not tiny.differing(base, tiny.build(HEAD, "bert"))


@pytest.mark.parametrize("method", ("lora", "houlsby", "prefix"))
def test_from_pretrained_puts_a_delta_on_its_base(method: str, tmp_path: Path) -> None:
    names = {0: "a", 1: "b", 2: "c"}
    base, folder = tmp_path / "base", tmp_path / "delta"
    tiny.build(charbert.CharBertForPreTraining, "bert").save_pretrained(base)
    labels = {"id2label": names, "label2id": {name: number for number, name in names.items()}}
    torch.manual_seed(0)
    model = HEAD.from_pretrained(base, **labels)
    add_delta(model, TuningSettings(**METHODS[method]))
    train(model, batch_for(HEAD), steps=3)
    save_delta(model, folder)
    for loader in (HEAD, AutoModelForTokenClassification):
        loaded = loader.from_pretrained(folder)
        assert difference(outputs(loaded, batch_for(HEAD)), outputs(model, batch_for(HEAD))) < 1e-5
        assert loaded.config.id2label == names
    edit(folder, base=None)
    with pytest.raises(CharBertError, match="does not say where its base is"):
        HEAD.from_pretrained(folder)


@pytest.mark.parametrize("loader", (HEAD, AutoModelForTokenClassification))
def test_what_is_asked_of_loading_goes_to_the_base(loader: Any, tmp_path: Path) -> None:
    base, folder, names = tmp_path / "base", tmp_path / "delta", {0: "x", 1: "y", 2: "z"}
    tiny.build(charbert.CharBertForPreTraining, "bert").save_pretrained(base)
    model = HEAD.from_pretrained(base, num_labels=3)
    add_delta(model, TuningSettings(tuning="bitfit"))
    save_delta(model, folder)
    asked = {"output_hidden_states": True, "hidden_dropout_prob": 0.5, "id2label": names}
    loaded = loader.from_pretrained(folder, torch_dtype=torch.bfloat16, **asked)
    assert {name: getattr(loaded.config, name) for name in asked} == asked
    assert {weight.dtype for weight in loaded.parameters()} == {torch.bfloat16}
    with pytest.raises(CharBertError, match=r"classifier.bias is \(3,\) in it and \(5,\) in the model"):
        HEAD.from_pretrained(folder, num_labels=5)
    assert {weight.dtype for weight in loader.from_pretrained(folder, dtype="float16").parameters()} == {
        torch.float16
    }
    with pytest.raises(
        CharBertError, match="in float16; give the base that it was trained on, in float32 or"
    ):
        load_delta(HEAD.from_pretrained(base, num_labels=3, dtype="float16"), folder)


def test_what_is_trained_beside_a_delta_is_not_lost_in_silence(tmp_path: Path) -> None:
    model = tuned(HEAD, "lora")
    model.charbert.char_encoder.embeddings.requires_grad_(True)
    with pytest.raises(CharBertError, match=r"delta: charbert\.char_encoder\.embeddings would be lost"):
        save_delta(model, tmp_path / "delta")
    assert not (tmp_path / "delta").exists()
    with pytest.raises(CharBertError, match="is the base of deltas; resize and save it before"):
        model.resize_token_embeddings(100)


def test_a_delta_of_the_hub_is_put_on_its_base(tmp_path: Path) -> None:
    base, folder, batch = tmp_path / "base", tmp_path / "delta", batch_for(HEAD)
    tiny.build(charbert.CharBertForPreTraining, "bert").save_pretrained(base)
    with hub_of_this_process(tmp_path / "cache") as hub:
        hub.add_folder("me/base", base)
        model = HEAD.from_pretrained("me/base", num_labels=3)
        add_delta(model, TuningSettings(tuning="lora"))
        train(model, batch, steps=2)
        save_delta(model, folder)
        hub.add_folder("me/delta", folder)
        for loader in (HEAD, AutoModelForTokenClassification):
            assert difference(outputs(loader.from_pretrained("me/delta"), batch), outputs(model, batch)) == 0
        onto = HEAD.from_pretrained("me/base", num_labels=3)
        load_delta(onto, "me/delta")
        assert difference(outputs(onto, batch), outputs(model, batch)) == 0
        with pytest.raises(CharBertError, match="me/delta: holds a delta, not a whole model"):
            refuse_delta("me/delta")


def test_a_folder_holds_a_delta_or_a_whole_model(tmp_path: Path) -> None:
    base, folder = tmp_path / "base", tmp_path / "delta"
    tiny.build(HEAD, "bert").save_pretrained(base)
    model = HEAD.from_pretrained(base)
    add_delta(model, "lora")
    with pytest.raises(CharBertError, match="base: holds a whole model; save the delta into a folder of its"):
        save_delta(model, base)
    save_delta(model, folder)
    assert (folder / "adapter_config.json").exists()
    add_delta(model, "bitfit", "other")
    save_delta(model, folder)
    assert not (folder / "adapter_config.json").exists()
    use_delta(model, None)
    with pytest.raises(CharBertError, match="delta: holds a delta, which would be loaded; give another"):
        model.save_pretrained(folder)
    edit(folder, base=str(folder))
    with pytest.raises(CharBertError, match=r"its base cannot be loaded; .* holds a delta, not a whole"):
        HEAD.from_pretrained(folder)


@pytest.mark.parametrize("wrap", (partial(torch.compile, backend="eager"), torch.nn.DataParallel))
def test_a_wrapped_model_has_the_deltas_of_what_it_holds(wrap: Any, tmp_path: Path) -> None:
    model, other = tiny.build(HEAD, "bert"), tiny.build(HEAD, "bert")
    add_delta(wrap(model), TuningSettings(tuning="lora"))
    save_delta(wrap(model), tmp_path)
    load_delta(wrap(other), tmp_path)
    assert tiny.differing(other, model) == []
    assert trainable_table(wrap(model)) == trainable_table(model)
    use_delta(wrap(model), None)
    merge_delta(wrap(other))
    assert tiny.differing(other, model) == []
    with pytest.raises(CharBertError, match="Linear: takes no delta; give a model of transformers itself"):
        add_delta(torch.nn.Linear(1, 1), TuningSettings(tuning="lora"))


def test_a_method_that_fails_leaves_the_model_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.build(HEAD, "bert")
    with monkeypatch.context() as patched:
        patched.setattr("charbert.tuning.adapters.replace_module", None)
        with pytest.raises(TypeError):
            add_delta(model, TuningSettings(tuning="adapter"))
    assert all(weight.requires_grad for weight in model.parameters())
    add_delta(model, TuningSettings(tuning="adapter"))


@pytest.mark.parametrize(
    "given",
    ({"num_labels": 2}, {"num_labels": 3, "problem_type": "multi_label_classification"}),
    ids=("the default labels", "several labels"),
)
def test_the_kind_of_a_head_comes_with_its_delta(given: dict[str, Any], tmp_path: Path) -> None:
    head, base, folder = charbert.CharBertForSequenceClassification, tmp_path / "base", tmp_path / "delta"
    tiny.build(charbert.CharBertForPreTraining, "bert").save_pretrained(base)
    model = head.from_pretrained(base, **given)
    add_delta(model, TuningSettings(tuning="bitfit"))
    save_delta(model, folder)
    loaded = head.from_pretrained(folder)
    onto = head.from_pretrained(base, num_labels=given["num_labels"])
    own = onto.config.problem_type
    load_delta(onto, folder)
    for name in ("num_labels", "id2label", "label2id", "problem_type"):
        wanted = getattr(model.config, name)
        assert getattr(loaded.config, name) == getattr(onto.config, name) == wanted
    use_delta(onto, None)
    assert onto.config.problem_type == own
    use_delta(onto, "default")
    assert onto.config.problem_type == model.config.problem_type
    merge_delta(onto)
    add_delta(onto, TuningSettings(tuning="bitfit"))
    save_delta(onto, folder)
    with pytest.raises(CharBertError, match="does not say where its base is"):
        head.from_pretrained(folder)


def test_labels_that_are_edited_in_place_are_those_of_one_delta() -> None:
    model = tiny.build(HEAD, "bert")
    add_delta(model, TuningSettings(tuning="bitfit"))
    model.config.id2label[0] = "PER"
    use_delta(model, None)
    assert model.config.id2label[0] == "LABEL_0"
    use_delta(model, "default")
    assert model.config.id2label[0] == "PER"


@pytest.mark.parametrize("kind", ("charbert", "plain"))
def test_nothing_is_logged_of_parts_that_come_from_the_delta(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, folder, logged = tmp_path / "base", tmp_path / "delta", []
    if kind == "plain":
        save_plain(base, "bert", "model")
        model = BertForTokenClassification.from_pretrained(base, num_labels=3)
    else:
        tiny.build(charbert.CharBertForPreTraining, "bert").save_pretrained(base)
        model = HEAD.from_pretrained(base, num_labels=3)
    add_delta(model, TuningSettings(tuning="bitfit"))
    save_delta(model, folder)
    monkeypatch.setattr(logging.Handler, "handle", lambda _, record: logged.append(record.getMessage()))
    from_delta(AutoModelForTokenClassification if kind == "plain" else HEAD, folder)
    assert not logged


def test_a_plain_model_takes_the_methods_that_need_no_characters(tmp_path: Path) -> None:
    base = save_plain(tmp_path / "base", "bert", "model")
    batch = batch_for(HEAD)
    for method in ("lora", "ia3", "houlsby", "pfeiffer", "bitfit", "freeze layers:1"):
        model = BertForTokenClassification.from_pretrained(base, num_labels=3)
        add_delta(model, TuningSettings(**METHODS[method]))
        train(model, batch, steps=3)
        save_delta(model, tmp_path / method)
        loaded = from_delta(AutoModelForTokenClassification, tmp_path / method)
        assert torch.equal(loaded(**batch).logits, model(**batch).logits)


@pytest.mark.parametrize(
    ("given", "message"),
    (
        (
            {"lora_targets": ["interactions"]},
            "--lora-targets: 'interactions' matches no module of this model",
        ),
        (
            {"lora_targets": ["query", "vlaue"]},
            "'vlaue' matches no module .*; choose of layers, interaction, gru, ",
        ),
        ({"lora_targets": ["position_embeddings"]}, "'position_embeddings' matches no module .* be adapted"),
        (
            {"lora_targets": ["gru"], "lora_dropout": 0.1},
            "--lora-dropout: the weights of the GRU cannot have it",
        ),
    ),
)
def test_targets_that_are_not_there_are_named_with_the_choices(given: dict[str, Any], message: str) -> None:
    model = tiny.build(HEAD, "bert")
    with pytest.raises(CharBertError, match=message):
        add_delta(model, TuningSettings(tuning="lora", **given))
    assert not tiny.differing(model, tiny.build(HEAD, "bert"))


def test_a_model_with_nothing_to_train_is_refused() -> None:
    model = tiny.build(charbert.CharBertModel, "bert")
    with pytest.raises(CharBertError, match="--tuning freeze: leaves nothing of this model to train"):
        add_delta(model, TuningSettings(tuning="freeze"))
    assert all(weight.requires_grad for weight in model.parameters())
    distil = AutoModel.from_config(DistilBertConfig(dim=32, n_layers=1, n_heads=2, hidden_dim=32))
    with pytest.raises(CharBertError, match="DistilBertModel has no layers like BERT's"):
        add_delta(distil, TuningSettings(tuning="adapter"))


def test_a_plain_model_whose_layers_have_other_parts_is_refused_by_name() -> None:
    model = MPNetModel(MPNetConfig(**SMALL))
    for given, message in (
        ({"tuning": "lora"}, "--lora-targets: 'query' matches no module .*; choose of layers, dense, "),
        ({"tuning": "adapter"}, r"--tuning adapter: layers of MPNetModel have no attention\.output\.dense"),
    ):
        with pytest.raises(CharBertError, match=message):
            add_delta(model, TuningSettings(**given))
    add_delta(
        model, TuningSettings(tuning="freeze", freeze="layers:1")
    )  # its encoder has a bias of all layers
    assert not model.encoder.relative_attention_bias.weight.requires_grad
    deberta = DebertaV2Model(DebertaV2Config(**SMALL))
    with pytest.raises(CharBertError, match="--tuning ia3: DebertaV2Model has no key and no value"):
        add_delta(deberta, TuningSettings(tuning="ia3"))
