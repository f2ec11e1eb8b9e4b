"""The teacher behind an OpenAI-compatible endpoint. Only this file and `endpoint.py` know of HTTP."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

from thinkrec.teacher import api_error, reply
from thinkrec.teacher.client import NOTHING, Answer, Message, OnAnswer, Question, TeacherStopped, Usage, estimate_tokens
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
        """`spent`: what earlier starts took of the budget. Raises RecipeError where an address, model or key lacks."""
        self.config, self._endpoint = config, Endpoint(config)
        self.name = format_api_teacher_name(config)
        self._pace = RateLimiter(config.requests_per_minute, config.tokens_per_minute)
        self.purse = BudgetTracker(config.budget, config.prices, spent)
        self._rng = random.Random()
        self._completions: list[int] = []

    def ask(self, questions: Sequence[Question], done: OnAnswer) -> None:
        """See `Teacher.ask`. Ctrl-C drops the requests under way."""
        run_coroutine(lambda: self._answer_concurrently(questions, done))

    async def _answer_concurrently(self, questions: Sequence[Question], done: OnAnswer) -> None:
        self.purse.reset_reserved()
        self._stop: TeacherStopped | None = None
        self._stopping = asyncio.Event()
        self._failed, self._broken = 0, False
        waiting = iter(questions)
        async with self._endpoint.make_client() as client:
            count = min(self.config.concurrency, len(questions))
            workers = [asyncio.create_task(self._run_worker(client, waiting, done)) for _ in range(count)]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        if self._stop is not None:
            raise self._stop

    async def _run_worker(self, client: Any, waiting: Iterator[Question], done: OnAnswer) -> None:
        for question in waiting:
            try:
                answer = await self._answer_question(client, question)
            except TeacherStopped as stop:
                # Those under way beside it may still come back and be written down; nothing new starts.
                self._stop = self._stop or stop
                self._stopping.set()
                return
            if self._broken:
                return
            self._broken = True  # unless it is written down
            done(question, answer)
            self._broken = False
            if self._stop is not None:
                return

    async def _answer_question(self, client: Any, question: Question) -> Answer:
        """The answer, or the failure after all repetitions. Raises TeacherStopped."""
        watch, taken, retries = _Stopwatch(), [NOTHING], self.config.retries
        attempt = 0
        while True:
            try:
                found = await self._send_request(client, question.messages, watch, taken)
            except DialectChangedError:
                continue  # no try: each way of asking is found out once
            except PermanentError as error:
                if error.refusal is None:
                    return self._record_failure(str(error), taken[0], watch.seconds)
                return self._record_refusal(error.refusal, str(error), taken[0], watch.seconds)
            except TransientError as error:
                if attempt >= retries.max_retries:
                    return self._record_failure(f"{error} ({retries.max_retries + 1} tries)", taken[0], watch.seconds)
                await self._sleep_unless_stopped(error.wait or compute_backoff(retries, attempt, self._rng))
                attempt += 1
                continue
            if found.refusal is not None:
                said = f": {found.refusal_text[:200]}" if found.refusal_text else ""
                why = f"the content was refused ({found.refusal}){said}"
                return self._record_refusal(found.refusal, why, taken[0], watch.seconds)
            self._failed = 0
            return Answer(found.text, found.reasoning, taken[0], watch.seconds, is_truncated=found.is_truncated)

    def _record_refusal(self, by: str, why: str, total: Usage, seconds: float) -> Answer:
        # An endpoint that refuses content works; it counts against nothing but the question.
        self._failed = 0
        return Answer("", "", total, seconds, failure=why, refusal=by)

    def _record_failure(self, why: str, total: Usage, seconds: float) -> Answer:
        self._failed += 1
        if self._failed >= self.config.retries.max_consecutive_failures and self._stop is None:
            self._stop = TeacherStopped(
                f"{self._failed} questions in a row failed, the last one because {why}; see to "
                f"{self._endpoint.url} and start the same command again to go on"
            )
            self._stopping.set()
        return Answer("", "", total, seconds, failure=why)

    async def _sleep_unless_stopped(self, seconds: float) -> None:
        """Sleep, unless the run stops. Raises TeacherStopped then."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
        assert self._stop is not None
        raise self._stop

    async def _send_request(
        self, client: Any, messages: Sequence[Message], watch: _Stopwatch, total: list[Usage]
    ) -> reply.Reply:
        """One request, when its turn comes; adds what it took to `total[0]`.

        Raises Passing, Final, Differently, TeacherStopped.
        """
        prompt = estimate_tokens(messages)
        worst, taken = self.purse.compute_max_usage(prompt, self.config.max_tokens), NOTHING
        await self.purse.wait_and_reserve(worst)
        try:
            settle = await self._pace.acquire(prompt + self._estimate_answer_tokens())
            if self._stop is not None:
                raise self._stop
            taken = Usage(0, 0, 0.0, 1)
            with watch:
                found = await self._endpoint.send(client, messages)
            taken = self._record_usage(found, prompt)
            settle(taken.tokens)
            if not found.text and found.refusal is None:
                how = "it only reasoned" if found.reasoning else "nothing in it"
                if api_error.normalise_code(found.finish_reason) in ("toolcalls", "functioncall", "tooluse"):
                    how = "the model called a tool instead"
                raise TransientError(
                    f"the answer was empty ({how}{', cut at max_tokens' if found.is_truncated else ''})"
                )
            return found
        except TransientError as error:
            if error.wait:
                self._pace.pause_for(error.wait)
            raise
        finally:
            self.purse.settle_usage(worst, taken)
            total[0] += taken

    def _record_usage(self, found: reply.Reply, prompt: int) -> Usage:
        asked = prompt if found.prompt_tokens is None else found.prompt_tokens
        said = found.completion_tokens
        if said is None:
            said = -(-len((found.text + found.reasoning).encode()) // 4)
        self._completions = [*self._completions[-99:], said]
        return Usage(asked, said, self.config.prices.compute_cost(asked, said))

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
