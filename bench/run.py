"""Every benchmark, one after the other, and one table of them all.

    python bench/run.py            (or: make bench; on the CPU, with the embedded backbone)
    python bench/run.py --gpu      (or: make bench-gpu; with smollm2 and the shape of an 8B model)

Leaves with status 1 where a ratio falls short of its limit.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from common import RESULTS, Row, table
from rich.console import Console

CPU = {name: [] for name in ("ranking", "testset", "mixtures", "training", "memory", "prompts", "generation")}
"""Result -> options of the script of that name."""
_SMOLLM2 = ["--device", "cuda", "--backbone", "smollm2"]
_LARGE = ["--device", "cuda", "--backbone", "llama-8b", "--dtype", "bfloat16"]
GPU = {f"{name}-smollm2": _SMOLLM2 for name in ("ranking", "mixtures", "training")}
GPU |= {f"{name}-8b": _LARGE for name in ("ranking", "mixtures", "training")} | {"utilisation": []}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpu", action="store_true", help="the rows for a GPU instead of those for the CPU")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON files")
    args = parser.parse_args()
    rows, failed = [], []
    for name, options in (GPU if args.gpu else CPU).items():
        script = Path(__file__).parent / f"{name.partition('-')[0]}.py"
        print(f"bench/{script.name} {' '.join(options)}", flush=True)
        out = args.out / f"{name}.json"
        out.unlink(missing_ok=True)
        command = [sys.executable, "-W", "ignore", str(script), "--out", str(out), *options]
        done = subprocess.run(command, check=False)
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
