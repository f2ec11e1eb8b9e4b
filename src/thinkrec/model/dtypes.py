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


CPU_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})
"""Instructions for bfloat16, as Linux names them."""
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
"""Hidden size from which bfloat16 is the faster (bench/formats.py; figures in docs/performance.md). Below, a step is
many small products, of which changing formats takes a larger share than multiplying saves. One bound for all devices,
so that a run of a small model can move between them."""


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
