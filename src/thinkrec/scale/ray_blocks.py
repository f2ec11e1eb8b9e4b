"""Blocks of users shared among the processes of a Ray cluster; each process opens the model once.

Ray starts the processes and says when one is lost; its block then goes to another. What is written does not hang on
any of that: the part of a block comes into being by a rename under a name of its own, so that a block that is computed
twice is there once, and a run whose driver was killed goes on by looking which parts are there.

Plain actors are used, not Ray Data, which was tried (2.60): over ray:// it fails (it asks its driver for a core worker,
which a client has not), it repeats a block that ends every process without end, its writers name files by the attempt,
so that a driver that is started again begins anew, and of an error while a model is opened only a long text comes back.
"""

from __future__ import annotations

import logging
import math
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from thinkrec import errors
from thinkrec.errors import DataError, ThinkRecError
from thinkrec.io.progress import LOGGER
from thinkrec.run.recommendation_parts import Block, Recommend, RunBlocks, write_block

ATTEMPTS = 3
"""Processes that a block may end before it is given up: one that ends every process would be repeated for ever."""
Failure = tuple[str, str] | None
"""Kind and text of a `ThinkRecError`, as a value: of an exception Ray hands on what it wraps around it too."""
OBJECT_STORE = 100 * 2**20
"""Bytes of shared memory of a local cluster. Only ids and numbers of blocks pass through it."""


@dataclass(frozen=True)
class RayOptions:
    """Where the blocks go."""

    address: str
    """local: processes of this machine, started now and ended at the end. auto: the cluster that this machine belongs
    to. Else the address of a cluster, HOST:PORT or ray://HOST:PORT."""
    actors: int | None = None
    """Processes that hold a model. By default one per GPU, or where there is none one per `threads` cores."""
    threads: int = 1
    """Cores of a process."""
    uses_gpu: bool = True
    """Whether each process takes a GPU, where the cluster has any."""


def share_blocks(open_recommend: Callable[[], Recommend], options: RayOptions) -> RunBlocks:
    """What `write_recommendations` takes as `run_blocks`: blocks computed by the processes of a Ray cluster.

    Args:
        open_recommend: called once in every process; is pickled, and so must be importable there. All machines have to
            see the run's folder and that of the parts under the same paths.
        options: where.

    Raises:
        DataError: if Ray is not installed, the cluster does not answer, or a block ended `ATTEMPTS` processes.
        ThinkRecError: what a process raised.
    """
    import_ray()

    def run_blocks(blocks: Sequence[Block]) -> Iterator[Block]:
        with _connect_to_cluster(options) as cluster:
            yield from _map_blocks(open_recommend, blocks, options, cluster)

    return run_blocks


class BlockWorker:
    """A process of the pool: holds the model, writes the parts of the blocks that it is given."""

    def __init__(self, open_recommend: Callable[[], Recommend]) -> None:
        """`open_recommend`: opens the model, when it is first needed."""
        self._open, self._recommend = open_recommend, None

    def open_model(self) -> Failure:
        """Open the model, unless it is open."""
        try:
            self._recommend = self._recommend or self._open()
        except ThinkRecError as error:
            return type(error).__name__, str(error)
        return None

    def write_part(self, block: Block) -> Failure:
        """Write the part of a block, unless it is there."""
        if failure := self.open_model():
            return failure
        assert self._recommend is not None
        try:
            write_block(self._recommend, block)
        except ThinkRecError as error:
            return type(error).__name__, str(error)
        return None


class WorkerPool:
    """Processes of a cluster: a new one for one that is lost, whose block goes to whoever is free first."""

    def __init__(self, start: Callable[[], Any], blocks: Sequence[Block]) -> None:
        """`start`: gives a new actor of `BlockWorker`."""
        self._start, self._waiting = start, deque(blocks)
        self._running: dict[Any, tuple[Any, Block | None]] = {}
        self._lost: Counter[int | None] = Counter()

    def run_blocks(self, size: int) -> Iterator[Block]:
        """Each block once its part is written. Raises what a process says, and DataError as `share_blocks`."""
        for _ in range(size):
            self._add_process()
        try:
            while self._waiting or any(block is not None for _, block in self._running.values()):
                actor, block, failure = self._wait_for_one()
                if failure:
                    kind, text = failure
                    raise getattr(errors, kind)(text)
                if actor is None:
                    self._replace_lost(block)
                    continue
                if self._waiting:
                    # A process gets its first block when its model is open: one that the cluster has no room for gets
                    # none, and nobody waits for it.
                    following = self._waiting.popleft()
                    self._running[actor.write_part.remote(following)] = actor, following
                if block is not None:
                    yield block
        finally:
            self._end_processes()

    def _add_process(self) -> None:
        actor = self._start()
        self._running[actor.open_model.remote()] = actor, None

    def _wait_for_one(self) -> tuple[Any, Block | None, Failure]:
        """The process that is done first with its block, or with opening; None in its place where it was lost."""
        import ray
        from ray.exceptions import RayActorError, RayError

        ready, _ = ray.wait(list(self._running), num_returns=1)
        actor, block = self._running.pop(ready[0])
        try:
            return actor, block, ray.get(ready[0])
        except RayActorError:
            return None, block, None
        except RayError as error:
            reason = str(error).strip().splitlines()[-1]
            raise DataError(f"the cluster could not compute a block: {reason}; the same command goes on") from error

    def _replace_lost(self, block: Block | None) -> None:
        number = None if block is None else block.number
        what = "the model was opened" if block is None else f"block {block.number} was computed"
        self._lost[number] += 1
        if self._lost[number] >= ATTEMPTS:
            users = "" if block is None else f" (users {block.users[0]!r} to {block.users[-1]!r})"
            raise DataError(
                f"{ATTEMPTS} processes ended while {what}{users}, perhaps for want of memory; take fewer --actors, or a"
                " smaller --block. The same command goes on with the blocks that are not done"
            )
        LOGGER.warning("a process was lost while %s; another one does it again", what)
        if block is not None:
            self._waiting.appendleft(block)
        self._add_process()

    def _end_processes(self) -> None:
        import ray

        for actor, _ in self._running.values():
            ray.kill(actor)
        self._running.clear()


def _map_blocks(
    open_recommend: Callable[[], Recommend], blocks: Sequence[Block], options: RayOptions, cluster: Mapping[str, float]
) -> Iterator[Block]:
    import ray

    gpus = 1 if options.uses_gpu and cluster.get("GPU", 0) >= 1 else 0
    room = cluster.get("GPU", 0) if gpus else cluster.get("CPU", 1) / options.threads
    size = min(options.actors or max(1, math.floor(room)), len(blocks))
    kind = ray.remote(num_cpus=options.threads, num_gpus=gpus, max_restarts=0)(BlockWorker)
    yield from WorkerPool(lambda: kind.remote(open_recommend), blocks).run_blocks(size)


@contextmanager
def _connect_to_cluster(options: RayOptions) -> Iterator[Mapping[str, float]]:
    """The cluster's resources by name, while this process belongs to it. Raises DataError where it does not answer."""
    ray = import_ray()
    if ray.is_initialized():  # in a notebook: whoever began it ends it
        yield ray.cluster_resources()
        return
    given: dict[str, Any] = {"address": options.address}
    if options.address == "local":
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        cores = (options.actors or 0) * options.threads or len(os.sched_getaffinity(0))
        given |= {"num_cpus": cores, "include_dashboard": False, "object_store_memory": OBJECT_STORE}
    try:
        ray.init(**given, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise DataError(
            f"--address {options.address}: no Ray cluster answers there ({error}); start one with `ray start --head`, "
            "or say --address local"
        ) from error
    try:
        yield ray.cluster_resources()
    finally:
        ray.shutdown()


def import_ray() -> Any:
    """The package. Raises DataError where it is not installed."""
    try:
        import ray
    except ModuleNotFoundError as error:
        raise DataError(
            f"--address shares the work by Ray, which needs {error.name}; install it: pip install 'thinkrec[ray]'"
        ) from error
    return ray
