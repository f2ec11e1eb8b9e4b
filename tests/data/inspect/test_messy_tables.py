"""Tables as strangers bring them: what is wrong is named with its remedy, and nothing is read as what it is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from thinkrec.data.inspect.inspection import Inspection, inspect_files
from thinkrec.data.inspect.rating_problems import describe_unusable_ratings
from thinkrec.data.inspect.recipe_text import DEMO_GROUPS, build_recipe_text
from thinkrec.run.recipe_files import load_recipe
from thinkrec.train.model_config import ThinkRecConfig

START = 1_500_000_000
ROWS = [
    (user, (3 * user + 7 * step) % 20, 1 + (user * step + step) % 5, START + 86_400 * (9 * user + step))
    for user in range(12)
    for step in range(9)
]
HEADER = "user_id,item_id,rating,timestamp"
Line = Callable[[int, int, int, int], str]


def inspect(
    folder: Path, line: Line, *, header: str = HEADER, settings: tuple[str, ...] = (), **more: str
) -> Inspection:
    """Findings about ratings whose rows are written by `line`; more: text before them, between them, of the items."""
    lines = [line(*row) for row in ROWS]
    before, between = more.get("before", "").split(), more.get("between", "").split()
    text = "\n".join([*before, header, *lines[:50], *between, *lines[50:]])
    (folder / "r.csv").write_text(f"{text}\n", encoding="utf-8")
    items = more.get("items", "".join(f"{item + 100},Film {item},a|b\n" for item in range(20)))
    (folder / "i.csv").write_text(f"item_id,title,genres\n{items}", encoding="utf-8")
    return inspect_files([folder / "r.csv", folder / "i.csv"], settings)


def plain(user: int, item: int, rating: int, time: int) -> str:
    return f"{user},{item + 100},{rating},{time}"


def list_texts(inspection: Inspection, severity: str) -> list[str]:
    return [f.text.partition("/r.csv: ")[2] or f.text for f in inspection.findings if f.severity == severity]


ALL_YES = "-o negatives.per_positive=1 takes every row as a Yes, and draws items that a user never met as the No."


@pytest.mark.parametrize(
    ("rating", "said"),
    [
        (
            lambda r: f"{r} stars",
            "no value of column 'rating' is a number (the first: '1 stars'). Write the number alone,",
        ),
        (
            lambda r: "like" if r > 3 else "no",
            "column 'rating' holds the words 'no' and 'like', and ratings are numbers.",
        ),
        (lambda r: "5", f"every rating in column 'rating' is 5, so that nothing says No. {ALL_YES}"),
        (lambda r: "", "column 'rating' is empty in every row. Name the column of ratings by -o interactions_format."),
    ],
)
def test_ratings_that_say_nothing(rating: Callable[[int], str], said: str, tmp_path: Path) -> None:
    inspection = inspect(tmp_path, lambda u, i, r, t: f"{u},{i + 100},{rating(r)},{t}")
    (problem,) = list_texts(inspection, "problem")
    assert problem.startswith(said)
    values = [rating(row[2]) or None for row in ROWS]
    assert describe_unusable_ratings(pl.Series("rating", values, dtype=pl.String)) == problem
    # What the message names is a way out.
    settled = inspect(
        tmp_path, lambda u, i, r, t: f"{u},{i + 100},{rating(r)},{t}", settings=("negatives.per_positive=1",)
    )
    assert not settled.problems and settled.config is not None


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_joined_files_repeat_their_header(mark: str, tmp_path: Path) -> None:
    inspection = inspect(tmp_path, plain, between=f"{mark}{HEADER}")
    assert not inspection.problems and inspection.facts is not None and inspection.facts.rows == len(ROWS)
    assert "1 line repeats the names of the columns (the first: line 52) and is left out." in list_texts(
        inspection, "note"
    )
    # Later messages name the lines of the file, the repeated header counted.
    wrong = inspect(tmp_path, lambda u, i, r, t: plain(u, i, r, t).replace(",1,", ",x,"), between=f"{mark}{HEADER}")
    text = (tmp_path / "r.csv").read_text(encoding="utf-8").splitlines()
    assert [text[line - 1].split(",")[2] for line in wrong.problems[0].rows] == ["x"] * 5
    items = "".join(f"{item + 100},Film {item},a|b\n" for item in range(20))
    doubled = inspect(tmp_path, plain, items=f"{items}item_id,title,genres\n")
    assert doubled.facts is not None and doubled.facts.items == 20


def test_dates_in_doubt(tmp_path: Path) -> None:
    either = inspect(tmp_path, lambda u, i, r, t: f"{u},{i + 100},{r},{1 + u:02d}/{1 + r:02d}/2019")
    assert (
        "They may be %m/%d/%Y or %d/%m/%Y, and nothing says which: write them as YYYY-MM-DD." in either.problems[0].text
    )
    days = {4: "17.05.2019", 5: "05/18/2019"}
    several = inspect(tmp_path, lambda u, i, r, t: f"{u},{i + 100},{r},{days.get(r, '2019-05-04')}")
    assert "The dates are written in several ways: write all of them as YYYY-MM-DD." in several.problems[0].text
    lost = sum(rating > 3 for _, _, rating, _ in ROWS)
    share = (
        f"{lost} of {len(ROWS)} rows ({lost / len(ROWS):.0%}) cannot be used for one reason, and a recipe that leaves"
    )
    assert any(note.startswith(share) for note in list_texts(several, "note"))
    few = inspect(tmp_path, lambda u, i, r, t: f"{u},{i + 100},{r},{'x' if (u, i) == (0, 0) else t}")
    assert few.problems and not any("cannot be used for one reason" in note for note in list_texts(few, "note"))


def test_days_of_a_spreadsheet(tmp_path: Path) -> None:
    inspection = inspect(tmp_path, lambda u, i, r, t: f"{u},{i + 100},{r},{t / 86_400 + 25_569:.4f}")
    assert any("days of a spreadsheet, it seems. They count as seconds" in n for n in list_texts(inspection, "note"))
    counted = inspect(tmp_path, lambda u, i, r, t: f"{u},{i + 100},{r},{9 * u + r}")
    assert not any("spreadsheet" in note for note in list_texts(counted, "note"))


def test_a_remark_or_a_damaged_line_in_the_place_of_the_names(tmp_path: Path) -> None:
    assert (
        inspect(tmp_path, plain, before="#exported")
        .problems[0]
        .text.endswith(
            "r.csv: its first line is a remark ('#exported'). Remove it; a table begins with the names of its columns."
        )
    )
    assert not inspect(tmp_path, plain, header=f"#{HEADER}").problems
    (problem,) = inspect(tmp_path, plain, header=f"{HEADER}\0").problems
    assert "line 1 holds a NUL byte" in problem.text and problem.text.endswith(
        "It is the line with the columns' names."
    )


def test_ids_that_differ_by_case(tmp_path: Path) -> None:
    inspection = inspect(tmp_path, lambda u, i, r, t: f"{'U' if i % 2 and u < 2 else 'u'}{u},{i + 100},{r},{t}")
    (note,) = [note for note in list_texts(inspection, "note") if "by case alone" in note]
    assert note == (
        "4 users have an id that differs from another one by case alone, such as 'U0' and 'u0': each counts as a user "
        "of its own. Write ids alike where they are one."
    )
    assert not any("by case alone" in note for note in list_texts(inspect(tmp_path, plain), "note"))


def test_a_written_recipe_has_no_more_groups_than_users(tmp_path: Path) -> None:
    demo = load_recipe("demo").model
    assert isinstance(demo, ThinkRecConfig) and demo.groups.n_groups == DEMO_GROUPS
    two = inspect(tmp_path, lambda u, i, r, t: f"{u % 2},{i + 100},{r},{t}", settings=("duplicates=keep",))
    assert two.facts is not None and two.facts.train_users == 2
    text = build_recipe_text(two, tmp_path / "mine.yaml", "thinkrec", "thinkrec check")
    assert text.endswith("model:\n  groups: {n_groups: 2} # no more than users with a train row\n")
    assert "groups" not in build_recipe_text(inspect(tmp_path, plain), tmp_path / "mine.yaml", "thinkrec", "check")
