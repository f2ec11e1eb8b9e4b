"""What the scripts of this folder share: --check, tables between marks, files that are written or compared."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def parse_check(description: str | None) -> bool:
    """Whether the script was called with --check: change nothing, fail where a file differs."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, fail where a file differs")
    return parser.parse_args().check


def fill_mark(page: str, name: str, table: str, ends: tuple[str, str] = ("start", "stop")) -> str:
    """The page with `table` between `<!-- NAME: start -->` and `<!-- NAME: stop -->`; exits where they are not once."""
    begin, end = (f"<!-- {name}: {word} -->" for word in ends)
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise SystemExit(f"the marks {begin} ... {end} are not there once, in this order")
    return f"{page.partition(begin)[0]}{begin}\n\n{table.strip()}\n\n{end}{page.partition(end)[2]}"


def finish_files(wanted: dict[Path, str], check: bool) -> int:
    """Write each file, or compare it where `check`; returns the exit status: 1 where one differs."""
    differing = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in differing:
        name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        if check:
            print(f"{name} is not what {Path(sys.argv[0]).name} writes; run python {sys.argv[0]}", file=sys.stderr)
        else:
            path.write_text(wanted[path], encoding="utf-8")
            print(f"written: {name}")
    return int(check and bool(differing))
