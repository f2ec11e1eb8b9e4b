"""Figures of a service for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from thinkrec.serve.service import RecommenderService

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Seconds of a request."""


class ServiceMetrics:
    """Counts requests as they end, and reads the rest off the service when it is asked."""

    def __init__(self, service: RecommenderService) -> None:
        """Of one service; its model may be swapped."""
        self._registry = CollectorRegistry()
        self._requests = Counter("thinkrec_requests", "Requests", ["path", "status"], registry=self._registry)
        self._seconds = Histogram(
            "thinkrec_request_seconds", "Seconds of a request", ["path"], buckets=BUCKETS, registry=self._registry
        )
        # Of the model that answers now: these begin anew with a swap.
        self._add_gauge("waiting_candidates", "Candidates in the queue", lambda: service.loaded.queue.waiting)
        for name in ("batches", "questions", "candidates", "refused", "expired", "cancelled", "failed", "seconds"):
            self._add_gauge(
                f"queue_{name}", f"{name} so far", lambda name=name: getattr(service.loaded.queue.counts, name)
            )
        for name in ("hits", "misses", "evictions"):
            self._add_gauge(
                f"prefix_{name}",
                f"Prefixes: {name} so far",
                lambda name=name: getattr(service.loaded.prefixes.counts, name),
            )
        self._add_gauge("prefix_bytes", "Keys and values of prefixes", lambda: service.loaded.prefixes.size)
        self._add_gauge("prefix_entries", "Prefixes that are kept", lambda: len(service.loaded.prefixes))
        # Of the process.
        self._add_gauge("requests_under_way", "Requests that are worked on", lambda: service.admission.under_way)
        self._add_gauge("requests_refused", "Requests beyond the most at a time", lambda: service.admission.refused)
        for why in service.desk.fallbacks:
            self._add_gauge(
                f"fallback_{why.replace(' ', '_')}",
                "Reasons by rules instead",
                lambda why=why: service.desk.fallbacks[why],
            )

    def observe(self, path: str, status: int, spent: float) -> None:
        """Count a request that took `spent` seconds."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(spent)

    def render(self) -> str:
        """All figures in the text format of Prometheus."""
        return generate_latest(self._registry).decode()

    def _add_gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        Gauge(f"thinkrec_{name}", text, registry=self._registry).set_function(read)
