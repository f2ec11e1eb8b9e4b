"""The picture in README.md: what `thinkrec rank` prints about a finished demo, as an SVG that loads nothing.

    make demo
    .venv/bin/python docs/generate/ranking_svg.py        # writes docs/ranking.svg

Nothing is chosen or edited: user 17 is the user of all examples of the documentation.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 100
"""Columns of the terminal that is drawn."""


def main() -> None:
    """Run the command and draw its standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="demo", help="folder of a finished run, or a name under runs/")
    parser.add_argument("--user", default="17")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "ranking.svg")
    options = parser.parse_args()
    arguments = [options.user, "--top", "3", "--why"]
    command = [sys.executable, "-m", "thinkrec", "rank", options.run, *arguments]
    environment = {**os.environ, "COLUMNS": str(WIDTH), "FORCE_COLOR": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, text=True, capture_output=True, env=environment)
    if done.returncode:
        sys.exit(done.stderr or done.stdout)
    title = " ".join(["thinkrec rank", Path(options.run).name, *arguments])
    options.out.write_text(draw_terminal(done.stdout, title), encoding="utf-8")


def draw_terminal(output: str, title: str) -> str:
    """The SVG of a terminal with `output`, ANSI colours included; `title` stands in its bar."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(output.rstrip()))
    picture = console.export_svg(title=title, unique_id="ranking")
    # Rich names a web font: left out, so that nothing is loaded; the reader's own monospace font is taken.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    return re.sub(r"[ \t]+$", "", picture, flags=re.MULTILINE)


if __name__ == "__main__":
    main()
