"""ONNX: exported programs as graphs for ONNX Runtime, with weights in fp32 or int8."""

import logging
import platform
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from charbert.errors import CharBertError
from charbert.ops.gru import gru_states

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_LARGEST_FILE = 2**31 - 2**20  # of a graph with its weights in it, in bytes: a limit of protobuf

_FOLDED = 2**13  # numbers of a constant that the exporter folds, once for each use


def check_packages(*names: str) -> None:
    """Refuse to go on without a package that reads or writes graphs.

    Args:
        names: of them; none: all.

    Raises:
        CharBertError: one is not installed.
    """
    missing = [name for name in names or PACKAGES if find_spec(name) is None]
    if missing:
        raise CharBertError(
            f"{', '.join(missing)}: not installed, and an exported model needs it; "
            'pip install "charbert[export]"'
        )


def write_graph(program: ExportedProgram, outputs: Sequence[str], path: Path, opset: int) -> None:
    """Write a program as an ONNX graph, whose dimensions have the names of the program's.

    Args:
        program: from `export_program`.
        outputs: names of what it returns, in its order.
        path: the file. A graph beyond 2 GB has its weights in a second one beside it.
        opset: version of the ONNX operators.
    """
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass, DeduplicateInitializersPass

    with _quiet():
        graph = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=opset,
            output_names=list(outputs),
            custom_translation_table={gru_states._opoverload: _translate_gru},
            verbose=False,
        )
        assert graph is not None
        # Constants of a layer that repeats, and of each node where in the sources it comes from.
        for simplify in (DeduplicateInitializersPass(_FOLDED), ClearMetadataAndDocStringPass()):
            simplify(graph.model)
        weights = [value.const_value for value in graph.model.graph.initializers.values()]
        size = sum(weight.nbytes for weight in weights if weight is not None)
        graph.save(path, external_data=size > _LARGEST_FILE)


def may_saturate() -> bool:
    """Whether sums of products of 8 bits may overflow on this processor: one of x86 without VNNI.

    Its instruction adds two of them in 16 bits (`reduce_range` in ONNX Runtime's guide to quantisation).
    """
    # An older torch does not know.
    known: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    is_x86 = platform.machine().lower() in ("x86_64", "amd64")
    return is_x86 and not any(known.get(name) for name in ("avx_vnni", "avx512_vnni", "amx_int8"))


def quantize(source: Path, target: Path, reduce_range: bool = False) -> None:
    """Write a graph with the weights of its matrix products in int8, by output channel.

    Activations are quantised at each run, by the range that they have. Embeddings, the GRU, attention and
    norms stay in fp32.

    Args:
        source, target: the files.
        reduce_range: use 7 of the 8 bits, for processors of which `may_saturate` holds.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _quiet():
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            reduce_range=reduce_range,
            weight_type=QuantType.QInt8,
            use_external_data_format=source.stat().st_size > _LARGEST_FILE,
        )


def _translate_gru(inputs: Any, weights: Sequence[Any]) -> Any:
    """`charbert::gru_states` (B, T, E) -> (B, T, D) as the operator GRU of ONNX."""
    import onnxscript

    op: Any = onnxscript.opset18
    input_weight, hidden_weight, input_bias, hidden_bias = weights

    def reordered(weight: Any) -> Any:
        reset, update, new = op.Split(weight, axis=0, num_outputs=3)
        return op.Concat(update, reset, new, axis=0)

    direction = op.Constant(value_ints=[0])
    states, _ = op.GRU(
        op.Transpose(inputs, perm=[1, 0, 2]),
        op.Unsqueeze(reordered(input_weight), direction),
        op.Unsqueeze(reordered(hidden_weight), direction),
        op.Unsqueeze(op.Concat(reordered(input_bias), reordered(hidden_bias), axis=0), direction),
        hidden_size=hidden_weight.shape[1],
        linear_before_reset=1,
    )
    return op.Transpose(op.Squeeze(states, op.Constant(value_ints=[1])), perm=[1, 0, 2])


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter and the quantiser print and warn of their own steps."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
