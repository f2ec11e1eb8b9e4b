"""Large tables: from CSV to checked, split rows, then encoders, slot vectors and groups; time and peak memory of each.

    python bench/scale.py                       (1 and 5 million ratings; minutes; writes bench/results/scale.json)
    python bench/scale.py --rows 1000000 5000000 20000000 51000000 --plot docs/scale.svg
    python bench/scale.py --rows 1000000 --steps mf lightgcn neighbours boosting       (`scale_steps.py` names them)

Ratings are generated (`big_ratings.py`); each figure is of a process of its own. Bounds of reading: 51 million within 5
minutes and 8 GB on two cores, fewer in proportion, and one million within 5 seconds; every process may take 0.4 GB
before it reads anything. Bounds of a step behind it: 5 million within 5 minutes of work of one core and 8 GB, data
included, fewer in proportion over a minute and 1 GB; there is none beyond 5 million, where no step is tried.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from big_ratings import write_items, write_ratings
from common import RESULTS

from thinkrec.run.provenance import describe_environment

FULL, FULL_SECONDS, FULL_GB, IMPORTED_GB = 51_000_000, 300.0, 8.0, 0.4
MILLION_SECONDS = 5.0
STEP_ROWS, STEP_SECONDS, STEP_GB = 5_000_000, 300.0, 8.0
LEAST_SECONDS, LEAST_GB = 60.0, 1.0
STEPS = ("mf", "slots", "groups")
CHILD = """
import json, resource, sys, time, warnings
from thinkrec.data.dataset import Dataset
from thinkrec.data.split import ByFractions
warnings.simplefilter("ignore")
began = time.perf_counter()
ds = Dataset.from_tables(sys.argv[1] + "/ratings.csv", sys.argv[1] + "/items.csv", threshold=3, split=ByFractions())
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"rows": len(ds.interactions), "users": ds.interactions.n_users, "items": len(ds.items),
                  "seconds": seconds, "cpu_seconds": time.process_time(), "peak_bytes": peak}))
"""


def measure_reading(rows: int, seed: int = 0) -> dict[str, Any]:
    """Rows, users, items, seconds and peak bytes of reading so many generated ratings in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        write_ratings(Path(folder) / "ratings.csv", rows, seed)
        write_items(Path(folder) / "items.csv", rows)
        done = subprocess.run([sys.executable, "-c", CHILD, folder], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def compute_bounds(rows: int) -> tuple[float, float]:
    """Seconds and bytes that reading so many ratings may take."""
    seconds = MILLION_SECONDS if rows <= 1_000_000 else max(MILLION_SECONDS, FULL_SECONDS * rows / FULL)
    return seconds, (IMPORTED_GB + (FULL_GB - IMPORTED_GB) * rows / FULL) * 1e9


def measure_step(rows: int, step: str, seed: int = 0) -> dict[str, Any]:
    """What `scale_steps.py` says of one step on so many generated ratings."""
    with tempfile.TemporaryDirectory() as folder:
        write_ratings(Path(folder) / "ratings.csv", rows, seed)
        write_items(Path(folder) / "items.csv", rows)
        script = [sys.executable, str(Path(__file__).with_name("scale_steps.py")), folder, step]
        done = subprocess.run(script, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def compute_step_bounds(rows: int) -> tuple[float, float]:
    """Seconds and bytes that a step on so many ratings may take; more than STEP_ROWS are not tried."""
    share = rows / STEP_ROWS
    return LEAST_SECONDS + (STEP_SECONDS - LEAST_SECONDS) * share, (LEAST_GB + (STEP_GB - LEAST_GB) * share) * 1e9


def check_bounds(name: str, record: dict[str, Any], bounds: tuple[float, float]) -> dict[str, Any]:
    """The record with its bounds and whether both hold, which is also printed."""
    seconds, peak = bounds
    # A step is judged by the work of its process, which another program on the same core does not change.
    took = record["cpu_seconds"] if "step" in record else record["seconds"]
    holds = took <= seconds and record["peak_bytes"] <= peak
    print(
        f"{name:>24}: {took:7.1f} s (at most {seconds:.1f}), "
        f"{record['peak_bytes'] / 1e9:5.2f} GB (at most {peak / 1e9:.2f}){'' if holds else '   FALLS SHORT'}",
        flush=True,
    )
    return {**record, "bound_seconds": seconds, "bound_bytes": peak, "holds": holds}


def draw_plot(records: list[dict[str, Any]], path: Path) -> None:
    """Seconds and GB by millions of ratings, as SVG."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(8, 3), layout="constrained")
    millions = [record["rows"] / 1e6 for record in records]
    for axis, key, scale, label, bound in (
        (axes[0], "seconds", 1, "seconds", 0),
        (axes[1], "peak_bytes", 1e9, "peak memory, GB", 1),
    ):
        axis.plot(millions, [record[key] / scale for record in records], marker="o", label="measured")
        axis.plot(millions, [compute_bounds(record["rows"])[bound] / scale for record in records], "--", label="bound")
        axis.set(xlabel="million ratings", ylabel=label)
        axis.legend()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 5_000_000])
    parser.add_argument("--steps", nargs="*", default=list(STEPS), help="behind reading, up to 5 million ratings")
    parser.add_argument("--out", type=Path, default=RESULTS / "scale.json")
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()
    records, encoded = [], []
    for rows in args.rows:
        records.append(check_bounds(f"{rows:,} ratings", measure_reading(rows), compute_bounds(rows)))
        for step in args.steps:
            if rows > STEP_ROWS:
                print(f"{step:>24}: not tried beyond {STEP_ROWS:,} ratings")
                continue
            encoded.append(check_bounds(f"{step}", measure_step(rows, step), compute_step_bounds(rows)))
    command = "python bench/scale.py --rows " + " ".join(map(str, args.rows)) + " --steps " + " ".join(args.steps)
    content = {"command": command, "environment": describe_environment(), "rows": records, "encode": encoded}
    args.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if args.plot:
        draw_plot(records, args.plot)
    sys.exit(0 if all(record["holds"] for record in records + encoded) else 1)


if __name__ == "__main__":
    main()
