"""Answers that show themselves: everything is there, and a title stays a title."""

from __future__ import annotations

import pickle
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from thinkrec.score.answers import Explanation, HistoryItem, Ranked, Recommendation
from thinkrec.score.displays import Ranking, clean_text, isolate_text

HOSTILE = (
    "<script>steal()</script>",
    "</bdi></td></table><img src=x onerror=steal()>",
    '"><svg onload=steal()>',
    "&lt;b&gt;",
    "\u202egnp.exe",
    "\x1b[2Jcleared\x07",
    "half \ud800 character",
    "two\nlines",
)
TAGS = {"table", "thead", "tbody", "tr", "th", "td", "span", "b", "bdi", "br", "div", "p"}


class Page(HTMLParser):
    """Collects tags, attributes, and the text inside <bdi>; fails where an element is closed that is not open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list) -> None:
        assert tag in TAGS, tag
        self.attributes |= {name for name, _ in attributes}
        if tag != "br":
            self.open.append(tag)
        if tag == "bdi":
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "bdi" in self.open:
            self.texts[-1] += data


def make_ranking(*titles: str) -> Ranking[Ranked]:
    return Ranking(
        Ranked(n, title, 1.5 - n, 0.8 - n / 10, f"Yes. {title}", "rules" if n else "model", is_new=n == 1)
        for n, title in enumerate(titles)
    )


def make_explanation(title: str = "Oak", **changes: object) -> Explanation:
    past = (HistoryItem("Elm", True), HistoryItem(title, False))
    gate = (("global", 0.25), ("expert 1", 0.75), ("expert 2", 0.0))
    return Explanation(4, title, "No", -0.5, 0.377, f"No. {title}", past, gate, **changes)  # type: ignore[arg-type]


def test_a_ranking_is_a_list_of_its_places() -> None:
    ranking = make_ranking("Oak", "Elm", "Yew")
    assert ranking == list(ranking) and isinstance(ranking, list)
    assert ranking[1].title == "Elm"
    assert isinstance(ranking[:2], Ranking) and [entry.title for entry in ranking[:2]] == ["Oak", "Elm"]
    copied = pickle.loads(pickle.dumps(ranking))
    assert copied == ranking and isinstance(copied, Ranking)


def test_a_ranking_shows_every_place_with_its_reason() -> None:
    text = make_ranking("Oak", "Elm").to_text()
    assert text.splitlines() == [
        "  1   80.0%  +1.50  Oak",
        "     Yes. Oak",
        "  2   70.0%  +0.50  Elm (new)",
        "     Yes. Elm (written by rules)",
    ]
    page = make_ranking("Oak", "Elm")._repr_html_()
    assert Page(page).texts == ["Oak", "Yes. Oak", "Elm", "Yes. Elm"]
    assert "80.0%" in page and "+0.50" in page and " new<" in page and "written by rules" in page
    assert "width:72px" in page  # 80 % of 90
    plain = Ranking([Recommendation(1, "Oak", 0.0, 0.5, 9)])
    assert plain.to_text() == "  1   50.0%  +0.00  Oak" and Page(plain._repr_html_()).texts == ["Oak"]


def test_an_explanation_shows_the_past_and_what_each_line_does() -> None:
    answer = make_explanation(effects=(0.5, -0.25))
    assert answer.to_text().splitlines() == [
        "Oak: No, 37.7%, score -0.50",
        "No. Oak",
        "  + Elm  +0.500",
        "  - Oak  -0.250",
    ]
    page = answer._repr_html_()
    assert Page(page).texts == ["Oak", "No. Oak", "Elm", "Oak"]
    assert "adapters: global 25%, expert 1 75%<" in page
    assert "width:90px;height:8px;background:#12805c" in page and "width:45px;height:8px;background:#c2303f" in page
    without = make_explanation()
    assert "+0.500" not in without._repr_html_() + without.to_text()


@pytest.mark.parametrize("title", HOSTILE)
def test_a_title_is_text_whatever_it_says(title: str) -> None:
    for answer in (make_ranking(title, "Elm"), make_explanation(title, effects=(0.0, 0.0))):
        page = Page(answer._repr_html_())
        assert page.attributes <= {"style"}
        assert any("script" in text or "steal" in text for text in page.texts) == ("steal" in title)
        lines = answer.to_text()
        assert all(c.isprintable() or c == "\n" for c in lines)
        lines.encode("utf-8")
        answer._repr_html_().encode("utf-8")


def test_what_a_terminal_would_obey_is_replaced() -> None:
    assert clean_text("a\x1b[2J\u202eb\nc") == "a\ufffd[2J\ufffdb c"
    assert isolate_text("<b>") == "<bdi>&lt;b&gt;</bdi>"


def test_show_prints_or_has_the_notebook_draw(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ranking, drawn = make_ranking("Oak"), []
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    ranking.show()
    assert capsys.readouterr().out == ranking.to_text() + "\n"
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=1)))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=drawn.append))
    ranking.show()
    make_explanation().show()
    assert drawn == [ranking, make_explanation()] and capsys.readouterr().out == ""
