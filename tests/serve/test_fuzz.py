"""Requests made of the OpenAPI description, right ones and wrong ones: no 5xx but 503, no traceback in an answer.

`make fuzz-serve` asks 10,000; here a few of each kind.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable

pytest.importorskip("schemathesis", reason="schemathesis is not installed")
pytest.importorskip("prometheus_client", reason="thinkrec[serve] is not installed")

import schemathesis

from thinkrec.serve.app import create_app
from thinkrec.serve.loaded_model import ServiceLimits
from thinkrec.serve.service import open_service

CASES = int(os.environ.get("THINKREC_FUZZ_CASES", "120"))
SECONDS = 2.0
"""The service's deadline of requests that name none: after it the rules write a hundred reasons that the model needs
half a minute for. A few dozen such requests take longer than all others together."""
TIMEOUT = 200.0
"""Seconds that a client waits, more than any deadline. Ten, as by default, are too few where cores are shared."""
SLOW = ("/v1/recommend", "/v1/explain", "/v1/explain/stream", "/v1/what-if")
"""Endpoints whose right requests are worked on for long; the others get twice as many."""


def test_no_request_of_the_description_makes_the_service_fail(served_folder: Path, tmp_path: Path) -> None:
    limits = ServiceLimits(deadline=SECONDS)
    service, statuses = open_service(served_folder, tmp_path / "log.sqlite", limits=limits), Counter[int]()
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(service))
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) >= 15
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
    kinds = [(operation, mode) for operation in operations for mode in modes]
    weights = [1 if operation.path in SLOW else 2 for operation, _ in kinds]
    # Some endpoints have fewer different requests than are asked for: further rounds make up for them.
    for turn in range(20):
        share = (CASES - sum(statuses.values())) / sum(weights)
        if share <= 0:
            break
        for (operation, mode), weight in zip(kinds, weights, strict=True):
            ask_often(operation, mode, max(1, math.ceil(share * weight)), turn, statuses)
            print(f"{sum(statuses.values())} of {CASES} requests, round {turn + 1}: {operation.path}", flush=True)
    assert service.close(30)
    print(f"{sum(statuses.values())} requests: {dict(sorted(statuses.items()))}")
    assert sum(statuses.values()) >= CASES
    assert statuses[200] and statuses[422]


def plant_known_ids(value: object) -> None:
    """Ids made up by chance are unknown: in three of four places they become known ones, so that the model is asked."""
    if isinstance(value, list):
        for entry in value:
            plant_known_ids(entry)
    elif isinstance(value, dict):
        for name, entry in value.items():
            if crc32(repr(entry).encode()) % 4 == 0:
                continue
            if name in ("user", "item", "query"):
                value[name] = pick_id(entry, str if name == "query" else int)
            elif name in ("candidates", "documents") and isinstance(entry, list):
                value[name] = [pick_id(one, int) for one in entry]
            elif name == "pairs":
                value[name] = [[pick_id(one, int) for one in pair] for pair in entry]
            else:
                plant_known_ids(entry)


def pick_id(value: object, kind: type) -> object:
    """A user or item from 1 to 30 that follows from a value; None stays."""
    return value if value is None else kind(crc32(repr(value).encode()) % 30 + 1)


def ask_often(operation, mode, n: int, turn: int, statuses: Counter[int]) -> None:
    """So many requests to one endpoint; those that cannot be made wrong, such as without any field, are left out."""

    @seed(turn)
    @settings(
        max_examples=n,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case) -> None:
        if mode is schemathesis.GenerationMode.POSITIVE:
            plant_known_ids(case.body)
            plant_known_ids(case.path_parameters)
        head = {"Content-Type": "application/json"} if case.body else None
        response = case.call(headers=head, timeout=TIMEOUT)
        statuses[response.status_code] += 1
        assert response.status_code < 500 or response.status_code == 503, (response.status_code, case)
        text = response.content.decode("utf-8", "replace")
        assert "Traceback (most recent call last)" not in text and "site-packages" not in text, (text, case)

    try:
        ask()
    except Unsatisfiable:
        # Nothing can be wrong with a request that has no field.
        assert mode is schemathesis.GenerationMode.NEGATIVE, operation.path
