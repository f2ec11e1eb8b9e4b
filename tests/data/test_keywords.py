"""Keywords: one separator per column, lists that were written as text; and HTML, at every door."""

from __future__ import annotations

import warnings
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkrec.data.columns import DataWarning, clean_keywords, clean_line
from thinkrec.data.dataset import Dataset
from thinkrec.data.keywords import choose_separator, parse_list
from thinkrec.data.loaders.movielens import load_ml1m_slice, load_movielens_dataset
from thinkrec.data.markup import strip_markup
from thinkrec.data.output_tables import write_table
from thinkrec.data.tables import check_items, read_table
from thinkrec.errors import DataError

SHOES = "Clothing, Shoes & Jewelry"


def checked(keywords: list, **options) -> tuple[list[list[str]], list[str]]:
    """Keywords of an items table, and what was said."""
    table = {"item_id": range(len(keywords)), "title": [f"T{n}" for n in range(len(keywords))], "keywords": keywords}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = check_items(table, **options)["keywords"].to_list()
    return found, [str(entry.message) for entry in caught]


def test_one_separator_for_a_whole_column() -> None:
    found, (said,) = checked([f"{SHOES}|Men", SHOES, "Men"])
    assert found == [[SHOES, "Men"], [SHOES], ["Men"]]
    assert "1 of 3 rows has commas and no bar, where the column separates by bars (row 2: 'Clothing" in said
    assert checked(["sea, war", "sea"]) == ([["sea", "war"], ["sea"]], [])
    assert checked(["sea; war", "sea"]) == ([["sea", "war"], ["sea"]], [])
    assert checked(["sea; war, love", "sea"])[0] == [["sea; war", "love"], ["sea"]]
    assert checked([[SHOES], ["Men"]]) == ([[SHOES], ["Men"]], [])
    assert checked(["a&#124;b", "c"])[0] == [["a", "b"], ["c"]]
    # The end of an entity is no separator.
    assert checked(["Tom &amp; Jerry", "sea"])[0] == [["Tom & Jerry"], ["sea"]]


def test_another_separator_can_be_named() -> None:
    assert checked(["a/b|c", "d, e"], separators={"keywords": "/"}) == ([["a", "b|c"], ["d, e"]], [])
    assert checked([f"{SHOES}|Men", "sea, war"], separators={"keywords": ","})[0] == [
        ["Clothing", "Shoes & Jewelry|Men"],
        ["sea", "war"],
    ]
    with pytest.raises(DataError, match="only 'keywords' is cut"):
        checked(["a"], separators={"genres": "|"})
    with pytest.raises(DataError, match="separator of keywords is ''"):
        checked(["a"], separators={"keywords": ""})
    assert choose_separator([]) == ","


def test_the_same_at_the_other_door(tiny_dataset: Dataset) -> None:
    given = {1: f"{SHOES}|Men", 2: SHOES, 3: ["a|b"], 4: "['x', 'y']", 5: None, 6: "nan"}
    with pytest.warns(DataWarning) as caught:
        data = tiny_dataset.with_keywords(given)
    assert data.items.keywords == [(SHOES, "Men"), (SHOES,), ("a|b",), ("x", "y"), (), ()]
    assert len(caught) == 3
    named = tiny_dataset.with_keywords({id_: "a;b|c" for id_ in range(1, 7)}, separator=";")
    assert named.items.keywords[0] == ("a", "b|c")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("['a', \"b's\"]", ["a", "b's"]),
        ('["a, x", "b"]', ["a, x", "b"]),
        ("['a' 'b'\n 'c']", ["a", "b", "c"]),
        ("[]", []),
        ("[a, b]", ["a", "b"]),
        ("('a', 'b')", ["a", "b"]),
        ("{'a'}", ["a"]),
        ("[['a', 'b'], ['c']]", ["a", "b", "c"]),
        ("[{'id': 28, 'name': 'Action'}, {'id': 1, 'name': 'War'}]", ["Action", "War"]),
        ("['a', None]", ["a"]),
        ("[rec]", None),
        ("a, b", None),
        ("(no genres listed)", None),
        ("[1, 2]", ["1", "2"]),
        ("['a", None),
        ("", None),
        (r"['it\'s', 'b']", ["it's", "b"]),
        ("[f('x')]", None),
    ],
)
def test_lists_written_as_text(text: str, found: list[str] | None) -> None:
    assert parse_list(text) == found


def test_lists_in_lists_and_mappings_with_a_name() -> None:
    assert checked([[["Books", SHOES], ["War"]], None]) == ([["Books", SHOES, "War"], []], [])
    assert checked([[{"id": 1, "name": "War"}], []])[0] == [["War"], []]
    with pytest.raises(DataError, match="must hold keywords"):
        checked([[{"id": 1}]])


def test_lists_and_missing_values_as_text_are_said() -> None:
    found, said = checked(["['a', 'b']", "[]", "nan", "x|None", "c"])
    assert found == [["a", "b"], [], [], ["x"], ["c"]]
    assert "1 of 5 rows holds a list written as text (row 1: \"['a', 'b']\";" in said[0]
    assert "3 of 5 rows say in words that there is no keyword (row 2: '[]'; row 3: 'nan'; row 4: 'x|None';" in said[1]
    assert len(said) == 2


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("Tom &amp;amp; Jerry", "Tom & Jerry"),
        ("Et Dieu&#8230;Cr&eacute;a", "Et Dieu…Créa"),
        ("<b>Oak</b>: <i>a tree</i>, <br/>old", "Oak: a tree,  old"),
        ("&lt;b&gt;x&lt;/b&gt;", "x"),
        ("a<p class='x'>b</p>", "a b "),
        ("<script>var a = '<b>';</script>c", " c"),
        ("<!-- x -->c", " c"),
        ("a&nbsp;b", "a b"),
        ("x&#x41;", "xA"),
        ("AT&T and R&D;", "AT&T and R&D;"),
        ("I <3 U", "I <3 U"),
        ("a < b > c", "a < b > c"),
        ("</s> <unk> <|im_end|>", "</s> <unk> <|im_end|>"),
        ("fish &chips;", "fish &chips;"),
        ("<title>", "<title>"),
        ("", ""),
    ],
)
def test_html_goes_and_nothing_else(text: str, plain: str) -> None:
    assert strip_markup(text) == plain


@given(st.text(st.sampled_from("<>/&;#amplt bri3x'\" "), max_size=30))
def test_stripping_twice_changes_nothing(text: str) -> None:
    plain = strip_markup(text)
    assert strip_markup(plain) == plain
    line = clean_line(text, 20)
    assert clean_line(line, 20) == line


def test_every_column_of_text_is_stripped_and_counted() -> None:
    table = {
        "item_id": ["a&amp;b", "c"],
        "title": ["Tom &amp; Jerry <b>2</b>", "Elm"],
        "keywords": ["x &lt;3|<i>y</i>", "z"],
        "plot": ["one<br>two", None],
        "tags": [["a &amp; b", "c"], ["d"]],
        "year": [1, 2],
    }
    with pytest.warns(DataWarning) as caught:
        found = check_items(table, source="wares.csv")
    assert found.rows()[0] == ("a&amp;b", "Tom & Jerry 2", ["x <3", "y"], "one two", "a & b, c", "1")
    (said,) = [str(entry.message) for entry in caught]
    assert said.startswith("wares.csv: values with HTML: 1 in 'title' (the first: 'Tom &amp; Jerry <b>2</b>'), ")
    assert "1 in 'keywords'" in said and "1 in 'plot'" in said and "1 in 'tags'" in said
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_items(found).equals(found)


def test_html_at_the_other_doors(tiny_dataset: Dataset) -> None:
    keywords = {id_: "Tom &amp; Jerry|<b>x</b>" for id_ in range(1, 7)}
    assert tiny_dataset.with_keywords(keywords).items.keywords[0] == ("Tom & Jerry", "x")
    assert clean_keywords("Tom &amp; Jerry") == ("Tom & Jerry",)


@pytest.mark.filterwarnings("ignore::thinkrec.data.columns.DataWarning")
def test_movielens_is_stripped_too(ml1m_folder: Path, tmp_path: Path) -> None:
    assert not [title for title in load_ml1m_slice(ml1m_folder).items.titles if strip_markup(title) != title]
    (tmp_path / "movies.dat").write_text(
        "1::Tom &amp; Jerry, The (1999)::Drama|War\n2::Oak (1990)::(no genres listed)\n"
    )
    rows = "".join(f"1::{1 + n % 2}::{1 + n}::{991_353_600 + n * 86_400 * 160}\n" for n in range(4))
    (tmp_path / "ratings.dat").write_text(rows)
    data = load_movielens_dataset(tmp_path)
    assert data.items.titles[0] == "The Tom & Jerry (1999)" and data.items.keywords == [("Drama", "War"), ()]
    for encoding in ("latin-1", "utf-8", "utf-8-sig"):
        (tmp_path / "movies.dat").write_text(
            "1::Misérables, Les (1995)::Drama\n2::Oak (1990)::War\n", encoding=encoding
        )
        assert load_movielens_dataset(tmp_path).items.titles[0] == "Les Misérables (1995)"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_keywords_are_read_back_as_they_were_written(suffix: str, tmp_path: Path) -> None:
    lists = [[SHOES], ["a; b"], [], ["war"], [SHOES, "Men"]]
    for some in (lists, lists[:1], lists[1:3]):
        table = pl.DataFrame(
            {"item_id": range(len(some)), "title": ["T"] * len(some), "keywords": some},
            schema_overrides={"keywords": pl.List(pl.String)},
        )
        write_table(table, tmp_path / f"items{suffix}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            assert check_items(read_table(tmp_path / f"items{suffix}"))["keywords"].to_list() == some
