"""Which number format each device computes in natively; what each part of a recommender is held and computed in is
in docs/performance.md.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from thinkrec.io.proc import lines_of

Format = Literal["float32", "bfloat16", "float16"]


class Native(NamedTuple):
    """A kind of device and the format that it is fastest in without losing range."""

    device: str
    capability: tuple[int, int]
    """Least compute capability of a CUDA device; (0, 0) for any."""
    flags: frozenset[str]
    """Instructions of which a CPU must have one; empty for any."""
    format: Format


CPU_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})
"""Instructions for bfloat16, as Linux names them."""
NATIVE = (
    Native("cuda", (8, 0), frozenset(), "bfloat16"),
    # Older ones have units for float16 alone, in which hidden states of large models overflow.
    Native("cuda", (0, 0), frozenset(), "float32"),
    Native("cpu", (0, 0), CPU_BFLOAT16, "bfloat16"),
    Native("cpu", (0, 0), frozenset(), "float32"),
    Native("mps", (0, 0), frozenset(), "float32"),
)
"""The first row that fits counts."""


def native(device: str, capability: tuple[int, int] = (0, 0), flags: frozenset[str] = frozenset()) -> Format:
    """The format that a kind of device ("cpu", "cuda", "mps", ...) is fastest in; float32 for kinds not listed."""
    for row in NATIVE:
        if row.device == device and capability >= row.capability and (not row.flags or row.flags & flags):
            return row.format
    return "float32"


def native_here() -> Format:
    """That of the device that a run takes on this machine: the first GPU, NVIDIA's or Apple's, else the CPU."""
    import torch

    if torch.cuda.is_available():
        return native("cuda", torch.cuda.get_device_capability())
    return native("mps") if torch.backends.mps.is_available() else native("cpu", flags=cpu_flags())


def cpu_flags() -> frozenset[str]:
    """Instruction sets of this machine's CPU as Linux names them; empty elsewhere."""
    return frozenset(lines_of("/proc/cpuinfo").get("flags", "").split())
