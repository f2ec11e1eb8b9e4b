"""The table and the figure of docs/results/calibration.md, from results/ml1m/calibration.json.

make calibration                                    # writes that file (a minute), then calls this
python docs/generate/calibration_page.py            # writes table and figure
python docs/generate/calibration_page.py --check    # changes nothing, fails where one differs
"""

from __future__ import annotations

import json
import sys

from pages import ROOT, fill_mark, finish_files, parse_check

from thinkrec.evaluate.calibration_table import HEADINGS, format_calibration_cells
from thinkrec.evaluate.report.reliability_figure import draw_reliability

PAGE, FIGURE = ROOT / "docs/results/calibration.md", ROOT / "docs/results/calibration.svg"
SOURCE = ROOT / "results/ml1m/calibration.json"


def main() -> int:
    check = parse_check(__doc__)
    entries = json.loads(SOURCE.read_text(encoding="utf-8"))["entries"]
    lines = [f"| {' | '.join(HEADINGS)} |", "| --- |" + " ---: |" * (len(HEADINGS) - 1)]
    lines += [f"| {' | '.join(format_calibration_cells(entry))} |" for entry in entries]
    page = fill_mark(PAGE.read_text(encoding="utf-8"), "calibration", "\n".join(lines))
    return finish_files({PAGE: page, FIGURE: draw_reliability(entries)}, check)


if __name__ == "__main__":
    sys.exit(main())
