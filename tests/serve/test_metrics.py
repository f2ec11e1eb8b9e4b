"""The figures for Prometheus: what happened is counted, and read off the model that answers now."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("prometheus_client", reason="thinkrec[serve] is not installed")

from thinkrec.serve.metrics import ServiceMetrics
from thinkrec.serve.service import RecommenderService


def read(metrics: ServiceMetrics) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in metrics.render().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_prefixes_of_returning_users_are_counted_and_a_swap_empties_them(
    service: RecommenderService, served_folder: Path
) -> None:
    metrics = ServiceMetrics(service)
    first = service.rank(1, candidates=[3, 4, 5])
    for _ in range(2):
        again = service.rank(1, candidates=[3, 4, 5])
    assert [one.score for one in again.items] == pytest.approx([one.score for one in first.items], abs=1e-5)
    figures = read(metrics)
    assert (figures["thinkrec_prefix_hits"], figures["thinkrec_prefix_misses"]) == (1, 2)
    assert figures["thinkrec_prefix_entries"] == 1 and figures["thinkrec_prefix_bytes"] > 1000
    assert figures["thinkrec_queue_candidates"] == 9
    service.append_interaction(1, 7, True)
    service.rank(1, candidates=[3, 4, 5])
    assert read(metrics)["thinkrec_prefix_misses"] == 3, "another history is another prefix"
    service.swap_run(served_folder)
    assert read(metrics)["thinkrec_prefix_bytes"] == 0


def test_requests_are_counted_by_path_and_status(service: RecommenderService) -> None:
    metrics = ServiceMetrics(service)
    metrics.observe("/v1/rank", 200, 0.2)
    metrics.observe("/v1/rank", 503, 0.001)
    figures = read(metrics)
    assert figures['thinkrec_requests_total{path="/v1/rank",status="503"}'] == 1
    assert figures['thinkrec_request_seconds_bucket{le="0.25",path="/v1/rank"}'] == 2
    assert figures["thinkrec_fallback_busy"] == 0
