"""What was called otherwise once is refused in one line that says what to type."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from thinkrec.cli import app
from thinkrec.cli.evaluate import group
from thinkrec.cli.renamed import find_new_name


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("reason demo --teacher rules", "`thinkrec reason` is now `thinkrec reasons synthesize`"),
        ("reason --help", "`thinkrec reasons synthesize`"),
        ("explain-rows demo rows.parquet --out x.parquet", "`thinkrec explain-rows` is now `thinkrec reasons write`"),
        ("evaluate mine.parquet --run demo", "`thinkrec evaluate TABLE` is now `thinkrec evaluate ranking TABLE`"),
        ("evaluate --run demo mine.parquet", "`thinkrec evaluate ranking TABLE`"),
        ("evaluate mine.parquet --text --references a", "TABLE --text` is now `thinkrec evaluate text TABLE`"),
        ("evaluate --grounding mine.parquet --run demo", "--grounding` is now `thinkrec evaluate grounding TABLE`"),
        ("evaluate mine.parquet --grounding --text", "is now `thinkrec evaluate text TABLE --grounding`"),
        (
            "reasons write demo rows.parquet --cite any",
            "option --cite of `thinkrec reasons write` is now --citation-policy",
        ),
        ("reasons write demo rows.parquet --cite=any", "--citation-policy"),
        ("reasons synthesize demo --choose mixed", "is now --selection"),
        ("reasons synthesize demo --attempts 1", "is now --max-attempts"),
    ],
)
def test_earlier_names_are_refused_with_the_new_one(typed: str, words: str) -> None:
    result = CliRunner().invoke(app, typed.split())
    assert result.exit_code == 2
    assert words in result.stderr and result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "demo",
        "evaluate",
        "evaluate --help",
        "evaluate text a --grounding",
        "evaluate ranking text.parquet",
        "reasons write demo rows --citation-policy any",
        "reasons synthesize demo --citer x",
        "rank demo reason",
    ],
)
def test_todays_names_pass(typed: str) -> None:
    assert find_new_name(typed.split()) is None


def test_no_evaluation_is_taken_for_a_table() -> None:
    names = [
        command.name or command.callback.__name__.replace("_", "-")
        for command in group.registered_commands
        if command.callback
    ]
    assert names and [name for name in names if find_new_name(["evaluate", name, "x.parquet"])] == []
