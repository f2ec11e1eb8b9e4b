"""The table of docs/results/exports.md, from bench/results/prototypes.json.

thinkrec export demo served --to vllm --prototypes 16 --sizes 1,4,64   # its prototype-errors.json is that file
python docs/generate/exports_table.py            # writes the table between its marks
python docs/generate/exports_table.py --check    # changes nothing, fails where the page differs
"""

from __future__ import annotations

import json
import sys

from pages import ROOT, fill_mark, finish_files, parse_check

from thinkrec.export.prototypes import PrototypeError, format_errors

PAGE, SOURCE = ROOT / "docs/results/exports.md", ROOT / "bench/results/prototypes.json"


def main() -> int:
    check = parse_check(__doc__)
    errors = [PrototypeError(**entry) for entry in json.loads(SOURCE.read_text(encoding="utf-8"))["errors"]]
    page = fill_mark(PAGE.read_text(encoding="utf-8"), "bank", format_errors(errors))
    return finish_files({PAGE: page}, check)


if __name__ == "__main__":
    sys.exit(main())
