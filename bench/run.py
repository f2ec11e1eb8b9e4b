"""Every benchmark for the CPU, one after the other, and one table of them all.

    python bench/run.py            (or: make bench)

Leaves with status 1 where a ratio falls short of its limit.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from common import RESULTS, Row, table
from rich.console import Console

SCRIPTS = ("ranking", "testset", "mixtures", "training", "memory")


def main() -> None:
    rows, failed = [], []
    for name in SCRIPTS:
        print(f"bench/{name}.py", flush=True)
        out = RESULTS / f"{name}.json"
        out.unlink(missing_ok=True)
        script = str(Path(__file__).parent / f"{name}.py")
        done = subprocess.run([sys.executable, "-W", "ignore", script, "--out", str(out)], check=False)
        if not out.exists():
            failed.append(f"{name}: no result, status {done.returncode}")
            continue
        for found in json.loads(out.read_text())["rows"]:
            found.pop("holds")
            rows.append(Row(**found))
    Console(width=160).print(table(rows))
    failed += [f"{row.what}: {row.ratio:.2f}" for row in rows if not row.holds]
    for line in failed:
        print(f"short: {line}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
