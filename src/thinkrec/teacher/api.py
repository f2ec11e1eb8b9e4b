"""The teacher behind an OpenAI-compatible endpoint. Only this file and `endpoint.py` know of HTTP."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

from thinkrec.teacher import api_error, reply
from thinkrec.teacher.client import (
    NOTHING,
    Answer,
    Message,
    OnAnswer,
    Question,
    TeacherStoppedError,
    Usage,
    estimate_tokens,
)
from thinkrec.teacher.config import ApiTeacherConfig
from thinkrec.teacher.endpoint import (
    DialectChangedError,
    Endpoint,
    PermanentError,
    TransientError,
    format_api_teacher_name,
)
from thinkrec.teacher.event_loop import run_coroutine
from thinkrec.teacher.limits import BudgetTracker, RateLimiter, compute_backoff

_FIRST_GUESS = 512
"""Tokens of an answer for the pace, until some have come."""


class ChatApiTeacher:
    """Asks an endpoint, many questions at once, within its limits and the budget."""

    def __init__(self, config: ApiTeacherConfig, *, spent: Usage = NOTHING) -> None:
        """A teacher at the configured endpoint.

        `spent`: usage of earlier starts, which counts against the budget. Raises RecipeError where an address, model or
        key lacks.
        """
        self.config, self._endpoint = config, Endpoint(config)
        self.name = format_api_teacher_name(config)
        self._pace = RateLimiter(config.requests_per_minute, config.tokens_per_minute)
        self.budget_tracker = BudgetTracker(config.budget, config.prices, spent)
        self._rng = random.Random()
        self._completions: list[int] = []

    def ask(self, questions: Sequence[Question], on_answer: OnAnswer) -> None:
        """See `Teacher.ask`. Ctrl-C drops the requests under way."""
        run_coroutine(lambda: self._answer_concurrently(questions, on_answer))

    async def _answer_concurrently(self, questions: Sequence[Question], on_answer: OnAnswer) -> None:
        self.budget_tracker.reset_reserved()
        self._stop: TeacherStoppedError | None = None
        self._stopping = asyncio.Event()
        self._failed, self._broken = 0, False
        waiting = iter(questions)
        async with self._endpoint.make_client() as client:
            count = min(self.config.concurrency, len(questions))
            workers = [asyncio.create_task(self._run_worker(client, waiting, on_answer)) for _ in range(count)]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        if self._stop is not None:
            raise self._stop

    async def _run_worker(self, client: Any, waiting: Iterator[Question], on_answer: OnAnswer) -> None:
        for question in waiting:
            try:
                answer = await self._answer_question(client, question)
            except TeacherStoppedError as stop:
                # Those under way beside it may still come back and be written down; nothing new starts.
                self._stop = self._stop or stop
                self._stopping.set()
                return
            if self._broken:
                return
            self._broken = True  # unless it is written down
            on_answer(question, answer)
            self._broken = False
            if self._stop is not None:
                return

    async def _answer_question(self, client: Any, question: Question) -> Answer:
        """The answer, or the failure after all repetitions. Raises TeacherStoppedError."""
        watch, usage, retries = _Stopwatch(), [NOTHING], self.config.retries
        attempt = 0
        while True:
            try:
                received = await self._send_request(client, question.messages, watch, usage)
            except DialectChangedError:
                continue  # not counted as a try: each dialect is tried once
            except PermanentError as error:
                if error.refusal is None:
                    return self._record_failure(str(error), usage[0], watch.seconds)
                return self._record_refusal(error.refusal, str(error), usage[0], watch.seconds)
            except TransientError as error:
                if attempt >= retries.max_retries:
                    return self._record_failure(f"{error} ({retries.max_retries + 1} tries)", usage[0], watch.seconds)
                await self._sleep_unless_stopped(error.wait or compute_backoff(retries, attempt, self._rng))
                attempt += 1
                continue
            if received.refusal is not None:
                wording = f": {received.refusal_text[:200]}" if received.refusal_text else ""
                why = f"the content was refused ({received.refusal}){wording}"
                return self._record_refusal(received.refusal, why, usage[0], watch.seconds)
            self._failed = 0
            return Answer(
                received.text, received.reasoning, usage[0], watch.seconds, is_truncated=received.is_truncated
            )

    def _record_refusal(self, by: str, why: str, total: Usage, seconds: float) -> Answer:
        # An endpoint that refuses content works; it counts against nothing but the question.
        self._failed = 0
        return Answer("", "", total, seconds, failure=why, refusal=by)

    def _record_failure(self, why: str, total: Usage, seconds: float) -> Answer:
        self._failed += 1
        if self._failed >= self.config.retries.max_consecutive_failures and self._stop is None:
            self._stop = TeacherStoppedError(
                f"{self._failed} questions in a row failed, the last one because {why}; see to "
                f"{self._endpoint.url} and start the same command again to go on"
            )
            self._stopping.set()
        return Answer("", "", total, seconds, failure=why)

    async def _sleep_unless_stopped(self, seconds: float) -> None:
        """Sleep, unless the run stops. Raises TeacherStoppedError then."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
        assert self._stop is not None
        raise self._stop

    async def _send_request(
        self, client: Any, messages: Sequence[Message], watch: _Stopwatch, total: list[Usage]
    ) -> reply.Reply:
        """One request, when its turn comes; adds its usage to `total[0]`.

        Raises TransientError, PermanentError, DialectChangedError, TeacherStoppedError.
        """
        prompt = estimate_tokens(messages)
        max_usage, usage = self.budget_tracker.compute_max_usage(prompt, self.config.max_tokens), NOTHING
        await self.budget_tracker.wait_and_reserve(max_usage)
        try:
            settle = await self._pace.acquire(prompt + self._estimate_answer_tokens())
            if self._stop is not None:
                raise self._stop
            usage = Usage(0, 0, 0.0, 1)
            with watch:
                received = await self._endpoint.send(client, messages)
            usage = self._record_usage(received, prompt)
            settle(usage.tokens)
            if not received.text and received.refusal is None:
                how = "it only reasoned" if received.reasoning else "nothing in it"
                if api_error.normalise_code(received.finish_reason) in ("toolcalls", "functioncall", "tooluse"):
                    how = "the model called a tool instead"
                raise TransientError(
                    f"the answer was empty ({how}{', cut at max_tokens' if received.is_truncated else ''})"
                )
            return received
        except TransientError as error:
            if error.wait:
                self._pace.pause_for(error.wait)
            raise
        finally:
            self.budget_tracker.settle_usage(max_usage, usage)
            total[0] += usage

    def _record_usage(self, received: reply.Reply, prompt: int) -> Usage:
        prompt_tokens = prompt if received.prompt_tokens is None else received.prompt_tokens
        completion_tokens = received.completion_tokens
        if completion_tokens is None:
            completion_tokens = -(-len((received.text + received.reasoning).encode()) // 4)
        self._completions = [*self._completions[-99:], completion_tokens]
        return Usage(
            prompt_tokens, completion_tokens, self.config.prices.compute_cost(prompt_tokens, completion_tokens)
        )

    def _estimate_answer_tokens(self) -> int:
        if not self._completions:
            return min(self.config.max_tokens, _FIRST_GUESS)
        return round(sum(self._completions) / len(self._completions))


class _Stopwatch:
    """Seconds inside `with`, summed."""

    seconds = 0.0

    def __enter__(self) -> None:
        self._begun = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.monotonic() - self._begun
