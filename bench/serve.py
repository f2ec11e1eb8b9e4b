"""The service under load, beyond it, and killed: every figure beside its bound (issue of the service; docs/serve.md).

    python bench/serve.py runs/demo

Needs a finished run, such as `make demo` leaves; nothing is written into it. The load generator is a process of its own
on loopback. `--seconds 5 --overload-seconds 10 --kills 5` is a short form, whose figures are of no use.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from common import RESULTS, Row, finish
from postgres_server import NoPostgresError, serve_postgres
from serve_breakdown import explain_slowest, show_breakdown
from serve_crash import CrashResult, run_crashes
from serve_load import LoadResult, LoadSettings
from serve_measure import (
    CLIENTS,
    Overload,
    Questions,
    choose_questions,
    compute_percentile,
    read_cpu_seconds,
    read_memory,
    read_metrics,
    run_load,
    run_overload,
    serve,
    warm_prefixes,
)
from serve_process import Nursery

FASTER, SLOWER, OVERLOAD, GROWTH, RECOVERY, KILLS = 5.0, 3.0, 4.0, 1.05, 5.0, 100
"""The bounds: throughput over the plain one, p99 over the median, rates over saturation, memory, seconds, kills."""
LONGER = 4
"""Times as long as the others is the phase at half of saturation. Of 50 seconds of random arrivals the slowest 1 % are
one burst or two, so that p99 differs much between seeds (on a made-up clock 2.0 to 3.2 times the unloaded median)."""
ITEMS = list(range(1, 20))
"""Ids that clients write opinions about."""
BASELINES: dict[str, dict[str, Any]] = {
    "one at a time, every prompt whole": {"is_plain": True, "limits": {"prefix_bytes": 0, "lanes": 1}},
    "one at a time, prefix shared within the request": {"limits": {"prefix_bytes": 0, "lanes": 1}},
}
"""Neither batches across requests nor keeps prefixes between them. The first computes what candidates share once for
each of them, which is what a service without any prefix cache does, and holds the bound; the second is only shown. With
one lane, so that their only request has all cores."""


@dataclass
class Measured:
    """All phases."""

    single: LoadResult
    full: LoadResult
    half: LoadResult
    half_rate: float
    overload: Overload
    baselines: dict[str, LoadResult]
    metrics: dict[str, float]
    cpu_seconds: float
    """Of the service in the phase `full`."""


def compute_rate(result: LoadResult) -> float:
    """Requests a second that were answered."""
    return len(result.latencies) / result.seconds


def measure(nursery: Nursery, run: Path, folder: Path, args: argparse.Namespace) -> Measured:
    """Run all phases of load against services of one run."""
    with serve(nursery, run, folder / "load.sqlite") as (port, pid):
        questions = choose_questions(port, args.users)
        print(f"  {len(questions.users)} users come back, {len(questions.items)} items, seed {args.seed}", flush=True)
        warm_prefixes(port, questions)
        settings = build_settings(port, questions, args)
        run_load(replace(settings, seconds=min(5.0, args.seconds), clients=8))
        single = show_phase("one at a time", run_load(replace(settings, clients=1)))
        begun = read_cpu_seconds(pid)
        full = show_phase(f"{CLIENTS} at a time", run_load(settings))
        cpu = read_cpu_seconds(pid) - begun
        half_rate = compute_rate(full) / 2
        open_settings = replace(settings, clients=256, rate=half_rate, seconds=LONGER * args.seconds)
        half = show_phase(f"at {half_rate:.1f} a second", run_load(open_settings))
        calm = SLOWER * compute_percentile(single.latencies, 0.5)
        rate = OVERLOAD * compute_rate(full)
        beyond = replace(open_settings, rate=rate, seconds=args.overload_seconds, clients=2048, says_sent=True)
        overload = run_overload(port, pid, beyond, calm)
        show_phase(f"at {beyond.rate:.1f} a second", overload.load)
        metrics = read_metrics(port)
        print(f"  memory of the service at the end: {read_memory(pid) >> 20} MiB", flush=True)
    baselines = {}
    for name, options in BASELINES.items():
        with serve(nursery, run, folder / "baseline.sqlite", **options) as (port, _):
            settings = replace(build_settings(port, questions, args), clients=1)
            run_load(replace(settings, seconds=min(3.0, args.seconds)))
            baselines[name] = show_phase(name, run_load(settings))
    return Measured(single, full, half, half_rate, overload, baselines, metrics, cpu)


def build_settings(port: int, questions: Questions, args: argparse.Namespace) -> LoadSettings:
    """Full concurrency in a closed loop."""
    return LoadSettings(port, args.seconds, CLIENTS, None, questions.users, questions.items, seed=args.seed)


def show_phase(name: str, result: LoadResult) -> LoadResult:
    """Print what a phase gave; returns it."""
    middle, late = (compute_percentile(result.latencies, share) * 1000 for share in (0.5, 0.99))
    print(
        f"  {name}: {compute_rate(result):.2f} answers a second, median {middle:.0f} ms, p99 {late:.0f} ms, "
        f"{result.statuses} {result.faults or ''}",
        flush=True,
    )
    return result


def build_load_rows(measured: Measured) -> list[Row]:
    """Throughput, and how long the slowest wait."""
    full, rows = compute_rate(measured.full), []
    for name, result in measured.baselines.items():
        limit = FASTER if name == next(iter(BASELINES)) else None
        theirs = compute_rate(result)
        rows.append(Row("throughput of 50 candidates", name, full, theirs, "requests/s", full / theirs, limit))
    middle = compute_percentile(measured.single.latencies, 0.5)
    late = compute_percentile(measured.half.latencies, 0.99)
    rows.append(
        Row("p99 at half of saturation", "median unloaded", late, middle, "s", late / middle, SLOWER, at_most=True)
    )
    wrong = sum(
        n
        for result in (measured.single, measured.full, measured.half)
        for status, n in result.statuses.items()
        if status != "200"
    )
    rows.append(build_count_row("requests up to saturation without an answer", wrong))
    return rows


def build_overload_rows(overload: Overload, seconds: float) -> list[Row]:
    """What went wrong beyond saturation, and whether it was beyond it at all."""
    load, sent = overload.load, sum(overload.load.statuses.values())
    before, after = max(overload.list_memory(0.2, 0.4)), max(overload.list_memory(0.8, 1.0))
    refused, rate = load.statuses.get("503", 0), sent / seconds
    return [
        build_count_row("errors other than 503 in overload", overload.others),
        build_count_row("answers 503 without Retry-After", load.retry_after_missing),
        Row("requests sent", "4x saturation", rate, overload.rate, "1/s", rate / overload.rate, 0.9),
        Row("refused in overload", "sent", refused, sent, "", refused / sent, 0.2),
        Row("memory late in overload", "early", after, before, "B", after / before, GROWTH, at_most=True),
        Row("recovery", "5 s", overload.recovery, RECOVERY, "s", overload.recovery / RECOVERY, 1.0, at_most=True),
    ]


def build_crash_rows(name: str, result: CrashResult, kills: int) -> list[Row]:
    """What was acknowledged before a kill and is gone."""
    busy = result.kills - result.idle_kills
    return [
        build_count_row(f"{name}: acknowledged and lost, of {result.acknowledged}", len(result.lost)),
        build_count_row(f"{name}: stored twice", result.doubled),
        Row(f"{name}: kills with acknowledged writes", "asked for", busy, kills, "", busy / max(1, kills), 0.9),
    ]


def build_count_row(what: str, n: int) -> Row:
    """A number that has to be 0."""
    return Row(what, "none", n, 0, "", float(n), 0.0, at_most=True)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--seconds", type=float, default=25.0, help="of a phase of load")
    parser.add_argument("--overload-seconds", type=float, default=60.0)
    parser.add_argument("--kills", type=int, default=KILLS, help="of each log of interactions; 0 leaves them out")
    parser.add_argument("--users", type=int, default=100, help="who come back")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of PyTorch in the service")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS / "serve.json")
    return parser.parse_args()


def summarise_phase(result: LoadResult) -> dict[str, Any]:
    """What is kept of a phase: figures, not every latency."""
    shares = {name: compute_percentile(result.latencies, share) for name, share in SHARES.items()}
    return {"per_second": compute_rate(result), "statuses": result.statuses, "seconds": result.seconds, **shares}


def crash_all(nursery: Nursery, folder: Path, args: argparse.Namespace, rows: list[Row]) -> dict[str, Any]:
    """Kill the service under writes on SQLite and on PostgreSQL; adds the rows and returns what happened."""
    results = {}
    try:
        with serve_postgres(install=True) as server:
            for kind, log in {"SQLite": str(folder / "crash.sqlite"), "PostgreSQL": server.url}.items():
                print(f"  kill -9 under writes, {kind}", flush=True)
                result = run_crashes(nursery, args.run, log, ITEMS, kills=args.kills, seed=args.seed)
                rows += build_crash_rows(kind, result, args.kills)
                results[kind] = asdict(result)
    except NoPostgresError as error:
        print(f"  {error}", flush=True)
        rows.append(Row("PostgreSQL: kills", "asked for", 0, args.kills, "", 0.0, 1.0))
    return results


SHARES = {"median": 0.5, "p90": 0.9, "p99": 0.99, "slowest": 1.0}


def main() -> None:
    """Measure, print, write, and fail where a figure falls short."""
    args, rows, more = parse_arguments(), list[Row](), dict[str, Any]()
    with tempfile.TemporaryDirectory() as name, Nursery(args.threads) as nursery:
        folder = Path(name)
        measured = measure(nursery, args.run, folder, args)
        rows += build_load_rows(measured) + build_overload_rows(measured.overload, args.overload_seconds)
        more["where_the_time_went"] = {
            name: show_breakdown(name, explain_slowest(result))
            for name, result in {"one at a time": measured.single, "half": measured.half}.items()
        }
        phases = {"single": measured.single, "full": measured.full, "half": measured.half} | measured.baselines
        more["phases"] = {name: summarise_phase(result) for name, result in phases.items()}
        more["overload"] = summarise_phase(measured.overload.load) | {
            "rate": measured.overload.rate,
            "memory": measured.overload.memory[:: max(1, len(measured.overload.memory) // 20)],
        }
        more["metrics"] = {name: n for name, n in measured.metrics.items() if "prefix" in name or "queue" in name}
        more["cpu_seconds_per_request"] = measured.cpu_seconds / max(1, len(measured.full.latencies))
        if args.kills:
            more["crash"] = crash_all(nursery, folder, args, rows)
    for row in rows:
        assert not math.isnan(row.ratio), row
    finish(rows, args.out, more)


if __name__ == "__main__":
    main()
