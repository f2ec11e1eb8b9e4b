"""The table of docs/results/exports.md, from bench/results/prototypes.json.

thinkrec export demo served --to vllm --prototypes 16 --sizes 1,4,64   # its prototype-errors.json is that file
python docs/generate/exports_table.py            # writes the table between its marks
python docs/generate/exports_table.py --check    # changes nothing, fails where the page differs
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from thinkrec.export.prototypes import PrototypeError, format_errors

ROOT = Path(__file__).resolve().parents[2]
PAGE, SOURCE = ROOT / "docs/results/exports.md", ROOT / "bench/results/prototypes.json"
BEGIN, END = "<!-- bank: start -->", "<!-- bank: stop -->"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail where the page differs")
    check = parser.parse_args().check
    errors = [PrototypeError(**entry) for entry in json.loads(SOURCE.read_text(encoding="utf-8"))["errors"]]
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    wanted = f"{before}{BEGIN}\n\n{format_errors(errors)}\n\n{END}{after}"
    if check and wanted != page:
        print(f"{PAGE} differs from {SOURCE}; run python docs/generate/exports_table.py", file=sys.stderr)
        return 1
    if not check:
        PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
