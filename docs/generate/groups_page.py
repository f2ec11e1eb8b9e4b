"""The tables and the figure of docs/results/groups.md, from results/ml1m/groups/.

make analyses                                  # writes these files (minutes), then calls this
python docs/generate/groups_page.py            # writes tables and figure
python docs/generate/groups_page.py --check    # changes nothing, fails where one differs
"""

from __future__ import annotations

import json
import sys

from pages import ROOT, fill_mark, finish_files, parse_check

from thinkrec.evaluate.group_distance_table import HEADINGS, format_group_cells
from thinkrec.evaluate.report.groups_figure import draw_group_distances

PAGE, FIGURE = ROOT / "docs/results/groups.md", ROOT / "docs/results/groups.svg"
SOURCE = ROOT / "results/ml1m/groups"


def main() -> int:
    check, page = parse_check(__doc__), PAGE.read_text(encoding="utf-8")
    for rows in ("later", "train"):
        entries = json.loads((SOURCE / f"{rows}.json").read_text(encoding="utf-8"))["entries"]
        lines = [f"| {' | '.join(HEADINGS)} |", "| --- |" + " ---: |" * (len(HEADINGS) - 1)]
        lines += [f"| {' | '.join(format_group_cells(entry))} |" for entry in entries]
        page = fill_mark(page, f"groups-{rows}", "\n".join(lines))
    later = json.loads((SOURCE / "later.json").read_text(encoding="utf-8"))["entries"]
    return finish_files({PAGE: page, FIGURE: draw_group_distances(later)}, check)


if __name__ == "__main__":
    sys.exit(main())
