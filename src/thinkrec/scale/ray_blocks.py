"""Blocks of users shared among the processes of a Ray cluster; each process opens the model once.

Ray Data decides who computes which block, starts a lost process again and repeats its block. What is written does not
hang on any of that: the part of a block comes into being by a rename under a name of its own, so that a block that is
computed twice is there once, and a run whose driver was killed goes on by looking which parts are there. Ray Data's own
writers are not used for this reason: their files are named by the attempt, and a driver that is started again begins
anew.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from thinkrec import errors
from thinkrec.errors import DataError, ThinkRecError
from thinkrec.io.progress import LOGGER
from thinkrec.run.recommendation_parts import Block, Recommend, RunBlocks, write_block

ATTEMPTS = 3
"""Times that a block is begun before it is given up: one that kills every process would be repeated for ever."""
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
        """`open_recommend`: opens the model, with the first block: what goes wrong then is an answer like another."""
        self._open, self._recommend = open_recommend, None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Write one part; gives its number and how often it was begun, or the kind and text of a `ThinkRecError`."""
        block = Block(int(row["number"]), tuple(json.loads(row["users"])), Path(row["path"]))
        outcome = {"number": block.number, "attempt": 0, "kind": "", "error": ""}
        try:
            return {**outcome, "attempt": self._write_counted(block)}
        except ThinkRecError as error:
            # As a value: of an exception Ray hands on a text with all that it wraps around it.
            return {**outcome, "kind": type(error).__name__, "error": str(error)}

    def _write_counted(self, block: Block) -> int:
        """Write the part; returns for which time it was begun. Raises DataError after `ATTEMPTS`."""
        begun = block.path.with_suffix(".begun")
        attempt = _count_attempt(begun)
        if attempt > ATTEMPTS:
            raise DataError(
                f"block {block.number} (users {block.users[0]!r} to {block.users[-1]!r}) has ended {ATTEMPTS} processes"
                " that computed it, perhaps for want of memory; take fewer --actors, or a smaller --block. The same"
                " command goes on with the blocks that are not done"
            )
        self._recommend = self._recommend or self._open()
        write_block(self._recommend, block)
        begun.unlink(missing_ok=True)
        return attempt


def _count_attempt(begun: Path) -> int:
    """Note in a file that a block is begun; returns for which time, from 1."""
    with begun.open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    return len(begun.read_text(encoding="utf-8").splitlines())


def _map_blocks(
    open_recommend: Callable[[], Recommend], blocks: Sequence[Block], options: RayOptions, cluster: Mapping[str, float]
) -> Iterator[Block]:
    import ray.data
    from ray.exceptions import RayError

    for block in blocks:
        block.path.with_suffix(".begun").unlink(missing_ok=True)  # of a driver before this one
    rows = [
        # JSON keeps ids as they are, whole numbers or text; a column of Arrow would make one type of them.
        {"number": block.number, "users": json.dumps(block.users), "path": str(block.path)}
        for block in blocks
    ]
    gpus = 1 if options.uses_gpu and cluster.get("GPU", 0) >= 1 else 0
    room = cluster.get("GPU", 0) if gpus else cluster.get("CPU", 1) / options.threads
    actors = min(options.actors or max(1, math.floor(room)), len(blocks))
    outcomes = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
        cast(Any, BlockWorker),  # a class, which Ray makes once per process
        fn_constructor_args=(open_recommend,),
        compute=ray.data.ActorPoolStrategy(size=actors),
        num_cpus=options.threads,
        num_gpus=gpus,
    )
    by_number = {block.number: block for block in blocks}
    try:
        for outcome in outcomes.iter_rows():
            if outcome["kind"]:
                raise getattr(errors, outcome["kind"])(outcome["error"])
            if outcome["attempt"] > 1:
                LOGGER.warning("block %d was done again: the process that computed it was lost", outcome["number"])
            yield by_number[outcome["number"]]
    except RayError as error:
        reason = str(error).strip().splitlines()[-1]
        raise DataError(f"the cluster could not compute a block: {reason}; the same command goes on") from error


@contextmanager
def _connect_to_cluster(options: RayOptions) -> Iterator[Mapping[str, float]]:
    """The cluster's resources by name, while this process belongs to it. Raises DataError where it does not answer."""
    ray = import_ray()
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
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
    """The package. Raises DataError where it or what it needs is not installed."""
    try:
        import ray
        import ray.data  # needs pandas, which ray alone does not bring
    except ModuleNotFoundError as error:
        raise DataError(
            f"--address shares the work by Ray, which needs {error.name}; install it: pip install 'thinkrec[ray]'"
        ) from error
    return ray
