"""What is guessed of files, and what is proposed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from support.raw_files import write_double_colons

from thinkrec.data.inspect import facts, findings, proposals, training_time
from thinkrec.data.inspect.column_guess import guess_columns
from thinkrec.data.inspect.encodings import guess_encoding
from thinkrec.data.inspect.inspection import inspect_files
from thinkrec.data.inspect.names import find_domain_words, find_our_name
from thinkrec.data.inspect.recipe_text import build_recipe_text
from thinkrec.data.inspect.separators import guess_layout, has_header
from thinkrec.data.inspect.table_guess import guess_format
from thinkrec.data.row_problems import Problem
from thinkrec.data.tables import check_interactions
from thinkrec.data.time_texts import find_date_pattern
from thinkrec.errors import DataError, DataWarning


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("é".encode(), None),
        (b"\xef\xbb\xbfa", None),
        ("abcdefgh".encode("utf-16"), "utf-16"),
        ("abcdefgh".encode("utf-16-be"), "utf-16-be"),
        ("„é“".encode("cp1252"), "cp1252"),
        ("é".encode("latin-1"), "latin-1"),
    ],
)
def test_encodings(content: bytes, encoding: str | None, tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(content)
    assert guess_encoding(tmp_path / "t").encoding == encoding


@pytest.mark.parametrize(
    ("text", "separator", "quoting"),
    [
        ('a,b\n1,"x;y, z"\n2,z\n', ",", "auto"),
        ("a;b\n1;2,5\n2;3,5\n", ";", "auto"),
        ("1::A, b c\n2::D e, f\n", "::", "auto"),
        ('a;b\n1;"x \\"y\\" z"\n2;q\n', ";", "backslash"),
        ("1 2 3\n4 5 6\n", " ", "auto"),
        ("id,title,genres\n" + '1,"Film, The",Drama\n' * 300, ",", "auto"),
    ],
)
def test_separators_and_quotes(text: str, separator: str, quoting: str) -> None:
    layout = guess_layout(text, None)
    assert layout is not None and (layout.separator, layout.quoting) == (separator, quoting)


def test_headers_and_names() -> None:
    assert has_header([["userId", "x"], ["a", "b"]]) and has_header([["foo", "bar"], ["1", "b"]])
    assert not has_header([["1", "x"], ["2", "b"]]) and not has_header([["ab", "cd"], ["ef", "gh"]])
    named = ("Book-Rating", "unixReviewTime", "parent_asin", "item_id:token", "plot")
    assert [find_our_name(name) for name in named] == ["rating", "timestamp", "item_id", "item_id", None]
    assert find_domain_words("x", "movieId") == ("movie", "movies", "viewer") and find_domain_words("x") is None


def test_columns_without_names_are_told_by_their_values() -> None:
    rows = {"c1": [f"b{n % 7}" for n in range(70)], "c2": [n // 7 for n in range(70)], "c3": [1, 5] * 35}
    table = pl.DataFrame(rows | {"c4": [10**9 + n for n in range(70)]})
    guess = guess_columns(table, False, [f"b{n}" for n in range(7)])
    assert {c.ours: c.theirs for c in guess.columns} == dict(
        item_id="c1", user_id="c2", rating="c3", timestamp="c4"
    ) and guess.role == "interactions"
    plain = guess_columns(table, False)
    assert {c.ours: c.theirs for c in plain.columns}["user_id"] == "c1"


def test_proposals() -> None:
    ratings = pl.Series(["0", "0", "6", "8", "9", "10", None])
    missing = proposals.propose_missing(ratings)
    assert missing is not None and missing.value == [0.0, None]
    threshold = proposals.propose_threshold(ratings, missing.value)
    assert threshold is not None and threshold.value == 8.0 and "50% of the rows" in threshold.why
    assert proposals.propose_threshold(pl.Series([1, 1]), []) is None
    assert proposals.propose_split({"split"}).value == {"by": "column"}  # pyright: ignore[reportOptionalMemberAccess]


def test_figures() -> None:
    assert facts.count_by_date(np.array([10**9, 10**9 + 1])) == (("2001-09", 2),)
    problem = Problem("t", "item_id", 2, (1,), "column 'item_id' names items that i does not have (row 1)", "Add.")
    assert findings.make_problem(problem).settled_by == "unknown_items: drop"
    assert training_time.SPEEDS["nano"] > training_time.SPEEDS["smollm2"]


def test_formats_and_recipes(tmp_path: Path) -> None:
    ratings, movies = write_double_colons(tmp_path)
    assert guess_format(ratings)[0].separator == "::"
    found = inspect_files([ratings, movies], ["threshold=4"])
    text = build_recipe_text(found, tmp_path / "mine.yaml", "thinkrec", "thinkrec check")
    assert yaml.safe_load(text)["extends"] == "demo" and yaml.safe_load(text)["data"]["threshold"] == 4
    alone = inspect_files([ratings])
    assert ["no table of items was found" in problem.text for problem in alone.problems] == [True]
    with pytest.raises(DataError, match="no recipe was written"):
        build_recipe_text(alone, tmp_path / "mine.yaml", "mf", "thinkrec check")


def test_dates_in_patterns_and_beside_numbers() -> None:
    assert find_date_pattern(["13 Jan 2001"]) == "%d %b %Y"
    rows = pl.DataFrame({"user_id": [1, 1, 2], "item_id": [1, 2, 1], "label": [1, 0, 1]})
    with pytest.warns(DataWarning, match="mixes 2 numbers .* and 1 dates"):
        times = pl.Series(["2001-01-01", "978307201", "978307202000"])
        found = check_interactions(rows.with_columns(timestamp=times))
    assert found["timestamp"].to_list() == [978307200, 978307201, 978307202]


def test_rules_for_keywords_are_proposed_where_they_help() -> None:
    assert proposals.propose_keyword_rules([["a", "b"], ["a"], ["b", "c"], ["c"], [], [], []]) is None
    spelled = proposals.propose_keyword_rules([["Sea"], ["sea"], [], [], [], [], []])
    assert spelled is not None
    assert spelled.value == {"join_case": True, "max_share": 1, "min_items": 1}
    # Every item keeps a keyword: what all share, and what stands on one alone, may go.
    words = [["all", "x"], ["all", "x"], ["all", "y"], ["all", "y", "alone"], *[["z"], ["w"]] * 2]
    proposal = proposals.propose_keyword_rules(words)
    assert proposal is not None
    assert proposal.value == {"join_case": False, "max_share": 0.3, "min_items": 2}
    assert proposal.why == "keywords on more than 30% of the items: 1; keywords on one item alone: 1"
    # A frequent genre is all that its films have: it stays, and so does what stands on one item alone.
    assert proposals.propose_keyword_rules([["drama"]] * 5 + [["comedy"], ["horror"]]) is None
