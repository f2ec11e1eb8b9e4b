"""A message says "1 row", not "1 rows": counts stand in sentences through `io.counts`, where they may be one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from support.source_tree import PACKAGE

ROOMS = ("data", "cli")
NOUN = re.compile(r" (?:[a-z]+ )?(rows|users|items|lines|files|columns|keywords|fields|entries|spellings)\\b")
NEVER_ONE = {
    ("data/delimited.py", "len(record)"),  # a quote that is closed lines later
    ("data/table_files.py", "len(files)"),  # said of several files alone
    ("data/inspect/flag_guess.py", "len(columns)"),  # two columns at least
    ("data/inspect/column_guess.py", "scale.n_distinct"),  # one value is no scale
    ("data/keyword_rules.py", "rules.min_items"),  # said from three on
    ("cli/check_view.py", "min_items"),  # likewise
    ("data/implicit.py", "len(is_drawn)"),  # behind "of"; draws are as many as likes
    ("data/loaders/fetch.py", "len(self.unpacked)"),
    ("cli/recommend.py", "len(ids)"),  # said of several users alone
    ("cli/data/showing.py", "source.full_rows"),  # of a published file
    ("cli/data/showing.py", "source.activity"),
    ("cli/reasons/choose.py", "several"),  # behind "of"
    ("cli/cost.py", "workload['users']"),
    ("cli/cost.py", "estimate['sampled']"),
    ("cli/track.py", "len(record.files)"),
}


def list_counted_nouns(path: Path) -> list[tuple[int, str]]:
    """Lines in which a value stands in an f-string right before a noun in the plural, and the value."""
    places = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, text in zip(node.values, node.values[1:], strict=False):
            if isinstance(value, ast.FormattedValue) and isinstance(text, ast.Constant) and NOUN.match(str(text.value)):
                spec = "" if value.format_spec is None else ast.unparse(value.format_spec)
                name = ast.unparse(value.value)
                is_count = "," in spec or name.startswith(("len(", "int(")) or name.isidentifier() or "." in name
                if is_count and "%" not in spec and "f'" not in spec.removeprefix("f'"):
                    places.append((value.lineno, name))
    return places


def test_counts_before_nouns_go_through_the_helper() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line}: {name}"
        for room in ROOMS
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for line, name in list_counted_nouns(path)
        if (path.relative_to(PACKAGE).as_posix(), name) not in NEVER_ONE and not name.startswith("format_count")
    ]
    assert not wrong, "use thinkrec.io.counts.format_count for: " + "; ".join(wrong)
