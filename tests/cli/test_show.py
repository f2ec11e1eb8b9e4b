"""Titles and reasons are data: what looks like markup in them is printed as it is."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from thinkrec.cli import show
from thinkrec.evaluate.report.data import ExplainedRecommendation, ReportData
from thinkrec.evaluate.report.page import write_report
from thinkrec.score.answers import Explanation, HistoryItem, Ranked

TITLE = "[red]Emma[/red] <b>& Sons</b>"


def printed(what: object) -> str:
    out = StringIO()
    Console(file=out, width=200, highlight=False).print(what)
    return out.getvalue()


def test_titles_are_no_markup_in_the_terminal() -> None:
    ranked = Ranked("[i]7", TITLE, 1.0, 0.7, f"Yes. This viewer liked '{TITLE}'.", "rules")
    text = printed(show.render_ranking([ranked], f"{TITLE} for [bold]3"))
    assert text.count(TITLE) == 3 and "[i]7" in text and "[bold]3" in text
    assert f"'{TITLE}'. (reason by rules)" in text
    past, gate = (HistoryItem(TITLE, True),), (("global", 1.0),)
    found = Explanation("7", TITLE, "Yes", 1.0, 0.7, f"Yes. '{TITLE}'.", past, gate, "plain")
    text = printed(show.render_explanation(found, "viewer [3]"))
    assert text.count(TITLE) == 3 and "viewer [3]" in text and text.rstrip().endswith("(reason by rules)")


def test_a_reason_of_the_model_is_not_marked() -> None:
    assert "by rules" not in printed(show.render_ranking([Ranked(7, "Emma", 1.0, 0.7, "Yes. It fits.", "model")], "x"))
    assert "by rules" not in printed(show.render_ranking([Ranked(7, "Emma", 1.0, 0.7)], "x"))


def test_titles_are_escaped_in_the_report_and_the_writer_stands_there(tmp_path) -> None:
    past = (HistoryItem(TITLE, True),)
    for writer, marked in (("rules", True), ("plain", True), ("model", False)):
        case = ExplainedRecommendation(
            "viewer 3", past, TITLE, 0.7, (("global", 1.0),), f"Yes. '{TITLE}'.", writer=writer
        )
        write_report(tmp_path / "report.html", ReportData(recommendations=(case,)))
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert "<b>& Sons" not in page and page.count("&lt;b&gt;&amp; Sons") == 3
        assert ("reason by rules" in page) is marked


def test_effects_stand_beside_their_lines() -> None:
    past = (HistoryItem(TITLE, True), HistoryItem("Emma", False))
    found = Explanation(7, "Oak", "Yes", 1.0, 0.7, "Yes.", past, (("global", 1.0),), effects=(0.25, -0.0311))
    lines = printed(show.render_line_effects(found)).splitlines()
    assert any(TITLE in line and "yes" in line and "+0.250" in line for line in lines)
    assert any("Emma" in line and "no" in line and "-0.031" in line for line in lines)
