"""Which number format each device computes in natively, and from which size of a model on that pays.

What each part of a recommender is held and computed in stands in docs/performance.md.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from thinkrec.io.proc import read_proc_fields

Format = Literal["float32", "bfloat16", "float16"]


class NativeDtype(NamedTuple):
    """A kind of device and the format that it is fastest in without losing range."""

    device: str
    capability: tuple[int, int]
    """Least compute capability of a CUDA device; (0, 0) for any."""
    flags: frozenset[str]
    """Instructions of which a CPU must have one; empty for any."""
    dtype: Format


CPU_BFLOAT16 = frozenset({"amx_bf16"})
"""Instructions, as Linux names them, by which a CPU multiplies bfloat16 several times as fast as float32."""
CPU_BFLOAT16_DOT = frozenset({"avx512_bf16"})
"""Instructions for bfloat16 that do not make a CPU fast in it: on an Intel Xeon without AMX, matrix products take 1.7
times as long as in float32, and so do whole passes (bench/formats.py; docs/performance.md)."""
NATIVE_DTYPES = (
    NativeDtype("cuda", (8, 0), frozenset(), "bfloat16"),
    # Older ones have units for float16 alone, in which hidden states of large models overflow.
    NativeDtype("cuda", (0, 0), frozenset(), "float32"),
    NativeDtype("cpu", (0, 0), CPU_BFLOAT16, "bfloat16"),
    NativeDtype("cpu", (0, 0), frozenset(), "float32"),
    NativeDtype("mps", (0, 0), frozenset(), "float32"),
)
"""The first row that fits counts."""
LEAST_HIDDEN_SIZE = 512
"""Hidden size from which a format other than float32 is taken. SmolLM2 (576) gains by it (docs/performance.md); nano
(192) is held in float32 on every device, since its products are too small for the conversions to pay and since a run of
it is to go on wherever it is moved."""


def find_native_dtype(device: str, capability: tuple[int, int] = (0, 0), flags: frozenset[str] = frozenset()) -> Format:
    """The format that a kind of device ("cpu", "cuda", "mps", ...) is fastest in; float32 for kinds not listed."""
    for row in NATIVE_DTYPES:
        if row.device == device and capability >= row.capability and (not row.flags or row.flags & flags):
            return row.dtype
    return "float32"


def detect_native_dtype() -> Format:
    """That of the device that a run takes on this machine: the first GPU, NVIDIA's or Apple's, else the CPU."""
    import torch

    if torch.cuda.is_available():
        return find_native_dtype("cuda", torch.cuda.get_device_capability())
    return (
        find_native_dtype("mps")
        if torch.backends.mps.is_available()
        else find_native_dtype("cpu", flags=read_cpu_flags())
    )


def choose_dtype(hidden_size: int) -> Format:
    """The format that this machine is fastest in for a backbone of a hidden size: what `dtype: auto` means."""
    return "float32" if hidden_size < LEAST_HIDDEN_SIZE else detect_native_dtype()


def read_cpu_flags() -> frozenset[str]:
    """Instruction sets of this machine's CPU as Linux names them; empty elsewhere."""
    return frozenset(read_proc_fields("/proc/cpuinfo").get("flags", "").split())
