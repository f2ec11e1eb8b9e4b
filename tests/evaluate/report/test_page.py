"""The page: every section, none without data, nothing from elsewhere, no text that becomes markup."""

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import bootstrap_metrics
from thinkrec.evaluate.report.charts import compute_ticks
from thinkrec.evaluate.report.page import (
    CurvePanel,
    ExplainedRecommendation,
    HistoryItem,
    LearningCurve,
    ReportData,
    render_report,
    write_report,
)
from thinkrec.evaluate.report.user_map import FUSE, GLOBAL, build_user_map, classify_regions
from thinkrec.evaluate.results import summarise_results

SECTIONS = ["run", "results", "differences", "calibration", "curves", "users", "cases"]


class Page(HTMLParser):
    """Tags that do not close, ids, and every attribute that could load something."""

    EMPTY = frozenset({"meta", "br"})

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.tags, self.handlers = [], [], [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        values = dict(attrs)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [v for k, v in attrs if k in ("href", "src", "srcset", "data", "action", "xlink:href")]
        self.handlers += [k for k, _ in attrs if k.startswith("on")]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.EMPTY:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_full_report_holds_every_section_and_loads_nothing(sample_report, tmp_path):
    write_report(tmp_path / "report.html", sample_report)
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert [i for i in page.ids if i in SECTIONS] == SECTIONS
    assert all(link.startswith("#") for link in page.links)
    assert not re.search(r"https?://|@import|url\((?!#)", text)
    assert not page.tags & {"script", "link", "img", "iframe", "object"}
    assert "nan" not in re.sub(r"<title>.*?</title>|[a-z]*nan[a-z]+|[a-z]+nan", "", text)
    assert len(text) < 1_500_000


def test_the_numbers_on_the_page_are_the_results(sample_report):
    text = render_report(sample_report)
    for row in sample_report.results.rows:
        for estimate in row.estimates.values():
            assert f"{estimate.value:.3f}".removeprefix("0")[:3] in text
    assert "divided by all liked rows of the user" in text


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(ReportData)])
def test_an_absent_part_leaves_no_section(sample_report, name):
    gone = {
        "facts": ["run"],
        "results": ["results", "differences"],
        "calibration": ["calibration"],
        "curve_panels": ["curves"],
        "user_map": ["users"],
        "recommendations": ["cases"],
    }.get(name, [])
    empty = getattr(ReportData(), name)
    page = Page(render_report(dataclasses.replace(sample_report, **{name: empty})))
    assert [i for i in page.ids if i in SECTIONS] == [s for s in SECTIONS if s not in gone]


def test_an_empty_report_is_still_a_page():
    page = Page(render_report(ReportData()))
    assert page.open == [] and not [i for i in page.ids if i in SECTIONS]


def test_text_never_becomes_markup(tmp_path):
    evil = "</title><script>alert(1)</script>\" onload='x' & \x00\ud800"
    case = ExplainedRecommendation(evil, (HistoryItem(evil, True),), evil, 0.5, ((evil, 1.0),), evil, True, evil)
    data = ReportData(
        title=evil,
        summary=evil,
        facts={evil: evil},
        curve_panels=(CurvePanel(evil, evil, (LearningCurve(evil, (0, 1), (0, 1)),), evil),),
        recommendations=(case,),
    )
    write_report(tmp_path / "r.html", data)
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags and page.handlers == [] and page.open == []


def test_curves_with_gaps_and_single_points_are_drawn():
    panel = CurvePanel(
        "s",
        "loss",
        (LearningCurve("a", (0, 1, 2, 3), (1.0, float("nan"), 2.0, 2.0)), LearningCurve("b", (), ())),
        selected_x=9,
    )
    assert render_report(ReportData(curve_panels=(panel,))).count("<polyline") == 2
    nothing = CurvePanel("s", "loss", (LearningCurve("a", (0,), (float("inf"),)),))
    assert "<polyline" not in render_report(ReportData(curve_panels=(nothing,)))
    assert (
        render_report(ReportData(curve_panels=(CurvePanel("s", "loss", (LearningCurve("a", (5,), (1.0,)),)),))).count(
            "<polyline"
        )
        == 1
    )


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.741, 0.7432), (0, 2000), (-3.2, 7.7), (1e-9, 3e-9)])
def test_ticks_are_round_and_inside(low, high):
    found = compute_ticks(low, high, 5)
    assert 2 <= len(found) <= 12
    assert all(low - 1e-9 * abs(high) <= t <= high * (1 + 1e-9) for t in found)


def test_regions_of_the_gate():
    weights = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0.4, 0.6]])
    assert classify_regions(weights).tolist() == [GLOBAL, 1, 2, FUSE]


def halves(vectors):
    out = np.zeros((len(vectors), 3))
    out[np.arange(len(vectors)), np.where(vectors[:, 0] > 0, 1, 2)] = 1
    return out


def test_the_map_shades_the_plane_as_the_gate_decides():
    rng = np.random.default_rng(0)
    vectors = rng.normal(0, 1, (300, 6)) * [9, 4, 0.1, 0.1, 0.1, 0.1]
    group = (vectors[:, 0] <= 0).astype(int)
    found = build_user_map(vectors, group, halves, width=20, height=10, limit=100)
    assert found.explained > 0.99
    assert len(found.x) == 100 and found.grid.shape == (10, 20)
    assert found.counts == {1: int((group == 0).sum()), 2: int((group == 1).sum())}
    assert (found.grid[:, 0] == 2).all() and (found.grid[:, -1] == 1).all()
    assert np.corrcoef(found.x, found.group)[0, 1] < -0.7


def test_vectors_that_cannot_be_mapped_are_refused():
    with pytest.raises(DataError, match="dim >= 2"):
        build_user_map(np.zeros((3, 1)), np.zeros(3), halves)
    with pytest.raises(DataError, match="NaN"):
        build_user_map(np.full((3, 2), np.nan), np.zeros(3), halves)
    flat = build_user_map(np.zeros((3, 2)), np.zeros(3), halves)
    assert "<svg" in render_report(ReportData(user_map=flat))


def test_names_and_remarks_of_results_never_become_markup():
    evil = "<b onclick='x'>A & B</b>"
    rng = np.random.default_rng(0)
    user, label = rng.integers(0, 20, 200), rng.integers(0, 2, 200)
    samples = {
        name: bootstrap_metrics(user, label, np.round(rng.random(200), 1), draws=20) for name in (evil, "mean", "mine")
    }
    results = summarise_results(samples, kinds={"mean": "impersonal"}, against=("mine", evil))
    text = render_report(ReportData(results=dataclasses.replace(results, remarks=(evil,)), calibration={}))
    page = Page(text)
    # In the table, the differences and their heading, the verdict, the share of tied users and the remark.
    assert text.count("&lt;b onclick=&#x27;x&#x27;&gt;A &amp; B&lt;/b&gt;") >= 5
    assert "b onclick" not in text.replace("&lt;b onclick", "") and page.handlers == [] and page.open == []
