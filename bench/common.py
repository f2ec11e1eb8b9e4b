"""What every benchmark here does alike: times in turns, medians, a note of the machine, ratios held to their limits."""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import torch
from rich.console import Console
from rich.table import Table

from thinkrec.run.provenance import describe_environment

RESULTS = Path(__file__).parent / "results"
REPEATS = 5


@dataclass(frozen=True)
class Row:
    """One line of a table: ours beside a peer."""

    what: str
    peer: str
    ours: float
    """Median, in `unit`."""
    theirs: float
    unit: str
    ratio: float
    """How much better ours is; where `at_most` is true, how much more ours takes."""
    limit: float | None
    """The smallest ratio that will do, or with `at_most` the largest; None where none was set."""
    at_most: bool = False
    note: str = ""
    all: dict[str, Any] = field(default_factory=dict)
    """Every measurement behind the medians, and what else belongs to them."""

    @property
    def holds(self) -> bool:
        """Whether the limit is kept."""
        return self.limit is None or (self.ratio <= self.limit if self.at_most else self.ratio >= self.limit)


def times(
    runs: Mapping[str, Callable[[], Any]],
    repeats: int = REPEATS,
    *,
    is_warm: bool = False,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of every run, `repeats` times in turns after one turn to warm up, so that drift hits all alike.

    `is_warm`: without that turn, where the runs have done the like before. `clock`: what gives the seconds.
    """
    found: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(0 if is_warm else -1, repeats):
        for name, run in runs.items():
            gc.collect()
            _wait()
            began = clock()
            run()
            _wait()
            if turn >= 0:
                found[name].append(clock() - began)
    return found


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def median(seconds: list[float]) -> float:
    """The middle one."""
    return statistics.median(seconds)


def parser_of(doc: str, name: str) -> argparse.ArgumentParser:
    """The options of every script here."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESULTS / f"{name}.json", help="where the JSON goes")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="timed turns; the median counts")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of PyTorch")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--backbone", default="nano", help="nano, smollm2, a folder, or a shape of models.SHAPES")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"), help="of the frozen weights")
    return parser


def backbone_of(args: argparse.Namespace) -> dict[str, Any]:
    """The options that say what is measured, as `models.recommender` takes them."""
    return {"source": args.backbone, "device": args.device, "dtype": getattr(torch, args.dtype)}


def arguments(doc: str, name: str) -> argparse.Namespace:
    """The command line of a script without options of its own."""
    found = parser_of(doc, name).parse_args()
    torch.set_num_threads(found.threads)
    return found


def finish(rows: list[Row], out: Path, more: Mapping[str, Any] | None = None) -> None:
    """Print the table, write the JSON, and leave with status 1 where a limit is not kept."""
    write_rows(rows, out, more)
    leave(rows)


def leave(rows: list[Row]) -> NoReturn:
    """Print the table and leave, with status 1 where a limit is not kept."""
    Console(width=160).print(table(rows))
    sys.exit(0 if all(row.holds for row in rows) else 1)


def write_rows(rows: list[Row], out: Path, more: Mapping[str, Any] | None = None) -> None:
    """The rows as JSON, with the command and the machine."""
    out.parent.mkdir(parents=True, exist_ok=True)
    # From the root of the repository, wherever that is.
    command = " ".join(["python", *sys.argv]).replace(f"{RESULTS.parents[1]}{os.sep}", "")
    held = {
        "command": command,
        "environment": {**describe_environment(), "cores": os.cpu_count()},
        "rows": [asdict(row) | {"holds": row.holds} for row in rows],
        **(more or {}),
    }
    out.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")


def table(rows: list[Row]) -> Table:
    """What was measured, one line each."""
    made = Table()
    for heading in ("what", "ours", "peer", "the peer's", "ratio", "limit", ""):
        made.add_column(heading, overflow="fold")
    for row in rows:
        limit = "" if row.limit is None else f"{'<=' if row.at_most else '>='} {row.limit:.2f}"
        made.add_row(
            row.what,
            f"{row.ours:.4g} {row.unit}",
            row.peer,
            f"{row.theirs:.4g} {row.unit}",
            f"{row.ratio:.2f}",
            limit,
            "ok" if row.holds else "[red]short[/red]",
        )
    return made
