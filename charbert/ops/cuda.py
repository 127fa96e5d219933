"""CUDA launch of the GRU kernels, compiled at first use by NVRTC, which comes with torch."""

import functools
import importlib.resources
from ctypes import c_int, c_void_p
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F
from transformers.utils import logging

from charbert.ragged import round_up

logger = logging.get_logger(f"transformers.{__name__}")

ROWS_OF_A_BLOCK = 8
UNITS_OF_A_WARP = 16
MOST_UNITS = 256
# Their weights fit in the registers; more units are shared out to a cluster of two blocks.
MOST_UNITS_OF_A_BLOCK = 128
FIRST_WITH_CLUSTERS = (9, 0)
FIRST_WITH_KERNELS = (8, 0)
BYTES_OF_A_TILE = 3 * 32 * 16  # the three gates' 16 x 16 weights of one warp
PADDING = 8  # elements at the end of each row in shared memory
REGISTERS = 65_536  # of a multiprocessor
MOST_REGISTERS_OF_A_THREAD = 255
REGISTERS_OF_A_TILE = 12
OTHER_REGISTERS = 68  # what a thread needs beside the weights
TYPES = {torch.bfloat16: 1, torch.float16: 0}


def round_up_units(units: int) -> int:
    """How many units the kernels compute for so many, the others being zero."""
    several = UNITS_OF_A_WARP if units <= MOST_UNITS_OF_A_BLOCK else 2 * UNITS_OF_A_WARP
    return round_up(units, several)


@torch.compiler.assume_constant_result
def usable(device: int, units: int, dtype: torch.dtype) -> bool:
    """Whether the kernels run on this GPU, for so many units in each direction, in this type.

    The first call for a device compiles them, which takes less than a second. If they cannot run on a
    GPU that is new enough, the reason is logged once.
    """
    if dtype not in TYPES or units > MOST_UNITS or torch.version.cuda is None:
        return False
    if torch.cuda.get_device_capability(device) < FIRST_WITH_KERNELS:
        return False
    reason = _refusal(device, round_up_units(units), dtype)
    if reason:
        logger.warning_once(
            f"The fused character GRU is left out, and torch's, which is slower, runs: {reason}"
        )
    return not reason


@functools.cache
def _refusal(device: int, units: int, dtype: torch.dtype) -> str:
    """Why the kernels cannot be had; empty where they can."""
    try:
        kernels_for(device, units, dtype)
    except ImportError as error:
        return f"{error}; pip install cuda-bindings"
    except (OSError, RuntimeError) as error:
        return str(error).strip().partition("\n")[0]
    return ""


class Prepared(NamedTuple):
    """What the forward kernel reads, in its order."""

    weight: torch.Tensor
    bias: torch.Tensor
    table: torch.Tensor
    entries: torch.Tensor
    lengths: torch.Tensor


def prepare(
    table: torch.Tensor,
    char_input_ids: torch.Tensor,
    lengths: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor,
) -> Prepared:
    """Lay out for the forward kernel what `charbert.ops.gru.gru` is given."""
    # Made on the device: a copy from the host would make it wait.
    halved = F.pad(table.new_full((2, 1), 0.5), (0, 0, 0, 1), value=1.0)
    return Prepared(
        _tile(weight * halved.unsqueeze(-1)),
        bias.float().contiguous(),
        _by_warp(table * halved),
        _entries(char_input_ids, lengths, table.shape[-1]),
        lengths.to(torch.int32).contiguous(),
    )


def forward(
    prepared: Prepared,
    char_input_ids: torch.Tensor,
    vocabulary_size: int,
    states: torch.Tensor,
    factors: torch.Tensor | None,
) -> None:
    """Fill `states`, and `factors` unless None; shapes as in `charbert.ops.gru.gru`."""
    batch_size, characters = char_input_ids.shape
    # A wrong character would be read from somewhere else. This check does not make the host wait.
    known = (char_input_ids >= 0) & (char_input_ids < vocabulary_size)
    torch._assert_async(known.all(), f"char_input_ids must lie in 0 .. {vocabulary_size - 1}")
    kernels_for(states.device.index, states.shape[-1], states.dtype).forward.launch(
        batch_size, *prepared, states, factors, batch_size, characters, vocabulary_size
    )


def backward(
    state_gradients: torch.Tensor,
    factors: torch.Tensor,
    lengths: torch.Tensor,
    weight: torch.Tensor,
    gradients: torch.Tensor,
) -> None:
    """Fill `gradients`; shapes as in `charbert.ops.gru.gru_backward`."""
    batch_size, width = gradients.shape[:2]
    kernels_for(weight.device.index, weight.shape[-1], weight.dtype).backward.launch(
        batch_size,
        _tile(weight.transpose(-1, -2)),
        factors,
        state_gradients,
        lengths.to(torch.int32).contiguous(),
        gradients,
        batch_size,
        width - 1,
    )


def _tile(weight: torch.Tensor) -> torch.Tensor:
    """Weights (2, 3, D, D) in the order the kernel reads them: direction, warp, tile, gate, lane, 8 elements.

    Lane 4 g + p of a warp holds rows g and g + 8, columns 2 p, 2 p + 1, 2 p + 8 and 2 p + 9 of each tile.
    """
    tiles = weight.shape[-1] // UNITS_OF_A_WARP
    parts = weight.reshape(2, 3, tiles, 2, 8, tiles, 2, 4, 2)  # gate, warp, half, g, tile, half, p, pair
    return parts.permute(0, 2, 5, 1, 4, 7, 6, 3, 8).contiguous()


def _by_warp(table: torch.Tensor) -> torch.Tensor:
    """The table (2, V, 3, D) as direction, character, warp, g, and 16 bytes: r, z, n of units g and g + 8."""
    directions, characters, gates, units = table.shape
    parts = table.reshape(directions, characters, gates, units // UNITS_OF_A_WARP, 2, 8)
    return F.pad(parts.permute(0, 1, 3, 5, 2, 4).flatten(-2), (0, 2)).contiguous()


def _entries(char_input_ids: torch.Tensor, lengths: torch.Tensor, units: int) -> torch.Tensor:
    """Where each step's characters begin in the table, in 16 bytes: (2, T + 2, B') for both directions.

    Two steps more than there are are read ahead.
    """
    batch_size, characters = char_input_ids.shape
    steps = torch.arange(characters, device=char_input_ids.device)
    backward = char_input_ids.gather(1, (lengths.unsqueeze(1) - 1 - steps).clamp(min=0))
    ids = F.pad(torch.stack([char_input_ids, backward]), (0, 2, 0, -batch_size % ROWS_OF_A_BLOCK))
    return (ids * (units // 2)).to(torch.int32).transpose(1, 2).contiguous()


@dataclass(frozen=True)
class Kernel:
    """A kernel on the device it was loaded on."""

    function: Any
    device: int
    layout: "Layout"

    def launch(self, batch_size: int, *arguments: torch.Tensor | int | None) -> None:
        """Run it on the current stream, a cluster for each `ROWS_OF_A_BLOCK` sequences and direction."""
        from cuda.bindings import driver

        clusters = -(-batch_size // ROWS_OF_A_BLOCK)
        if clusters == 0:
            return
        values = tuple(
            argument.data_ptr() if isinstance(argument, torch.Tensor) else argument or 0
            for argument in arguments
        )
        types = tuple(c_int if isinstance(argument, int) else c_void_p for argument in arguments)
        grid = (clusters * self.layout.blocks, 2, 1)
        block = (self.layout.threads, 1, 1)
        with torch.cuda.device(self.device):
            stream = torch.cuda.current_stream().cuda_stream
            _check(
                driver.cuLaunchKernel(
                    self.function, *grid, *block, self.layout.shared_bytes, stream, (values, types), 0
                )
            )


@dataclass(frozen=True)
class Kernels:
    """Both loops for one device, number of units and type."""

    forward: Kernel
    backward: Kernel


@functools.cache
def kernels_for(device: int, units: int, dtype: torch.dtype) -> Kernels:
    """Compile and load both kernels.

    Raises:
        ImportError, OSError, RuntimeError: NVRTC or the driver cannot be reached, or refuses.
    """
    from cuda.bindings import driver

    with torch.cuda.device(device):
        torch.cuda.synchronize()  # makes the device's context that of the driver calls here
        properties: Any = torch.cuda.get_device_properties(device)
        blocks = 2 if torch.cuda.get_device_capability(device) >= FIRST_WITH_CLUSTERS else 1
        kernels = []
        for name, buffers, row in (("gru_forward", 3, units), ("gru_backward", 2, 4 * units)):
            limit = properties.shared_memory_per_block_optin
            layout = Layout.of(units, buffers * (row + PADDING), blocks, limit)
            program = compile_kernel(
                name,
                f"--gpu-architecture=sm_{properties.major}{properties.minor}",
                f"-DHIDDEN={units}",
                f"-DCLUSTER={layout.blocks}",
                f"-DROWS={ROWS_OF_A_BLOCK}",
                f"-DPAD={PADDING}",
                f"-DBF16={TYPES[dtype]}",
                f"-DREGISTER_TILES={layout.in_registers}",
                f"-DSHARED_TILES={layout.in_shared}",
            )
            module = _check(driver.cuModuleLoadData(program))
            function = _check(driver.cuModuleGetFunction(module, name.encode()))
            most = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
            _check(driver.cuFuncSetAttribute(function, most, layout.shared_bytes))
            kernels.append(Kernel(function, device, layout))
    return Kernels(*kernels)


class Layout(NamedTuple):
    """How a kernel is divided: blocks of a cluster, threads of a block, and where a warp's weights lie."""

    blocks: int
    threads: int
    in_registers: int
    in_shared: int
    shared_bytes: int

    @classmethod
    def of(cls, units: int, buffered: int, blocks: int, shared_limit: int) -> "Layout":
        """The layout for so many units in each direction.

        Args:
            buffered: elements of a sequence in all buffers of shared memory.
            blocks: the most blocks of a cluster.
            shared_limit: bytes of shared memory that a block may have.

        Raises:
            RuntimeError: the weights do not fit.
        """
        blocks = 1 if units <= MOST_UNITS_OF_A_BLOCK else blocks
        tiles = units // UNITS_OF_A_WARP
        warps = tiles // blocks
        registers = min(MOST_REGISTERS_OF_A_THREAD, REGISTERS // (32 * warps) // 8 * 8)
        in_registers = min(tiles, (registers - OTHER_REGISTERS) // REGISTERS_OF_A_TILE)
        in_shared = tiles - in_registers
        shared_bytes = 2 * ROWS_OF_A_BLOCK * buffered + in_shared * warps * BYTES_OF_A_TILE
        if shared_bytes > shared_limit:
            raise RuntimeError(f"{units} units do not fit on a multiprocessor of this device")
        return cls(blocks, 32 * warps, in_registers, in_shared, shared_bytes)


def compile_kernel(name: str, *options: str) -> bytes:
    """The machine code of a kernel under these options."""
    from cuda.bindings import nvrtc

    folder = importlib.resources.files("charbert.ops").joinpath("kernels")
    source = b"".join(folder.joinpath(part).read_bytes() for part in ("gru_common.cuh", f"{name}.cu"))
    program = _check(nvrtc.nvrtcCreateProgram(source, f"{name}.cu".encode(), 0, [], []))
    (result,) = nvrtc.nvrtcCompileProgram(program, len(options), [option.encode() for option in options])
    if result.value:
        log = bytes(_check(nvrtc.nvrtcGetProgramLogSize(program)))
        _check(nvrtc.nvrtcGetProgramLog(program, log))
        raise RuntimeError(log.decode(errors="replace").strip("\0"))
    code = bytes(_check(nvrtc.nvrtcGetCUBINSize(program)))
    _check(nvrtc.nvrtcGetCUBIN(program, code))
    _check(nvrtc.nvrtcDestroyProgram(program))
    return code


def _check(answer: tuple[Any, ...]) -> Any:
    """What a call of NVRTC or the driver gives beside its error code."""
    error, *given = answer
    if error.value:
        raise RuntimeError(f"{error.name} ({error.value})")
    return given[0] if given else None
