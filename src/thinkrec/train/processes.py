"""Several processes (torchrun, accelerate launch): all train together, the main one alone reads, decides and writes.

A process that was started by itself is the main one, and everything here is then a plain call.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from accelerate import Accelerator, PartialState
from accelerate.utils import DistributedType, broadcast_object_list

from thinkrec.errors import RecipeError

Result = TypeVar("Result")
_PATIENCE = timedelta(days=2)
"""How long a process waits for the others: as long as the longest stage of the main one."""
_KNOWN = (DistributedType.NO, DistributedType.MULTI_CPU, DistributedType.MULTI_GPU)


class _Depth:
    """How many calls of `on_main` the main process is inside of; the others wait for the outermost."""

    inside = 0


def _state() -> PartialState:
    return PartialState(timeout=_PATIENCE)


def is_main() -> bool:
    """Whether this process is the one that writes."""
    return _state().is_main_process


def on_main(work: Callable[[], Result]) -> Result:
    """What `work` gives in the main process, in all of them; the others wait, and an error is raised in all."""
    if _state().num_processes == 1 or _Depth.inside:
        return work()
    found: list = [None, None]
    if is_main():
        _Depth.inside += 1
        try:
            found[0] = work()
        except Exception as error:
            found[1] = error
        finally:
            _Depth.inside -= 1
    broadcast_object_list(found, from_process=0)
    if found[1] is not None:
        raise found[1]
    return found[0]


def make_accelerator() -> Accelerator:
    """How and where language models compute, as the launcher's environment says.

    Raises RecipeError for a way of sharing work, or a mixed precision, that cannot serve.
    """
    _state()
    try:
        found = Accelerator()
    except ValueError as error:
        raise RecipeError(f"the launcher's settings cannot serve here: {error}") from error
    if found.distributed_type not in _KNOWN:
        raise RecipeError(
            f"the launcher shares work by {found.distributed_type.value}; adapters are small enough for plain data"
            " parallelism: use torchrun, or accelerate launch with --multi_gpu"
        )
    return found
