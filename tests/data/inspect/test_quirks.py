"""Tables as newcomers have them: what `check` makes of each quirk, and that its recipe reads them."""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.inspect.inspection import Inspection, inspect_files
from thinkrec.data.table_config import load_tables
from thinkrec.errors import DataWarning

ISBN = [f"{i:02d}9{i:06d}" + ("X" if i % 3 == 0 else str(i % 10)) for i in range(30)]
"""Of ten characters; some begin with zeros, some end with X."""


def draw_rows() -> list[tuple[int, str, int, int]]:
    """(user, ISBN, rating, seconds): one row of user 0, eight of each other."""
    rng = random.Random(3)
    rows = []
    for user in range(40):
        for item in rng.sample(range(30), 8 if user else 1):
            rating = rng.choice((4, 5) if (user + item) % 2 else (1, 2))
            rows.append((user, ISBN[item], rating, 1_500_000_000 + rng.randrange(10**7)))
    return rows


ROWS = draw_rows()


def write(path: Path, lines: list[str], encoding: str = "utf-8", end: str = "\n") -> Path:
    path.write_bytes("".join(line + end for line in lines).encode(encoding))
    return path


def write_items(folder: Path, title: Callable[[int], str] = "Book {} of".format) -> Path:
    return write(folder / "books.csv", ["isbn,title,genres", *(f"{ISBN[i]},{title(i)},a|b" for i in range(30))])


def format_time(seconds: int, pattern: str) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(pattern)


def inspect(*paths: Path) -> tuple[Inspection, dict[str, str]]:
    """The inspection, and which column is taken for what in the interactions."""
    found = inspect_files(paths)
    columns = found.interactions.guess.columns if found.interactions else ()
    return found, {column.ours: column.theirs for column in columns}


def read(found: Inspection) -> Dataset:
    """What the proposed settings read."""
    assert found.config is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return load_tables(found.config)


@pytest.mark.parametrize(
    ("encoding", "end", "separator", "pattern", "mark"),
    [
        ("utf-16", "\r\n", ";", "%Y-%m-%d %H:%M:%S", "read as UTF-16, by the mark at its start."),
        ("utf-8-sig", "\r\n", ",", "%Y-%m-%d", "read as UTF-8 with a mark at its start."),
        ("utf-8", "\n", ",", "%d.%m.%Y", "have a time in the pattern %d.%m.%Y"),
    ],
)
def test_encodings_line_ends_and_dates(
    encoding: str, end: str, separator: str, pattern: str, mark: str, tmp_path: Path
) -> None:
    lines = [separator.join((str(u), i, str(r), format_time(t, pattern))) for u, i, r, t in ROWS]
    path = write(tmp_path / "r.csv", [separator.join(("user", "isbn", "rating", "date")), *lines], encoding, end)
    found, columns = inspect(path, write_items(tmp_path))
    assert columns == {"user_id": "user", "item_id": "isbn", "rating": "rating", "timestamp": "date"}
    assert any(mark in finding.text for finding in found.findings) and not found.problems
    ds = read(found)
    assert len(ds.interactions) == len(ROWS) and set(ds.items.ids) == set(ISBN)


def test_dates_and_ids_under_names_that_nobody_knows(tmp_path: Path) -> None:
    lines = [f"{u},{i},{r},{format_time(t, '%d/%m/%Y %H:%M')}" for u, i, r, t in ROWS]
    found, columns = inspect(write_items(tmp_path), write(tmp_path / "r.csv", ["Wer,Was,Wie,Wann", *lines]))
    assert columns == {"user_id": "Wer", "item_id": "Was", "rating": "Wie", "timestamp": "Wann"}
    assert len(read(found).interactions) == len(ROWS)


def test_a_time_is_told_by_its_values_and_rows_of_bare_purchases_are_implicit(tmp_path: Path) -> None:
    lines = [
        json.dumps({"customer": u, "isbn": i, "bought": format_time(t, "%Y-%m-%dT%H:%M:%SZ")}) for u, i, _, t in ROWS
    ]
    found, columns = inspect(write(tmp_path / "r.jsonl", lines), write_items(tmp_path))
    assert columns == {"user_id": "customer", "item_id": "isbn", "timestamp": "bought"}
    proposed = {proposal.key: proposal for proposal in found.proposals}
    assert proposed["negatives"].value == {"per_positive": 1.0} and "threshold" not in proposed
    assert "name the column by -o interactions_format.columns.rating=NAME" in proposed["negatives"].why
    assert proposed["split"].value["by"] == "fractions" and 0.3 < read(found).interactions.label.mean() < 0.7


def test_ids_without_a_header_stay_text(tmp_path: Path) -> None:
    found, _ = inspect(write(tmp_path / "r.csv", [f"{u},{i},{r},{t}" for u, i, r, t in ROWS]), write_items(tmp_path))
    assert set(read(found).items.ids) == set(ISBN) and ISBN[0] == "009000000X"


def test_ids_in_another_spelling_are_named_as_such(tmp_path: Path) -> None:
    lines = [f"{u},{i.lstrip('0').lower()},{r},{t}" for u, i, r, t in ROWS]
    lost = [(place + 2, line.split(",")[1]) for place, line in enumerate(lines) if line.split(",")[1] not in ISBN]
    found, _ = inspect(write(tmp_path / "r.csv", ["user,isbn,rating,time", *lines]), write_items(tmp_path))
    (problem,) = found.problems
    assert problem.rows == tuple(line for line, _ in lost[:5]) and problem.numbered == "line"
    assert problem.text.startswith(f"{tmp_path / 'r.csv'}: {len(lost)} rows: column 'item_id' names items that ")
    assert (
        f"{len(lost)} of these rows name an item that is there in another spelling, such as {lost[0][1]!r}: the tables "
        "differ in zeros in front, case, hyphens or spaces. Write ids alike in both. Add the items there, or say"
    ) in problem.text


def test_decimal_commas_between_semicolons(tmp_path: Path) -> None:
    lines = [f"{u};{i};{r},5;{t}" for u, i, r, t in ROWS]
    found, columns = inspect(write(tmp_path / "r.csv", ["user;isbn;rating;time", *lines]), write_items(tmp_path))
    assert columns["rating"] == "rating" and not found.problems
    threshold = next(proposal for proposal in found.proposals if proposal.key == "threshold")
    assert threshold.value in (2.5, 1.5, 4.5) and 0.3 < read(found).interactions.label.mean() < 0.7


def test_zeros_that_mean_not_rated_and_repeated_rows(tmp_path: Path) -> None:
    lines = [f"{u},{i},{0 if t % 3 == 0 else 2 * r},{t}" for u, i, r, t in ROWS]
    found, _ = inspect(write(tmp_path / "r.csv", ["user,isbn,rating,time", *lines, *lines[:20]]), write_items(tmp_path))
    values = {proposal.key: proposal.value for proposal in found.proposals}
    assert values["missing"] == [0.0] and values["duplicates"] == "last"
    assert len(read(found).interactions) == sum(t % 3 != 0 for *_, t in ROWS)


def test_missing_titles_and_items_without_any(tmp_path: Path) -> None:
    rows = write(tmp_path / "r.csv", ["user,isbn,rating,time", *(f"{u},{i},{r},{t}" for u, i, r, t in ROWS)])
    found, _ = inspect(rows, write_items(tmp_path, lambda i: "" if i % 4 == 0 else f"Book {i} x"))
    assert '8 rows have no title; the name there is "untitled book <id>" (line 2: None' in " ".join(
        finding.text for finding in found.findings
    )
    assert read(found).items.titles[0] == f"untitled book {ISBN[0]}"
    bare, _ = inspect(rows, write(tmp_path / "books.csv", ["isbn", *ISBN]))
    (problem,) = bare.problems
    assert problem.text.endswith(
        "books.csv has isbn). Give both tables; where items have no names, make a column of titles with their ids."
    )


def test_a_broken_quote_costs_its_own_line(tmp_path: Path) -> None:
    rows = write(tmp_path / "r.csv", ["user,isbn,rating,time", *(f"{u},{i},{r},{t}" for u, i, r, t in ROWS)])
    books = [f'{ISBN[i]},"Book {i}, The",a|b' for i in range(30)]
    books[4] = f'{ISBN[4]},"Book 4 broken,a|b'
    found, _ = inspect(rows, write(tmp_path / "books.csv", ["isbn,title,genres", *books]))
    first, second = found.problems
    assert (first.unit, first.rows, first.settled_by) == ("line", (6,), "on_error: drop")
    assert "line 7: a quote closes the field that the quote in line 6, column 2 opened" in first.text
    assert second.count == sum(i == ISBN[4] for _, i, *_ in ROWS) and second.settled_by == "unknown_items: drop"
    assert len(read(found).items) == 29


def test_plays_with_a_heavy_tail_are_counted_by_magnitude(tmp_path: Path) -> None:
    lines = [f"{u}\t{i}\t{1 if n % 7 else 50_000 + n}" for n, (u, i, *_) in enumerate(ROWS)]
    found, _ = inspect(write(tmp_path / "r.dat", ["user\tisbn\tplays", *lines]), write_items(tmp_path))
    assert found.ratings is not None and dict(found.ratings.counts).keys() == {1.0, 50_000.0}
    assert found.ratings_title == "rows by 'plays', from"
    given = inspect_files([tmp_path / "r.dat", tmp_path / "books.csv"], ["threshold=10"])
    assert not {"negatives"} & {proposal.key for proposal in given.proposals} and given.config is not None
    assert given.config.threshold == 10 and given.config.negatives is None
