"""Several processes (torchrun, accelerate launch): all train and score, the main one alone reads, decides and writes.

A process that was started by itself is the main one, and everything here is then a plain call.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import TypeVar

import numpy as np
import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import (
    DistributedType,
    broadcast_object_list,
    gather_object,
    get_int_from_env,
    parse_flag_from_env,
)

from thinkrec.errors import RecipeError

Result = TypeVar("Result")
_PATIENCE = timedelta(days=2)
"""How long a process waits for the others: as long as the longest stage of the main one."""
_OTHER = (DistributedType.DEEPSPEED, DistributedType.FSDP, DistributedType.MEGATRON_LM, DistributedType.XLA)
"""Ways of sharing work that split the model or its optimiser."""
_SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""Where launchers say how many processes they started."""


class _Depth:
    """How many calls of `run_on_main` the main process is inside of; the others wait for the outermost."""

    inside = 0


_SHARE_CONTEXTS: list[Callable[[], AbstractContextManager[None]]] = [nullcontext]
"""What all processes have to be inside of while they compute their shares; the last one counts."""


def _get_process_state(cpu: bool = False) -> PartialState:
    state = PartialState(cpu=cpu or _is_cpu_only(), timeout=_PATIENCE)
    if state.num_processes < _count_processes():
        raise RecipeError(
            f"{_count_processes()} processes were started, but they cannot find one another; start them with torchrun"
            " or accelerate launch"
        )
    return state


def _count_processes() -> int:
    return max(1, get_int_from_env(_SIZES, 1))


def _is_cpu_only() -> bool:
    """Whether the launcher asks for CPUs, or several processes have nothing else that they could share."""
    device = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    alone = device is None or device.type == "mps"
    return parse_flag_from_env("ACCELERATE_USE_CPU") or (_count_processes() > 1 and alone)


def is_main() -> bool:
    """Whether this process is the one that writes."""
    return _get_process_state().is_main_process


def silence_other_processes() -> None:
    """Show no warnings in processes other than the main one, which says the same."""
    if not is_main():
        warnings.simplefilter("ignore")


def run_on_main(work: Callable[[], Result]) -> Result:
    """What `work` gives in the main process, in all of them; the others wait, and an error is raised in all."""
    if _get_process_state().num_processes == 1 or _Depth.inside:
        return work()
    outcome: list = [None, None]
    if is_main():
        _Depth.inside += 1
        try:
            outcome[0] = work()
        except Exception as error:
            outcome[1] = error
        finally:
            _Depth.inside -= 1
    broadcast_object_list(outcome, from_process=0)
    if outcome[1] is not None:
        raise outcome[1]
    return outcome[0]


def is_inside_main() -> bool:
    """Whether this is the main process inside `run_on_main`, where the others wait."""
    return _Depth.inside > 0


def join_shares(join: Callable[[], AbstractContextManager[None]]) -> None:
    """Have all processes compute their shares (`compute_shares`) inside `join()`, of which the last call counts."""
    _SHARE_CONTEXTS[:] = [join]


def compute_shares(rows: np.ndarray, compute: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """`compute(rows)`, float64 (len(rows),), in all processes, each of which computes a part of it.

    `rows`: int64; neighbours in their ascending order stay together as far as can be, since they may share work.
    Everything is computed here where the process is alone or inside `run_on_main`. An error is raised in all.
    """
    state = _get_process_state()
    if state.num_processes == 1 or _Depth.inside:
        return compute(rows)
    parts = np.array_split(np.argsort(rows, kind="stable"), state.num_processes)
    mine: list = [None, None]
    try:
        with _SHARE_CONTEXTS[-1]():
            mine[0] = compute(rows[parts[state.process_index]])
    except Exception as error:
        mine[1] = error
    values = np.zeros(len(rows))
    for part, (value, error) in zip(parts, gather_object([mine]), strict=True):
        if error is not None:
            raise error
        values[part] = value
    return values


def make_accelerator(device: str | None = None) -> Accelerator:
    """How and where language models compute, as the launcher's environment says; `device`: cpu, in any case.

    Raises RecipeError for a way of sharing work, or a mixed precision, that cannot serve.
    """
    cpu = device == "cpu" or _is_cpu_only()
    _get_process_state(cpu)
    try:
        accelerator = Accelerator(cpu=cpu)
    except ValueError as error:
        raise RecipeError(f"the launcher's settings cannot serve here: {error}") from error
    if accelerator.distributed_type in _OTHER:
        raise RecipeError(
            f"the launcher shares work by {accelerator.distributed_type.value}; adapters are small enough for plain"
            " data parallelism: use torchrun, or accelerate launch with --multi_gpu, and --sharding full where the"
            " backbone does not fit one card"
        )
    return accelerator
