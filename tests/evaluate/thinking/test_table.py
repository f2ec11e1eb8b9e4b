"""Names of the measures below the table."""

from __future__ import annotations

from thinkrec.evaluate.thinking.table import DIAGNOSIS
from thinkrec.run.plan_measures import measure_plans
from thinkrec.run.thinking import ONE_PASS, SYSTEMS


def test_every_measure_has_its_sentence() -> None:
    source = {"within", "between", "distinct", "sided", "named", "balance_auc", "balance_auc_rules"}
    source |= {f"{name}{suffix}" for name in ("shared", "cause") for suffix in ("", "_random")} | {"cause_rules"}
    assert set(DIAGNOSIS) == source
    assert callable(measure_plans) and ONE_PASS in SYSTEMS
