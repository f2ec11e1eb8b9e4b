"""The sentence under a results table, and where it is kept."""

from __future__ import annotations

import json

import numpy as np
import pytest
from rich.console import Console

from thinkrec.evaluate.metrics.bootstrap import METRICS, Estimate, PairedDifference, bootstrap_metrics
from thinkrec.evaluate.report.page import ReportData, render_report
from thinkrec.evaluate.result_types import ModelComparison, RankingResults, ResultRow
from thinkrec.evaluate.results import read_verdict, summarise_results, to_dict, write_metrics
from thinkrec.evaluate.table import render_markdown, render_results
from thinkrec.evaluate.verdict import build_verdict


def made(
    others: dict[str, tuple[str, float, float, float]], *, uauc_users: int = 9, metric: str = "uauc"
) -> RankingResults:
    """A table of `mine` at .5 and others: name -> (kind, the other minus mine, low, high), in one metric."""

    def estimates(value: float) -> dict[str, Estimate]:
        return {m: Estimate(value if m == metric else float("nan"), 0.0, 1.0, 0.1) for m in METRICS}

    def pairs(gap: tuple[float, float, float]) -> dict[str, PairedDifference]:
        nothing = PairedDifference(*[float("nan")] * 4)
        return {m: PairedDifference(*gap, 0.5) if m == metric else nothing for m in METRICS}

    rows = [ResultRow("mine", "model", estimates(0.5))]
    rows += [ResultRow(name, kind, estimates(0.5 + gap)) for name, (kind, gap, _, _) in others.items()]  # type: ignore[arg-type]
    comparisons = [ModelComparison(name, "mine", pairs(gap)) for name, (_, *gap) in others.items()]
    return RankingResults(tuple(rows), tuple(comparisons), {}, 90, 10, uauc_users, 9, 5, 1000, 0, 0.95)


MEAN = {"item mean": ("impersonal", 0.282, 0.167, 0.390)}


def test_a_model_that_ranks_worse_than_one_number_per_item_is_told_so():
    found = build_verdict(made(MEAN))
    assert found is not None
    assert found.sentence == (
        "For one user mine ranks worse than the item mean (UAUC -.282 [-.390, -.167]); "
        "do not use it to rank; rank with --model 'item mean'."
    )
    assert found.lost and found.better == "item mean"


@pytest.mark.parametrize(
    ("others", "words", "lost", "better"),
    [
        # The signs are turned: the table holds the others minus the model.
        (
            {"item mean": ("impersonal", -0.05, -0.09, -0.01)},
            "ranks better than the item mean (UAUC +.050 [+.010, +.090]).",
            False,
            None,
        ),
        (
            {"item mean": ("impersonal", -0.01, -0.04, 0.02)},
            "For one user no difference is shown between mine and the item mean (UAUC +.010 [-.020, +.040]).",
            False,
            None,
        ),
        (
            {"item mean": ("impersonal", -0.05, -0.09, -0.01), "boosting": ("model", 0.04, 0.01, 0.07)},
            "ranks worse than boosting (UAUC -.040 [-.070, -.010]), but ranks better than the item mean "
            "(UAUC +.050 [+.010, +.090]); rank with --model boosting.",
            True,
            "boosting",
        ),
        # Of each kind the best row counts, and of two that are better the best is named.
        (
            {
                **MEAN,
                "keywords": ("impersonal", 0.1, -0.2, 0.4),
                "mf": ("model", 0.1, 0.02, 0.2),
                "sasrec": ("model", 0.3, 0.2, 0.4),
            },
            "than the item mean (UAUC -.282 [-.390, -.167]) and "
            "than sasrec (UAUC -.300 [-.400, -.200]); do not use it to rank; rank with --model sasrec.",
            True,
            "sasrec",
        ),
        # Ceilings and published figures are no rivals, and a row whose difference is not defined is passed over.
        (
            {
                "best": ("ceiling", 0.4, 0.3, 0.5),
                "paper": ("published", 0.4, 0.3, 0.5),
                "broken": ("model", float("nan"), float("nan"), float("nan")),
                "mf": ("model", -0.1, -0.2, -0.05),
            },
            "ranks better than mf (UAUC +.100 [+.050, +.200]).",
            False,
            None,
        ),
        # A low and a high that are not defined show nothing.
        (
            {"mf": ("model", -0.1, float("nan"), float("nan"))},
            "no difference is shown between mine and mf (UAUC +.100).",
            False,
            None,
        ),
    ],
)
def test_the_best_row_of_each_kind_is_named(others, words, lost, better):
    found = build_verdict(made(others))
    assert found is not None
    assert words in found.sentence
    assert (found.lost, found.better) == (lost, better)


def test_without_a_user_of_both_classes_auc_decides_and_it_is_said():
    found = build_verdict(made({"mf": ("model", -0.1, -0.2, -0.05)}, uauc_users=0, metric="auc"))
    assert found is not None
    assert found.sentence == (
        "Over the rows of all users together mine ranks better than mf (AUC +.100 [+.050, +.200]); no user has a liked "
        "and a not liked test row, so nothing is known about the order for one user."
    )


def test_nothing_compared_and_nothing_defined():
    assert build_verdict(made({})) is None
    sample = bootstrap_metrics([0, 1], [1, 1], [1, 2], draws=5)
    found = build_verdict(summarise_results({"m": sample, "n": sample}, against="m"))
    assert found is not None and found.sentence.startswith("Nothing can be said about how m ranks") and not found.lost


@pytest.fixture
def lost():
    """Real samples: `mine` is noise, the item mean is not."""
    rng = np.random.default_rng(0)
    user, label = rng.integers(0, 40, 800), rng.integers(0, 2, 800)
    scores = {"item [mean]": label + rng.normal(0, 1, 800), "mine": rng.normal(0, 1, 800)}
    samples = {name: bootstrap_metrics(user, label, score, draws=100) for name, score in scores.items()}
    return summarise_results(samples, kinds={"item [mean]": "impersonal"}, against="mine")


def test_the_verdict_stands_under_the_table_and_in_the_report(lost):
    found = build_verdict(lost)
    assert found is not None and found.lost
    console = Console(width=300, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(render_results(lost))
    assert found.sentence in console.export_text()
    assert found.sentence.split(" (")[0].replace("[", r"\[").replace("]", r"\]") in render_markdown(lost)
    page = render_report(ReportData(results=lost))
    assert '<p class="verdict lost">For one user mine ranks worse than the item [mean]' in page


def test_the_verdict_is_kept_and_read_from_the_folder_of_a_run(lost, tmp_path):
    assert read_verdict(tmp_path) is None, "a folder without metrics says nothing"
    write_metrics(tmp_path / "metrics.json", lost, {})
    kept = json.loads((tmp_path / "metrics.json").read_text())["verdict"]
    found = build_verdict(lost)
    assert found is not None
    assert kept == {"sentence": found.sentence, "lost": True, "better": "item [mean]"}
    assert read_verdict(tmp_path) == found.sentence
    write_metrics(tmp_path / "metrics.json", made({"mf": ("model", -0.1, -0.2, -0.05)}), {})
    assert read_verdict(tmp_path) is None, "a model that lost to nothing is not warned about"
    (tmp_path / "metrics.json").write_text("{}")
    assert "is not known" in (read_verdict(tmp_path) or "")


def test_old_metrics_without_ties_and_verdict_are_read(lost, tmp_path):
    values = to_dict(lost)
    del values["verdict"]
    for row in values["rows"]:
        del row["tied"]
    (tmp_path / "metrics.json").write_text(json.dumps(values))
    assert read_verdict(tmp_path) == build_verdict(lost).sentence  # type: ignore[union-attr]
