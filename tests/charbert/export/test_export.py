"""Exported CharBERTs beside the models that they come from. Without `charbert[export]` these are skipped."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from small_tuning import tuned

import charbert
from charbert import CharBertError
from charbert.backbones import longest_input

onnx = pytest.importorskip("onnx", reason="onnx is not installed: charbert[export]")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: charbert[export]")
pytest.importorskip("onnxscript", reason="onnxscript is not installed: charbert[export]")

from charbert.__main__ import main  # noqa: E402
from charbert.export import MODEL_FILE, folder, graph  # noqa: E402
from charbert.export.command import load  # noqa: E402
from charbert.export.folder import LARGEST_ERROR, export_onnx  # noqa: E402
from charbert.export.program import export_program, make_inputs  # noqa: E402
from charbert.export.session import ExportedModel  # noqa: E402
from charbert.settings import FIRST_OPSET, LAST_OPSET  # noqa: E402
from charbert.tuning import TuningSettings, add_delta, save_delta  # noqa: E402

Token = charbert.CharBertForTokenClassification
SHAPES = [(1, 1), (1, 9), (5, 80), (2, 3)]  # the model reads 80 tokens of BERT, 78 of RoBERTa
SMALL = {"backbone": {"num_hidden_layers": 1}}
# All heads as programs of torch below; as graphs, ten seconds each, one here and all by `make test-slow`.
VARIANTS: list[Any] = [
    *(
        pytest.param(head, "bert", SMALL, marks=() if head is Token else pytest.mark.slow)
        for head in tiny.HEADS
    ),
    pytest.param(charbert.CharBertForSequenceClassification, "roberta", SMALL, marks=pytest.mark.slow),
    (Token, "roberta", {"interaction": "paper"}),
    (Token, "bert", {"interaction": "paper", "interaction_per_layer": True}),
    (Token, "bert", {"interaction": "none", "char_encoder": "embedding"}),
    (Token, "bert", {"interaction_kernel_size": 5, **SMALL}),
]


def name_variant(value: Any) -> str:
    if isinstance(value, dict):
        return "-".join(str(each) for name, each in value.items() if name != "backbone") or "released"
    return getattr(value, "__name__", str(value))


def batches(model: Any) -> list[dict[str, torch.Tensor]]:
    """Random tokens in several shapes, with padding behind, before and between."""
    draws = torch.Generator().manual_seed(0)
    made = []
    for rows, length in SHAPES:
        shape = [{"batch": rows, "choices": 2}.get(name) for name in model.input_axes[:-1]]
        shape = [*shape, min(length, model.base_model.max_tokens)]
        ids = torch.randint(5, model.config.vocab_size, shape, generator=draws)
        mask = torch.ones_like(ids)
        if rows > 1:
            mask[0, ..., -1], mask[1, ..., 0] = 0, 0
        if length > 9:
            mask[2, ..., 4:9], mask[3, ..., 30:] = 0, 0
        ids = ids.masked_fill(mask == 0, model.config.pad_token_id)
        types = torch.randint(model.config.type_vocab_size, shape, generator=draws)
        made.append(make_inputs(model, ids, mask, types))
    return made


def assert_same(model: Any, run: Callable[..., Any], tolerance: float) -> None:
    for batch in batches(model):
        with torch.inference_mode():
            wanted, found = model(**batch), run(**batch)
        assert list(found) == list(wanted)
        for name, right in wanted.items():
            assert tiny.largest_difference(found[name], right) <= tolerance, (name, batch["input_ids"].shape)


@pytest.mark.parametrize(("head", "kind", "changes"), VARIANTS, ids=name_variant)
def test_graphs_give_what_models_give(head: Any, kind: str, changes: dict[str, Any], tmp_path: Path) -> None:
    model = tiny.build(head, kind, **changes)
    names = set(model.state_dict())
    errors = export_onnx(model, tiny.tokenizer(kind), tmp_path)
    exported = ExportedModel(tmp_path)
    assert set(model.state_dict()) == names, "the model is as it was"
    assert errors.keys() == set(exported.outputs)
    assert max(errors.values()) < 1e-5
    assert exported.max_tokens == longest_input(exported) == model.base_model.max_tokens
    assert exported.inputs == ["input_ids", "attention_mask", "token_type_ids"][: 3 if kind == "bert" else 2]
    assert_same(model, exported, 2e-5)


@pytest.mark.parametrize("head", tiny.HEADS, ids=name_variant)
def test_programs_of_torch_give_what_models_give(head: Any) -> None:
    model = tiny.build(head, "bert", **SMALL)
    assert_same(model, export_program(model).module(), 1e-5)


@pytest.mark.parametrize("method", ["prompt", "prefix"])
def test_programs_of_deltas_give_what_models_give(method: str) -> None:
    pytest.importorskip("peft", reason="peft is not installed: charbert[tuning]")
    model = tuned(Token, method, **SMALL).eval()
    assert_same(model, export_program(model).module(), 1e-5)


def test_a_program_may_be_traced_strictly() -> None:
    model = tiny.build(Token, "roberta", interaction="paper")
    assert_same(model, export_program(model, strict=True).module(), 1e-5)


def test_a_graph_multiplies_once_for_each_interaction(tmp_path: Path) -> None:
    model = tiny.build(Token, "bert")
    export_onnx(model, tiny.tokenizer("bert"), tmp_path)
    written = onnx.load(tmp_path / MODEL_FILE).graph
    weights = {each.name: list(each.dims) for each in written.initializer}
    folded = [name for name, shape in weights.items() if shape == [64, 96]]
    assert len(folded) == 1, "W1, W2 and three taps of 32 units in one, shared by both layers"
    assert sum(folded[0] in node.input for node in written.node) == 2
    assert not any(node.op_type == "Conv" for node in written.node)
    assert not any(node.metadata_props or node.doc_string for node in written.node), "no paths of sources"


@pytest.mark.parametrize(
    ("machine", "flags", "expected"),
    [
        ("x86_64", {"avx2": True}, True),
        ("AMD64", {"avx2": True, "avx_vnni": True}, False),
        ("x86_64", {"avx512_vnni": True}, False),
        ("arm64", {"dot": True}, False),
    ],
)
def test_8_bits_may_saturate_on_x86_without_vnni(
    machine: str, flags: dict[str, bool], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph.platform, "machine", lambda: machine)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags, raising=False)
    assert graph.may_saturate() is expected


def test_int8_is_near_and_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "may_saturate", lambda: True)
    size = {"hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 1}
    model = tiny.build(Token, "bert", backbone=size)
    errors = export_onnx(model, tiny.tokenizer("bert"), tmp_path, int8=True)
    assert errors["logits"] < 1e-5 < 1e-4 < errors["int8_logits"] < 0.1
    assert (tmp_path / MODEL_FILE).stat().st_size < 3 * model.num_parameters()
    weights = onnx.load(tmp_path / MODEL_FILE).graph.initializer
    in_8_bits = [
        onnx.numpy_helper.to_array(each) for each in weights if each.data_type == onnx.TensorProto.INT8
    ]
    assert {int(abs(each).max()) for each in in_8_bits if each.ndim > 1} == {64}, "7 bits of 8"
    exported = ExportedModel(tmp_path)
    with torch.inference_mode():
        for batch in batches(model):
            wanted = model(**batch).logits
            assert (exported(**batch)["logits"] - wanted).norm() < 0.1 * wanted.norm()


@pytest.mark.parametrize("opset", [FIRST_OPSET, LAST_OPSET])
def test_opsets(opset: int, tmp_path: Path) -> None:
    export_onnx(tiny.build(Token, "bert", **SMALL), tiny.tokenizer("bert"), tmp_path, opset=opset)
    assert [each.version for each in onnx.load(tmp_path / MODEL_FILE).opset_import if not each.domain] == [
        opset
    ]


def test_a_graph_that_differs_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LARGEST_ERROR, "fp32", 1e-9)
    with pytest.raises(CharBertError, match=r"logits: .* differs .* 1e-09 is the limit"):
        export_onnx(tiny.build(Token, "bert", **SMALL), tiny.tokenizer("bert"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_cannot_spell_is_refused(tmp_path: Path) -> None:
    model = tiny.build(Token, "bert")
    model.charbert.spelling = None
    with pytest.raises(CharBertError, match="no spelling table"):
        export_onnx(model, tiny.tokenizer("bert"), tmp_path)
    model.config.spelling_length = 0
    model.save_pretrained(tmp_path)
    with pytest.raises(CharBertError, match="charbert convert makes it of --character-vocabulary"):
        load(str(tmp_path))


def test_without_onnx_runtime_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = graph.find_spec
    monkeypatch.setattr(graph, "find_spec", lambda name: None if name == "onnxruntime" else found(name))
    with pytest.raises(CharBertError, match=r"onnxruntime: not installed.*charbert\[export\]"):
        main(["export", "none", "--output", str(tmp_path / "new")])
    with pytest.raises(CharBertError, match=r"charbert\[export\]"):
        ExportedModel(tmp_path)


def test_a_folder_without_a_graph_is_no_exported_model(tmp_path: Path) -> None:
    with pytest.raises(CharBertError, match="no exported model there; charbert export makes one"):
        ExportedModel(tmp_path)


def test_a_delta_is_exported_with_its_own_head(tmp_path: Path) -> None:
    base, delta = tmp_path / "base", tmp_path / "delta"
    tiny.build(charbert.CharBertForPreTraining, "bert", **SMALL).save_pretrained(base)
    model = Token.from_pretrained(base)
    add_delta(model, TuningSettings(tuning="bitfit"))
    save_delta(model, delta)
    tiny.tokenizer("bert").save_pretrained(delta)
    # As an earlier version saved it.
    (delta / "config.json").write_bytes((base / "config.json").read_bytes())
    assert isinstance(load(str(delta))[0], Token)


def test_the_command_writes_all_that_a_program_without_torch_needs(tmp_path: Path, capsys: Any) -> None:
    model = tiny.build(Token, "bert", **SMALL)
    source, output = tmp_path / "model", tmp_path / "exported"
    model.save_pretrained(source)
    tiny.tokenizer("bert").save_pretrained(source)
    (source / "task.json").write_text("{}")
    main(["export", str(source), "--output", str(output)])
    assert "CharBertForTokenClassification" in capsys.readouterr().out
    assert "ExportedModel" in (output / "README.md").read_text()
    assert {"config.json", "model.onnx", "results.json", "task.json", "tokenizer.json"} <= {
        path.name for path in output.iterdir()
    }
    assert json.loads((output / "results.json").read_text())["error_logits"] < 1e-5
    exported = ExportedModel(output)
    assert_same(model, exported, 2e-5)
    ids = torch.full((1, 3), 7)
    all_given = exported(ids, attention_mask=torch.ones_like(ids), token_type_ids=torch.zeros_like(ids))
    assert torch.equal(exported(input_ids=ids, attention_mask=None)["logits"], all_given["logits"])
    for shape, message in (((0, 5), "no tokens"), ((1, 81), "81 tokens .* reads 80: truncate")):
        with pytest.raises(CharBertError, match=message):
            exported(torch.ones(shape, dtype=torch.long))
