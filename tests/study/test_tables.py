"""What a study says: sentences, Markdown and page, on made-up figures whose truth is known."""

from __future__ import annotations

import dataclasses
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.tiny_study import make_row, write_recipe, write_study

from thinkrec.evaluate.number_format import format_number
from thinkrec.study.collect import Collection
from thinkrec.study.markdown import render_study
from thinkrec.study.page import render_study_page, write_study_page
from thinkrec.study.results import StudyResults
from thinkrec.study.sentences import (
    build_row_sentences,
    describe_gaps,
    format_p_value,
    is_real,
    join_words,
    list_notes,
)
from thinkrec.study.study_files import read_study
from thinkrec.study.summarise import summarise_study


def test_a_real_difference_is_called_real_and_nothing_else(made_up: StudyResults) -> None:
    sentences = build_row_sentences(made_up)
    against_bad, against_twin = sentences["good"].split("Against ")[1:3]
    assert against_bad.startswith("bad a real difference: better in AUC (+")
    assert "worse" not in against_bad and "UAUC" in against_bad
    assert (
        against_twin.startswith("twin no difference is shown in AUC, UAUC, NDCG@5 and MAP@5 (smallest p ")
        and "real" not in against_twin
    )
    assert sentences["bad"] == "Others are compared with it: good."
    assert sentences["absent"] == "No run of it is finished."
    assert sentences["flat"] == "It gives the very same scores as item mean."
    assert sentences["twin"] == "Others are compared with it: good."


def test_published_figures_lie_where_they_lie(made_up: StudyResults) -> None:
    text = build_row_sentences(made_up)["good"]
    assert "Published (A paper <1>): AUC .100 below, UAUC .990 above the interval measured here." in text


def test_the_family_is_all_pairs_times_all_metrics_and_p_values_are_corrected_over_it(made_up: StudyResults) -> None:
    assert made_up.family_size == 3 * 4, "three pairs have figures, the fourth has a side without runs"
    assert made_up.untested == (("absent", "bad", "no run of absent is finished"),)
    plain = sorted(d.p_value for pair in made_up.pairs for d in pair.differences.values())
    adjusted = [value for pair in made_up.pairs for value in pair.adjusted.values()]
    assert min(adjusted) == pytest.approx(12 * plain[0])
    assert any("Family: 12 tests (3 x 4" in note for note in list_notes(made_up))


def test_what_is_called_real_goes_by_the_corrected_p_value(made_up: StudyResults) -> None:
    pair = made_up.pairs[0]
    assert pair.differences["auc"].p_value < 0.05
    for adjusted, real in ((0.051, False), (0.05, True), (math.nan, False)):
        changed = dataclasses.replace(pair, adjusted={**pair.adjusted, "auc": adjusted})
        assert is_real(changed, "auc", made_up) is real
    assert not is_real(pair, "auc", dataclasses.replace(made_up, level=0.99999))


def test_one_seed_and_seeds_that_change_nothing_are_said(made_up: StudyResults) -> None:
    notes = " ".join(list_notes(made_up))
    assert "One seed only: twin." in notes and "The very same scores with every seed: flat." in notes
    assert "a remark" not in render_study(made_up) + render_study_page(made_up, {}), "it names files and values"
    assert made_up.remarks == ("a remark",)
    assert "p-values" not in " ".join(list_notes(dataclasses.replace(made_up, pairs=())))


def test_what_is_lacking_is_said(made_up: StudyResults) -> None:
    assert describe_gaps(made_up) == [
        "twin: seed 1 and 2 not finished.",
        "bad: seed 2 not finished.",
        "absent: seed 0, 1 and 2 not finished.",
        "absent, seed 0: no figures: it broke",
        "absent against bad: not tested, since no run of absent is finished.",
    ]


def test_markdown_shows_every_row_its_published_figures_and_every_test(made_up: StudyResults) -> None:
    text = render_study(made_up)
    lines = text.splitlines()
    good = next(number for number, line in enumerate(lines) if line.startswith("| good | 3 |"))
    assert lines[good + 1] == r"| § A paper \<1\> |  | .100 | .990 | - | - |"
    assert lines[0] == r"# Made \| up" and "**Not complete.**" in text
    assert sum(line.startswith("| good | bad |") for line in lines) == 4
    tests = [line for line in lines if line.startswith("| good | twin | AUC")]
    assert tests[0].endswith("| no |")
    mean = next(row for row in made_up.rows if row.name == "good").means["auc"]
    assert f"**{format_number(mean.value)}**" in lines[good]
    assert "sd " in lines[good] and "sd " not in next(line for line in lines if line.startswith("| twin | 1 |"))
    figure = lines[lines.index("## A line") + 2 :]
    assert [line.split("|")[1].strip() for line in figure[2:5]] == ["1", "2.5", "3"]
    assert figure[4] == "| 3 | absent | - |"
    assert not re.search(r"\d{4}-\d\d-\d\d|\d\d:\d\d", text), "no date, no time: the same figures give the same bytes"


class Reader(HTMLParser):
    """Collects tags, and sees that what is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br", "line", "circle", "polyline"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(made_up: StudyResults, tmp_path: Path) -> None:
    write_study_page(tmp_path / "report.html", made_up, {"hardware": "a <machine>"})
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text == render_study_page(made_up, {"hardware": "a <machine>"})
    reader = Reader()
    reader.feed(text)
    assert reader.open == [] and all(address.startswith("#") for address in reader.addresses)
    assert "A paper &lt;1&gt;" in text and "a &lt;machine&gt;" in text
    assert text.count('class="whisker') == 12 and text.count('class="whisker up"') >= 1
    assert text.count('<circle class="dot c0"') == 2, "two points of the line are measured, one is not"
    real = [pair for pair in made_up.pairs if pair.adjusted["auc"] <= 0.05]
    assert len(real) == 1


def test_rows_of_other_test_rows_stand_apart_and_are_not_compared(tmp_path: Path) -> None:
    for name in ("here", "there"):
        write_recipe(tmp_path / "two", name)
    study = read_study(write_study(tmp_path / "two"))
    rows = [make_row("here", 1.0, (0,)), make_row("there", 1.0, (0,), part="two")]
    results = summarise_study(study, Collection(rows), {})
    assert results.pairs == () and results.untested == (("there", "here", "they were judged on different test rows"),)
    text = render_study(results)
    assert text.count("720 test rows of 60 users") == 2
    assert text.index("| here |") < text.rindex("720 test rows") < text.index("| there |")


def test_a_study_without_any_figures_can_be_written(tmp_path: Path) -> None:
    write_recipe(tmp_path / "none", "a")
    results = summarise_study(read_study(tmp_path / "none"), Collection(), {})
    assert "No run is finished." in render_study(results) and "No run is finished." in render_study_page(results, {})


def test_words() -> None:
    assert [join_words(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert [format_p_value(value) for value in (0.0001, 0.0005, 0.05, 1.0, math.nan)] == [
        "<.001",
        ".001",
        ".050",
        "1.000",
        "n/a",
    ]
