"""Where the time of a request goes: waiting for a lane, being scored, the rest; in the header Server-Timing."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass

from thinkrec.serve.score_job import ScoreJob


@dataclass
class RequestTiming:
    """Of one request; every call of the scorer on the way adds to it."""

    wait: float = 0.0
    """Seconds from a question's place in the queue to its first batch; of several asked together the longest."""
    score: float = 0.0
    """Seconds from there until all of them were scored."""
    company: int = 0
    """Questions of the largest batch."""
    misses: int = 0
    """Histories that had to be computed in its batches."""

    def format_header(self, seconds: float) -> str:
        """As Server-Timing has it, durations in milliseconds; `seconds`: of the request as a whole."""
        figures = {
            "total": seconds * 1000,
            "wait": self.wait * 1000,
            "score": self.score * 1000,
            "batch": self.company,
            "misses": self.misses,
        }
        return ", ".join(f"{name};dur={value:.1f}" for name, value in figures.items())


CURRENT: ContextVar[RequestTiming | None] = ContextVar("thinkrec_timing", default=None)
"""That of the request under way; None outside of requests."""


def note_jobs(jobs: Sequence[ScoreJob]) -> None:
    """Add jobs that were asked together and have ended to the request under way."""
    timing = CURRENT.get()
    done = [(job.submitted, job.begun, job.ended) for job in jobs if job.begun is not None and job.ended is not None]
    if timing is None or not done:
        return
    first = min(begun for _, begun, _ in done)
    timing.wait += first - min(submitted for submitted, _, _ in done)
    timing.score += max(ended for _, _, ended in done) - first
    timing.company = max(timing.company, *(job.company for job in jobs))
    timing.misses += sum(job.misses for job in jobs)
