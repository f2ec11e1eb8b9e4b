"""Tables and metrics.json: what is bold, what is marked, and that nothing is lost on the way."""

import dataclasses
import json

import numpy as np
import pytest
from rich.console import Console

from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import METRICS, bootstrap_metrics
from thinkrec.evaluate.report.page import ReportData, render_report
from thinkrec.evaluate.results import from_dict, read_metrics, summarise_results, to_dict, write_metrics
from thinkrec.evaluate.table import format_interval, format_number, render_markdown, render_results


@pytest.fixture
def results():
    rng = np.random.default_rng(0)
    user, label = rng.integers(0, 40, 800), rng.integers(0, 2, 800)
    noise = rng.normal(0, 1, 800)
    samples = {
        "perfect": bootstrap_metrics(user, label, label, draws=50),
        "good [v2] | x": bootstrap_metrics(user, label, label + noise, draws=50),
        "one number": bootstrap_metrics(user, label, noise, draws=50),
    }
    return summarise_results(
        samples,
        kinds={"perfect": "ceiling", "one number": "impersonal"},
        against="one number",
        published={"paper": {"auc": 0.999}},
    )


def test_numbers_are_printed_as_the_field_prints_them():
    assert [format_number(v) for v in (0.7094, 1.0, 0.0, -0.25, 0.6775, float("nan"), -0.0001)] == [
        ".709",
        "1.000",
        ".000",
        "-.250",
        ".678",
        "n/a",
        ".000",
    ]
    assert [format_number(v, signed=True) for v in (0.0123, -0.0123, 0.0)] == ["+.012", "-.012", ".000"]
    assert format_interval(None, None) == "" and format_interval(0.1, 0.2) == "[.100, .200]"


def test_markdown_marks_the_best_ranked_row_and_escapes_names(results):
    text = render_markdown(results)
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("| ")}
    assert r"| good \[v2\] \| x | **" in text
    assert "**" not in lines["perfect ‡"] and "**" not in lines["paper §"] and "**" not in lines["one number †"]
    assert lines["paper §"].count(" - ") == 3
    assert "divided by all liked rows" in text and "seed 0" in text and "50 draws" in text
    assert "Difference to one number" in text and "100%" in text


def test_the_terminal_shows_the_same(results):
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(render_results(results))
    shown = console.export_text()
    assert "good [v2] | x" in shown and "perfect ‡" in shown and "NDCG@5" in shown
    assert "Difference to one number" in shown and "not personal" in shown


def test_the_ceiling_is_not_compared(results):
    assert [c.name for c in results.comparisons] == ["good [v2] | x"]


def test_metrics_json_goes_out_and_comes_back(results, tmp_path):
    write_metrics(tmp_path / "metrics.json", results, {"recipe": "mine"})
    assert read_metrics(tmp_path / "metrics.json") == results
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.json"]
    plain = json.loads((tmp_path / "metrics.json").read_text())
    assert plain["schema"] == "thinkrec-metrics/2"
    assert plain["provenance"] == {"recipe": "mine"}
    assert set(plain["policies"]) == set(METRICS)
    assert (plain["n_rows"], plain["n_users"], plain["seed"], plain["draws"]) == (800, 40, 0, 50)
    assert plain["rows"][3]["estimates"]["auc"] == {"value": 0.999, "low": None, "high": None, "error": None}


def test_undefined_values_are_null_in_json_and_nan_again_after():
    sample = bootstrap_metrics([0, 1], [1, 1], [1, 2], draws=5)
    plain = to_dict(summarise_results({"m": sample, "n": sample}, against="m"))
    text = json.dumps(plain, allow_nan=False)
    back = from_dict(json.loads(text))
    assert np.isnan(back.rows[0].estimates["auc"].value)
    assert np.isnan(back.comparisons[0].pairs["auc"].share_above)


def test_what_cannot_be_read_is_refused_with_its_file(results, tmp_path):
    path = tmp_path / "metrics.json"
    with pytest.raises(DataError, match=r"metrics\.json"):
        read_metrics(path)
    path.write_text(json.dumps({**to_dict(results), "schema": "other/9"}))
    with pytest.raises(DataError, match="schema"):
        read_metrics(path)
    broken = to_dict(results)
    del broken["seed"]
    with pytest.raises(DataError, match="seed"):
        from_dict(broken)


def test_rows_that_cannot_stand_together_are_refused():
    sample = bootstrap_metrics([0, 0], [0, 1], [1, 2], draws=5)
    with pytest.raises(DataError, match="n_draws"):
        summarise_results({"a": sample, "b": dataclasses.replace(sample, n_draws=6)})
    with pytest.raises(DataError, match="'c'"):
        summarise_results({"a": sample}, against="c")
    with pytest.raises(DataError, match="no model"):
        summarise_results({})


def test_the_share_of_tied_users_stands_under_the_table_and_in_the_file(results):
    user, label = np.repeat(np.arange(4), 2), np.tile([0, 1], 4)
    ties = np.array([1, 1, 2, 3, 4, 4, 5, 6])
    found = summarise_results(
        {"a": bootstrap_metrics(user, label, ties, draws=5), "b[1]": bootstrap_metrics(user, label, label, draws=5)}
    )
    assert [row["tied"] for row in to_dict(found)["rows"]] == [0.5, 0.0]
    assert "equal scores): 50.0% a; no others." in render_markdown(found)
    assert "No users in UAUC with a liked and a not liked row of equal scores." in render_markdown(results)
    page = render_report(ReportData(results=found))
    assert "equal scores): 50.0% a; no others." in page


def test_brackets_in_a_title_are_no_markup(results):
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(render_results(results, title="runs/[red]/[/]mine.csv"))
    assert "runs/[red]/[/]mine.csv" in console.export_text()


def test_a_value_that_is_not_defined_is_never_the_best():
    rng = np.random.default_rng(0)
    user, label = np.arange(40), rng.integers(0, 2, 40)
    samples = {name: bootstrap_metrics(user, label, rng.random(40), draws=20) for name in "ab"}
    found = summarise_results(samples, against="a")
    text = render_markdown(found)
    assert text.count("**") == 2, "one bold AUC; UAUC, NDCG and MAP have no value"
    assert "**n/a" not in text
    json.dumps(to_dict(found), allow_nan=False)


def test_what_is_not_defined_is_said_with_its_reason():
    # Leave-one-out: every user has one row.
    user, label = np.arange(40), np.arange(40) % 2
    remarks = summarise_results({"a": bootstrap_metrics(user, label, label, draws=20)}).remarks
    assert remarks == (
        "UAUC is not defined: no user has a liked and a not liked row.",
        "NDCG@5 is not defined: every user has one row.",
        "MAP@5 is not defined: every user has one row.",
    )
    alone = summarise_results({"a": bootstrap_metrics([0, 0, 1, 1], [1, 1, 1, 1], [1, 2, 3, 4], draws=20)}).remarks
    assert alone[0] == "AUC is not defined: all rows have the same label."
    # One of two users has both classes: half of the draws of two users have UAUC from the other alone, a quarter none.
    sample = bootstrap_metrics([0, 0, 1, 1], [0, 1, 1, 1], [1, 2, 3, 4], draws=400)
    gone = int(np.isnan(sample.draws["uauc"]).sum())
    assert 60 < gone < 140
    found = summarise_results({"a": sample})
    assert f"UAUC is not defined on {gone} of 400 draws of users" in found.remarks[1]
    assert found.remarks[1] in render_report(ReportData(results=found))
    assert from_dict(to_dict(found)).remarks == found.remarks
