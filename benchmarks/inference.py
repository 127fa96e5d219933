"""`python -m benchmarks inference`: latency, throughput and memory of CharBERT beside BERT.

PyTorch as it is and compiled, and the graphs of `charbert export` in fp32 and int8. Both models have random
weights, the same sizes and no head. BERT is exported in the same way, with the mask in its fastest form.
Calls take turns, so that what else runs on the machine slows all alike; `x BERT` compares with BERT run by
the same.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import BertConfig, BertModel

from benchmarks.frame import DeviceSettings, Report, reset_device
from benchmarks.synthetic import PAD_ID, random_spelling
from charbert.commands.devices import find_device
from charbert.commands.settings import option
from charbert.configuration import CharBertConfig
from charbert.export.graph import check_packages, may_saturate, quantize, write_graph
from charbert.export.program import export_program, folded_interactions, trace
from charbert.export.session import ExportedModel
from charbert.modeling import CharBertModel

EAGER, COMPILED, FP32, INT8 = KINDS = ("eager", "compiled", "onnx-fp32", "onnx-int8")
ON_GPU = (EAGER, COMPILED)
MODELS = ("BERT", "CharBERT")
AXES = ("batch", "length")
MIB = 2**20
_ONE_CALL = """
import sys
import numpy as np, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[2])
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
ids = np.ones((1, int(sys.argv[3])), np.int64)
session.run(None, {each.name: ids * (each.name != "token_type_ids") for each in session.get_inputs()})
# Of this process alone: what getrusage gives begins with the peak of the one that started it.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
Run = Callable[[dict[str, torch.Tensor]], object]


@dataclass(kw_only=True)
class InferenceSettings(DeviceSettings):
    kinds: list[str] = option(
        list(KINDS), "what runs the models; a GPU, in bf16, has the first two", choices=KINDS, unique=True
    )
    lengths: list[int] = option([384, 128, 32], "tokens of a sequence", minimum=1)
    batch_sizes: list[int] = option([1, 32], "sequences of a call", minimum=1)
    threads: list[int] = option([2, 1], "of a CPU", minimum=1)
    rounds: int = option(20, "timed calls of each", minimum=1)
    hidden_size: int = option(768, "units", minimum=4)
    num_hidden_layers: int = option(12, "layers", minimum=1)
    vocab_size: int = option(28996, "tokens", minimum=16)


def run(given: InferenceSettings) -> None:
    """Measure all, the greatest shapes first.

    Raises:
        CharBertError: a graph is asked for, and a package that makes or runs it is not installed.
    """
    device = find_device(given.device)
    kinds = [kind for kind in given.kinds if device.type == "cpu" or kind in ON_GPU]
    if set(kinds) - set(ON_GPU):
        check_packages()
    report = Report(given, f"{given.num_hidden_layers} layers of {given.hidden_size} on {device.type}")
    models = make_models(given)
    with TemporaryDirectory() as folder, torch.inference_mode():
        for kind in kinds:
            if kind not in ON_GPU:
                write_graphs(models, Path(folder), INT8 in kinds)
                break
        if device.type == "cuda":
            models = {name: model.to(device, torch.bfloat16) for name, model in models.items()}
        for threads in given.threads if device.type == "cpu" else [0]:
            torch.set_num_threads(threads or torch.get_num_threads())
            reset_device(device)
            runs, memory = load(models, kinds, Path(folder), threads, max(given.lengths))
            if memory:
                report.add("memory", *memory)
            for length in given.lengths:
                for batch_size in given.batch_sizes:
                    batch = make_batch(given, batch_size, length, device)
                    times = measure(runs, batch, given.rounds, device)
                    report.add("times", *rows(times, batch_size, length, threads))


def make_models(given: InferenceSettings) -> dict[str, nn.Module]:
    """Both models, with random weights, in evaluation mode."""
    torch.manual_seed(0)
    sizes = {
        "hidden_size": given.hidden_size,
        "num_hidden_layers": given.num_hidden_layers,
        "num_attention_heads": max(1, given.hidden_size // 64),
        "intermediate_size": 4 * given.hidden_size,
        "vocab_size": given.vocab_size,
    }
    config = CharBertConfig(backbone_config=sizes)
    charbert = CharBertModel(config, add_pooling_layer=False)
    charbert.spelling = random_spelling(config, np.random.default_rng(0))
    bert = BertModel(BertConfig(**sizes), add_pooling_layer=False)
    return dict(zip(MODELS, (bert.eval(), charbert.eval()), strict=True))


def write_graphs(models: Mapping[str, nn.Module], folder: Path, int8: bool) -> None:
    """The graphs of both models, as `NAME-KIND.onnx`."""
    for name, model in models.items():
        with nullcontext() if name == MODELS[0] else folded_interactions(model):
            program = _export_bert(model) if name == MODELS[0] else export_program(model)
        outputs = ["last_hidden_state", "char_last_hidden_state"][: MODELS.index(name) + 1]
        path = folder / f"{name}-{FP32}.onnx"
        write_graph(program, outputs, path, opset=20)
        if int8:
            quantize(path, folder / f"{name}-{INT8}.onnx", may_saturate())


class _MaskedBert(nn.Module):
    """BERT with a mask to add, as the graph of CharBERT has it: one of booleans costs int8 a tenth more."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        row = torch.zeros(attention_mask.shape).masked_fill(
            attention_mask == 0, torch.finfo(torch.float32).min
        )
        mask = row[:, None, None].expand(-1, 1, input_ids.shape[1], -1)
        return self.model(input_ids, mask, token_type_ids).last_hidden_state


def _export_bert(model: nn.Module) -> torch.export.ExportedProgram:
    ids = torch.ones(2, 10, dtype=torch.long)
    inputs = {"input_ids": ids, "attention_mask": ids, "token_type_ids": torch.zeros_like(ids)}
    return trace(_MaskedBert(model), inputs, AXES, longest=512)


def load(
    models: Mapping[str, nn.Module], kinds: list[str], folder: Path, threads: int, longest: int
) -> tuple[dict[tuple[str, str], Run], list[dict[str, Any]]]:
    """What runs each model, by kind and model, and of graphs what a process takes of memory."""
    runs: dict[tuple[str, str], Run] = {}
    memory = []
    for kind in kinds:
        for name, model in models.items():
            if kind in ON_GPU:
                called = torch.compile(model) if kind == COMPILED else model
                runs[kind, name] = partial(_call, called)
            else:
                path = folder / f"{name}-{kind}.onnx"
                session = ExportedModel(path, threads)
                runs[kind, name] = partial(_call, session)
                memory.append(
                    {
                        "model": f"{name} {kind}, {threads} threads",
                        "file, MiB": path.stat().st_size / MIB,
                        "peak, MiB": _measure_peak(path, threads, longest),
                    }
                )
    return runs, memory


def _call(model: Any, batch: dict[str, torch.Tensor]) -> object:
    return model(**batch)


def measure(
    runs: Mapping[tuple[str, str], Run], batch: dict[str, torch.Tensor], rounds: int, device: torch.device
) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Milliseconds of calls, which take turns, and of the processor; a first call of each is not counted."""
    times: dict[tuple[str, str], list[tuple[float, float]]] = {key: [] for key in runs}
    for number in range(rounds + 1):
        for key, call in runs.items():
            started = time.perf_counter(), time.process_time()
            call(batch)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            ended = time.perf_counter(), time.process_time()
            if number:
                times[key].append((1e3 * (ended[0] - started[0]), 1e3 * (ended[1] - started[1])))
    return times


def rows(
    times: Mapping[tuple[str, str], list[tuple[float, float]]], batch_size: int, length: int, threads: int
) -> list[dict[str, Any]]:
    """Rows of a table: a ratio is the median of the rounds', in each of which both ran side by side."""
    found = []
    for (kind, name), taken in times.items():
        half, slow = np.percentile(taken, [50, 99], axis=0)
        ratios = np.median(np.divide(taken, times[kind, MODELS[0]]), axis=0)
        found.append(
            {
                "batch x tokens, threads": f"{batch_size:>3} x {length:<4} {threads} {name} {kind}",
                "p50, ms": float(half[0]),
                "p99, ms": float(slow[0]),
                "sequences/s": 1e3 * batch_size / float(half[0]),
                "x BERT": float(ratios[0]),
                "CPU, ms": float(half[1]),
                "x BERT, CPU": float(ratios[1]),
            }
        )
    return found


def make_batch(
    given: InferenceSettings, batch_size: int, length: int, device: torch.device
) -> dict[str, torch.Tensor]:
    """Random tokens without padding."""
    draws = torch.Generator().manual_seed(0)
    ids = torch.randint(PAD_ID + 1, given.vocab_size, (batch_size, length), generator=draws).to(device)
    types = torch.zeros_like(ids)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": types}


def _measure_peak(path: Path, threads: int, length: int) -> float:
    """The most memory that a process takes, in MiB, that does nothing but load a graph and call it once."""
    arguments = [str(path), str(threads), str(length)]
    shown = subprocess.run(
        [sys.executable, "-c", _ONE_CALL, *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return int(shown.stdout) / 1024
