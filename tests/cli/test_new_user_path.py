"""Somebody new with a downloaded data set: check, run, recommend, explain, without a line of Python."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from support.command_line import call, refused
from support.newcomer_files import WRITERS, write_movielens_latest_small

from thinkrec.data.dataset import Dataset
from thinkrec.data.table_config import TableData, load_tables
from thinkrec.errors import DataWarning
from thinkrec.run.recipe_files import load_recipe
from thinkrec.run.recipe_layers import find_recipe

QUICK = (
    "model.expert_stage=null",
    "model.vector_stage=null",
    "model.global_stage.subsample_stride=64",
    "model.global_stage.max_valid_rows=20",
    "baselines={}",
    "writer=rules",
    "n_explained=1",
    "evaluation.bootstrap_draws=100",
)
"""What makes the training a matter of seconds; the recipe itself stays as it was written."""
ONE_SIDED = "of the test's users have likes or dislikes alone there: metrics per user (UAUC) count the others only."
NO_TIMES = (
    "there is no column 'timestamp': the place of a row in the table stands for its time. Where that means nothing, "
    "histories have no order in time either."
)
SPLIT_DECIDES = (
    "there are no times, so that the split decides what came before: of one user's rows, those for training count as "
    "the earliest, and those for test as the latest. A validation or test row is judged by all train rows of its user, "
)
BARE = "its first line is a row, so it has no header; columns are known by their places."
SEPARATED = "between fields, because 100% of the lines have"
REPEATED_ISBN = (
    "(line 61: '0330299891'; line 121: '0330299891'; line 241: '0330299891'; line 361: '0330299891'; line 421: "
)


@dataclass(frozen=True)
class Steps:
    """What somebody reads on the way."""

    findings: list[str]
    """Problems and notes of `check`, in their order."""
    rows: str
    """The first line of `run`."""
    user: str
    words: tuple[str, str, str]
    """Heading of the list, the user in words, title of the item that is explained."""
    place: str = "."
    """Where the recipe looks for the files."""
    left_out: tuple[str, ...] = ()
    """What `run` says of rows that `check` called a problem."""


PATHS = {
    "movielens": Steps(
        [
            "ml-latest-small/movies.csv: column 'keywords': 1 of 70 rows says in words that there is no keyword "
            "(line 71: "
            "'(no genres listed)'). Such words are left out.",
            f"70% {ONE_SIDED}",
        ],
        "80 users, 70 items; rows: train 877 (49% liked), valid 109 (50% liked), test 110 (59% liked); without a train "
        "row: user of 0%, item of 0% of the test rows",
        "3",
        ("Movies for viewer 3", "viewer 3", "Last Letter in Lantern 4"),
    ),
    "lastfm": Steps(
        [
            "user_artists.dat: 1 row: column 'item_id' names items that artists.dat does not have (line 609: "
            "18744). Add "
            "the items there, or say `unknown_items: drop`. [settled by unknown_items: drop]",
            f"user_artists.dat: tabs {SEPARATED} 3 fields then.",
            f"artists.dat: tabs {SEPARATED} 4 fields then.",
            f"user_artists.dat: {NO_TIMES}",
            "user_artists.dat: 3 users have too few rows for the split by random; all of these are for training.",
            f"user_artists.dat: {SPLIT_DECIDES}4.9 on average; 2.4 stand above it in the table.",
            "No is sampled: per Yes on average 1 item that the user never met, drawn uniformly among the items that "
            "anybody met in the same 30 days, or at all where there are no times (seed 0); such labels measure who met "
            "what, not who disliked what.",
            "no item has keywords, so that reasons can name none; there are no texts to find any in.",
        ],
        "90 users, 60 items; rows: train 922 (47% liked), valid 170 (51% liked), test 181 (48% liked); without a train "
        "row: user of 0%, item of 0% of the test rows",
        "4",
        ("Artists for listener 4", "listener 4", ""),
        left_out=(
            "user_artists.dat: 1 of 608 rows is left out (unknown_items: drop): it names 1 item that "
            "artists.dat does "
            "not have (line 609: 18744).",
        ),
    ),
    "movielens-100k": Steps(
        [
            f"ml-100k/u.data: tabs {SEPARATED} 4 fields then.",
            f"ml-100k/u.data: {BARE}",
            "ml-100k/u.item: read as latin-1, because line 4 is not UTF-8 ('|0|0\\n4|Misérables, L'); if letters look "
            "wrong, name another one.",
            f"ml-100k/u.item: bars {SEPARATED} 24 fields then.",
            f"ml-100k/u.item: {BARE}",
            "ml-100k/u.item: columns 6 to 24 hold 0 and 1; they are keywords, by the names in ml-100k/u.genre.",
            f"64% {ONE_SIDED}",
        ],
        "75 users, 60 items; rows: train 816 (49% liked), valid 102 (47% liked), test 102 (47% liked); without a train "
        "row: user of 0%, item of 0% of the test rows",
        "3",
        ("Items for user 3", "user 3", "A Lantern for Engine 4 (1995)"),
        place="ml-100k",
    ),
    "book-crossing": Steps(
        [
            "BX-Book-Ratings.csv: 13 rows: column 'item_id' names items that BX-Books.csv does not have "
            f"{REPEATED_ISBN}"
            "'0330299891' and 8 more). Add the items there, or say `unknown_items: drop`. [settled by unknown_items: "
            "drop]",
            f"BX-Book-Ratings.csv: semicolons {SEPARATED} 3 fields then.",
            "BX-Books.csv: read as latin-1, because line 7 is not UTF-8 ('&amp; Café\";\"Author'); if letters "
            "look wrong, "
            "name another one.",
            f"BX-Books.csv: semicolons {SEPARATED} 8 fields then.",
            "BX-Books.csv: read with backslashes before quotes, because more lines have the same number of "
            "fields then.",
            "BX-Books.csv: values with HTML: 1 in 'title' (the first: 'Salt &amp; Café'); tags are taken out and "
            "entities "
            "become their characters.",
            f"BX-Book-Ratings.csv: {NO_TIMES}",
            "BX-Book-Ratings.csv: column 'rating': 717 of 1,415 rows mean \"not rated\" (line 6: '0'; line 8: '0'; "
            "line 11: '0'; line 12: '0'; line 13: '0' and 712 more). They are left out (missing).",
            f"BX-Book-Ratings.csv: {SPLIT_DECIDES}5.7 on average; 2.6 stand above it in the table.",
            f"82% {ONE_SIDED}",
        ],
        "100 users, 70 items; rows: train 549 (51% liked), valid 68 (50% liked), test 68 (54% liked); without a train "
        "row: user of 0%, item of 0% of the test rows",
        "276727",
        ("Books for reader 276727", "reader 276727", 'The "Real" Story'),
        left_out=(
            "BX-Book-Ratings.csv: 13 of 698 rows are left out (unknown_items: drop): they name 1 item that "
            "BX-Books.csv "
            f"does not have {REPEATED_ISBN}'0330299891' and 8 more).",
        ),
    ),
    "amazon-2023": Steps(
        [
            "meta_All_Beauty.jsonl: values with HTML: 9 in 'title' (the first: 'Last Island in Orchard 0 &amp; "
            "<b>Co</b>'), 40 in 'description' (the first: '<p>Soft.</p>'); tags are taken out and entities "
            "become their "
            "characters.",
            "meta_All_Beauty.jsonl: columns images, details hold neither text nor numbers and are left out.",
            "All_Beauty.jsonl: column 'timestamp' is in no seconds: 958 in milliseconds (line 1: 1104563672566). "
            "All are "
            "read as seconds.",
            "All_Beauty.jsonl: 1 row is left out, because the user met the item in another row; the last one is "
            "kept (duplicates: last).",
            f"62% {ONE_SIDED}",
        ],
        "70 users, 60 items; rows: train 766 (51% liked), valid 95 (57% liked), test 96 (59% liked); without a train "
        "row: user of 0%, item of 0% of the test rows",
        "AG002QZMXY",
        ("Products for customer AG002QZMXY", "customer AG002QZMXY", "Island and Orchard 4"),
        left_out=(
            "meta_All_Beauty.jsonl: column 'keywords': 1 keyword on more than 30% of the 60 items dropped ('Beauty' "
            "48); 48 items share a keyword with another, before 48 (keyword_rules).",
        ),
    ),
    "amazon-2018": Steps(
        [
            "meta_Luxury_Beauty.json.gz: 1 row: column 'item_id' has the same id in several rows (line 61: "
            "'B00000003A'). Keep one row per item. [settled by on_error: drop]",
            "Luxury_Beauty_5.json.gz: not every one of 1,001 lines has every key: missing are 'vote' in 901 (the "
            "first: line 1), 'style' in 748 (the first: line 1); they count as empty.",
            "meta_Luxury_Beauty.json.gz: values with HTML: 45 in 'keywords' (the first: 'Beauty &amp; Personal "
            "Care'), 60 in 'description' (the first: '<b>Soft</b>'), 58 in 'title' (the first: 'Last River in Signal "
            "0 &amp; more'); tags are taken out and entities become their characters.",
            "meta_Luxury_Beauty.json.gz: column 'title': 1 of 60 rows is a piece of a page's script or style (line "
            "10: 'var aPageStart = (new Date()).getTim...). They count as missing.",
            'meta_Luxury_Beauty.json.gz: 2 rows have no title; the name there is "untitled product <id>" (line 10: '
            "'var aPageStart = (new Date()).getTim...; line 12: '').",
            "Luxury_Beauty_5.json.gz: 2 rows are left out, because the user met the item in another row; the last one "
            "is kept (duplicates: last).",
            "the like rate differs much between splits (train 47%, valid 62%, test 47%): scores will be off in the "
            "later ones.",
            f"60% {ONE_SIDED}",
        ],
        "70 users, 60 items; rows: train 799 (47% liked), valid 100 (62% liked), test 100 (47% liked); without a train "
        "row: user of 0%, item of 0% of the test rows",
        "A002ZZZ",
        ("Products for customer A002ZZZ", "customer A002ZZZ", ""),
        left_out=(
            "meta_Luxury_Beauty.json.gz: 1 row left out (on_error: drop): column 'item_id' has the same id in several "
            "rows (line 61: 'B00000003A').",
            "meta_Luxury_Beauty.json.gz: column 'keywords': 1 keyword on more than 30% of the 60 items dropped "
            "('Beauty & Personal Care' 45); 45 items share a keyword with another, before 45 (keyword_rules).",
        ),
    ),
}


def load(name: str) -> Dataset:
    data = load_recipe(name).data
    assert isinstance(data, TableData)
    return load_tables(data)


def list_lines(text: str, begin: str) -> list[str]:
    return [line.removeprefix(begin) for line in text.splitlines() if line.startswith(begin)]


@pytest.mark.parametrize("name", list(PATHS))
@pytest.mark.filterwarnings("ignore::thinkrec.errors.DataWarning")
def test_the_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = PATHS[name]
    files = WRITERS[name](Path(path.place))

    checked = call("check", *files, "--write", "mine.yaml")
    assert checked.exit_code == 0, checked.output
    assert list_lines(checked.stdout, "  - ") == path.findings
    assert checked.stdout.endswith("recipe: mine.yaml\nrun it: thinkrec run mine.yaml\n")
    check_recipe(name)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        ran = call("run", "mine.yaml", *(part for change in QUICK for part in ("-o", change)))
    assert ran.exit_code == 0, ran.output
    heard = [str(entry.message).replace(f"{tmp_path}/", "") for entry in caught if entry.category is DataWarning]
    of_tables = [text for text in (*path.findings, *path.left_out) if re.match(r"\S+\.\S+: ", text)]
    known = [text for text in of_tables if "[settled" not in text and text not in list_file_notes(path)]
    assert sorted(heard) == sorted(known)
    said = list_lines(ran.stderr, "  ")
    assert said[0] == path.rows
    notes = [text for text in path.findings if not re.match(r"\S+\.\S+: ", text)]
    assert [line.rstrip(".") for line in said[1 : 1 + len(notes)]] == [note.rstrip(".") for note in notes]
    source = r"\(docs/results/speed\.md: two cores of a Xeon\)"
    rest = "baselines, scoring and reasons come on top"
    assert re.fullmatch(
        rf"training reads about [\d,]+ tokens: roughly under 1 s {source}; {rest}", said[1 + len(notes)]
    )
    ds = load("mine.yaml")
    assert ran.stdout.splitlines()[-4:] == [
        "metrics: runs/mine/metrics.json",
        "report:  runs/mine/report.html",
        f"next:    thinkrec recommend mine --users {ds.user_ids[0]} --top 5 --reasons",
        "         thinkrec recommend mine --users all --top 10 --out recommendations.csv",
    ]

    heading, user, title = path.words
    listed = call("recommend", "mine", "--users", path.user, "--top", 3, "--reasons")
    assert listed.exit_code == 0, listed.output
    assert heading in [line.strip() for line in listed.stdout.splitlines()]
    assert re.findall(r"^│ (\d) │", listed.stdout, re.M) == ["1", "2", "3"]
    assert len(re.findall(r"by\W+rules\)", listed.stdout)) == 3
    assert listed.stdout.splitlines()[-1].strip() == "ranked: every item that the user has not met"
    explained = call("explain", "mine", path.user, ds.items.ids[4])
    assert explained.exit_code == 0, explained.output
    first = f"{title or ds.items.titles[4]} for {user}: probability of a like "
    assert re.search(rf"^{re.escape(first)}\d+%, score [+-]\d\.\d\d\n", explained.stdout, re.M)
    assert "  (+ liked, - not liked; oldest first)\n  adapters: global 1.00\n" in explained.stdout
    assert re.search(r"\n  (Yes|No)\. .*\(reason by\s+rules\)\n$", explained.stdout, re.S)


def list_file_notes(path: Steps) -> list[str]:
    """Findings on how files are written, which the recipe settles."""
    marks = (BARE, SEPARATED, "read as latin-1", "read with backslashes", "hold 0 and 1; they are keywords")
    return [text for text in path.findings if any(mark in text for mark in marks)]


def check_recipe(name: str) -> None:
    """What was written says what the shipped recipe says, which has at most twelve lines; both give the same data."""
    shipped_file = find_recipe(f"own-data/{name}")
    assert len(shipped_file.read_text(encoding="utf-8").splitlines()) <= 12
    mine, shipped = load("mine.yaml"), load(f"own-data/{name}")
    assert mine.to_frame().equals(shipped.to_frame())
    assert mine.items.ids == shipped.items.ids and mine.items.titles == shipped.items.titles
    assert mine.items.keywords == shipped.items.keywords
    checked = call("check", f"own-data/{name}")
    assert checked.exit_code == 0, checked.output
    assert checked.stdout.rstrip().endswith("a run would go through")


def test_wrong_steps_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of the run's name, a recipe in the place of a run, files that are none."""
    monkeypatch.chdir(tmp_path)
    write_movielens_latest_small(tmp_path)
    (tmp_path / "mine").mkdir()
    assert "error: there is no recipe.yaml in mine; give the folder of a run or a saved recommender" in refused(
        "recommend", "mine", "--users", 1
    )
    (tmp_path / "mine.yaml").write_text("extends: demo\nname: mine\n")
    assert refused("recommend", "mine.yaml", "--users", 1) == (
        "error: there is no run 'mine.yaml' (looked for mine.yaml and runs/mine.yaml); this is a recipe, and its "
        "run is "
        "called by its name; train one: thinkrec run mine.yaml, which says the name in the end\n"
    )
    (tmp_path / "empty.csv").touch()
    result = call("check", "empty.csv", "ml-latest-small/movies.csv")
    assert result.exit_code == 1 and list_lines(result.stdout, "  - ") == [
        "empty.csv: the file is empty. Check that this is the right one and that it was written in full."
    ]
    result = call("check", "ml-latest-small/movies.csv")
    assert result.exit_code == 1 and list_lines(result.stdout, "  - ") == [
        "no table of interactions was found, with a column of users and one of items (movies.csv has movieId, title, "
        "genres)."
    ]
    assert call("check", "ml-latest-small", "--write", "all.yaml").exit_code == 0
    keys = ("data.interactions=ml-latest-small", "data.interactions=none.csv")
    assert refused("run", "all.yaml", "-o", keys[0]) == (
        "error: ml-latest-small: its 4 files are no parts of one table (links.csv has movieId, imdbId, tmdbId; "
        "movies.csv has movieId, title, genres; ratings.csv has userId, movieId, rating, timestamp). Name one file; "
        "`thinkrec check ml-latest-small` says what each of them is. `thinkrec check all.yaml` lists everything "
        "that is "
        "wrong at once.\n"
    )
    assert "none.csv: no such file. Check the path" in refused("run", "all.yaml", "-o", keys[1])


def test_the_archive_as_it_was_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    archive = write_movielens_latest_small(Path("."), zipped=True)[0]
    result = call("check", archive, "--write", "mine.yaml")
    assert result.exit_code == 0, result.output
    data = yaml.safe_load(Path("mine.yaml").read_text())["data"]
    inside = tmp_path / "ml-latest-small.zip" / "ml-latest-small"
    assert data["interactions"] == str(inside / "ratings.csv") and data["items"] == str(inside / "movies.csv")
    assert len(load("mine.yaml").interactions) == 1096


def test_the_command_itself(tmp_path: Path) -> None:
    """The same in a process of its own, for what only there goes wrong: streams, encodings, exit codes."""
    files = write_movielens_latest_small(tmp_path)
    command = [sys.executable, "-m", "thinkrec", "check", *map(str, files), "--write", "mine.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0 and not done.stderr and done.stdout.endswith("run it: thinkrec run mine.yaml\n")
