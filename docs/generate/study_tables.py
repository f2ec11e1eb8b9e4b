"""The tables of docs/results/studies.md, from results/ml1m/studies/NAME/results.md.

    make ml1m-study                                  # writes those (hours)
    python docs/generate/study_tables.py             # writes the tables between their marks
    python docs/generate/study_tables.py --check     # changes nothing, fails where the page differs

Of each study: its rows, its figures, and those tests whose difference is real after Holm's correction. Needs the
standard library alone.
"""

from __future__ import annotations

import re
import sys

from pages import ROOT, fill_mark, finish_files, parse_check

PAGE, FOLDER = ROOT / "docs/results/studies.md", ROOT / "results/ml1m/studies"
TESTS, REAL = "## Paired tests", "| yes |"


def build_extract(text: str, name: str) -> str:
    """What the page repeats of one study's results.md."""
    blocks = text.split("\n\n")
    rows = next(block for block in blocks if block.startswith("| row | seeds |"))
    after = text.partition(TESTS)[2]
    head, *tests = [line for line in after.partition("\n## ")[0].splitlines() if line.startswith("|")]
    real = [line for line in tests[1:] if line.rstrip().endswith(REAL)]
    kinds = f"Real after Holm's correction: {len(real)} of {len(tests) - 1} tests"
    shown = [kinds + (":" if real else "."), "\n".join([head, tests[0], *real])] if real else [kinds + "."]
    figures = re.findall(r"^## ([^\n]+)\n\n(\| [^\n]*\| row \|.*?)(?:\n\n|\Z)", after, flags=re.DOTALL | re.MULTILINE)
    parts = [rows, *shown]
    for title, table in figures:
        parts += [f"{title}:", table]
    return "\n\n".join([*parts, f"All of it: `results/ml1m/studies/{name}/results.md`."])


def main() -> int:
    check = parse_check(__doc__)
    page = PAGE.read_text(encoding="utf-8")
    for folder in sorted(path for path in FOLDER.iterdir() if path.is_dir()):
        extract = build_extract((folder / "results.md").read_text(encoding="utf-8"), folder.name)
        page = fill_mark(page, f"study-{folder.name}", extract)
    return finish_files({PAGE: page}, check)


if __name__ == "__main__":
    sys.exit(main())
