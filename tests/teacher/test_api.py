"""The endpoint teacher against a server that misbehaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from support.scripted_server import Reaction, Request, Served, fails, says, serve, truncated

from thinkrec.errors import RecipeError
from thinkrec.teacher.api import ChatApiTeacher
from thinkrec.teacher.client import Answer, Question, TeacherStoppedError, Usage
from thinkrec.teacher.config import ApiTeacherConfig, Budget, Prices, Retries
from thinkrec.testing import make_questions

QUICK = Retries(max_retries=3, initial_backoff=0.01, max_backoff=0.05)
KEY = "sk-secret-0123456789"


def config(served: Served, **changes) -> ApiTeacherConfig:
    values = {"model": "m", "base_url": served.url, "retries": QUICK, "timeout": 5.0, "concurrency": 4}
    return ApiTeacherConfig(**{**values, **changes})


def ask(teacher: ChatApiTeacher, questions: list[Question]) -> dict[str, Answer]:
    found: dict[str, Answer] = {}
    teacher.ask(questions, lambda question, answer: found.__setitem__(question.key, answer))
    return found


def one(react: Callable[[Request], Reaction], **changes) -> tuple[Answer, Served]:
    with serve(react) as served:
        (answer,) = ask(ChatApiTeacher(config(served, **changes)), make_questions(1)).values()
    return answer, served


def after(first: Reaction, then: Reaction) -> Callable[[Request], Reaction]:
    return lambda request: then if request.earlier else first


@pytest.mark.parametrize(
    "trouble",
    [
        fails(429),
        fails(429, headers={"Retry-After": "soon"}),
        fails(500),
        fails(503, headers={"Retry-After": "0"}),
        Reaction(status=502, body=b"<html>bad gateway</html>"),
        truncated("Yes."),
        Reaction(body=says("Yes.").body, announced=40),
        Reaction(body=b"[]"),
        Reaction(body=b'{"choices": []}'),
        Reaction(body=b'{"error": {"message": "overloaded"}}'),
        says(""),
        says(None, reasoning_content="only thoughts"),
        says("<think>never ends", finish="length"),
        Reaction(body=b"\xff\xfe\x00"),
    ],
    ids=[
        "429",
        "429-words",
        "500",
        "503-0",
        "html",
        "truncated",
        "short",
        "list",
        "no-choice",
        "error-in-200",
        "empty",
        "reasoning-only",
        "open-think",
        "bytes",
    ],
)
def test_what_passes_is_asked_again(trouble: Reaction) -> None:
    answer, served = one(after(trouble, says("Yes. Good.")))
    assert (answer.text, answer.failure) == ("Yes. Good.", None)
    assert len(served.requests) == answer.usage.requests == 2


def test_a_hang_ends_at_the_timeout_and_so_does_a_drip() -> None:
    began = time.monotonic()
    answer, served = one(after(Reaction(hang=30), says("No. Bad.")), timeout=0.3)
    assert answer.text == "No. Bad."
    answer, served = one(after(Reaction(body=says("No.").body, drip=0.1), says("No. Bad.")), timeout=0.4)
    assert answer.text == "No. Bad." and len(served.requests) == 2
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("trouble", [fails(500), truncated("Yes."), says(""), fails(429)])
def test_repetitions_are_bounded(trouble: Reaction) -> None:
    answer, served = one(lambda request: trouble)
    assert answer.text == "" and answer.failure is not None and "4 tries" in answer.failure
    assert len(served.requests) == answer.usage.requests == 4


def test_what_was_paid_for_empty_answers_counts() -> None:
    answer, _ = one(after(says(""), says("Yes. Good.")), prices=Prices(input=10, output=100))
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (200, 40)
    assert answer.usage.cost == pytest.approx(2 * (100 * 10 + 20 * 100) / 1e6)


def test_no_connection_is_a_failure_of_the_question() -> None:
    with serve(lambda request: says("Yes.")) as served:
        settings = config(served, retries=QUICK.model_copy(update={"max_retries": 1}))
    (answer,) = ask(ChatApiTeacher(settings), make_questions(1)).values()
    assert answer.failure is not None and "connection failed" in answer.failure


def test_a_refused_question_is_not_repeated_and_the_others_go_on() -> None:
    def react(request: Request) -> Reaction:
        return fails(400, "too long") if " 2 |" in request.asked else says("Yes. Good.")

    with serve(react) as served:
        found = list(ask(ChatApiTeacher(config(served)), make_questions(6)).values())
    failures = [answer.failure for answer in found if answer.failure]
    assert len(found) == 6 and len(failures) == 1 and "400" in failures[0] and "too long" in failures[0]
    assert len(served.requests) == 6


@pytest.mark.parametrize(
    ("status", "more"), [(401, {}), (402, {}), (403, {}), (404, {}), (429, {"code": "insufficient_quota"})]
)
def test_some_errors_stop_the_run(status: int, more: dict[str, str]) -> None:
    with serve(lambda request: fails(status, "because", **more)) as served:
        calls: list[Answer] = []
        with pytest.raises(TeacherStoppedError, match=f"{status}.*because") as stopped:
            ChatApiTeacher(config(served, concurrency=2)).ask(
                make_questions(20), lambda _, answer: calls.append(answer)
            )
    assert not stopped.value.budget
    assert calls == []
    assert len(served.requests) <= 2, "no more than were under way"


def test_what_is_under_way_beside_a_stop_is_still_handed_over() -> None:
    def react(request: Request) -> Reaction:
        late = " 0 |" in request.asked
        return Reaction(body=says("Yes. Late.").body, hang=0.3) if late else fails(402)

    calls: list[int | None] = []
    with serve(react) as served, pytest.raises(TeacherStoppedError):
        ChatApiTeacher(config(served, concurrency=2)).ask(
            make_questions(5), lambda question, _: calls.append(question.row)
        )
    assert calls == [0]


def test_many_failures_in_a_row_end_the_run() -> None:
    with serve(lambda request: fails(500)) as served:
        calls: list[Answer] = []
        settings = config(
            served, concurrency=1, retries=QUICK.model_copy(update={"max_retries": 1, "max_consecutive_failures": 3})
        )
        with pytest.raises(TeacherStoppedError, match="3 questions in a row failed"):
            ChatApiTeacher(settings).ask(make_questions(50), lambda _, answer: calls.append(answer))
    assert len(calls) == 3 and len(served.requests) == 6


@pytest.mark.parametrize(
    "header", [{"Retry-After": "1"}, {"retry-after-ms": "1000"}, {"x-ratelimit-reset-tokens": "1s"}]
)
def test_a_pause_that_the_server_names_holds_everybody_back(header: dict[str, str]) -> None:
    times: list[float] = []

    def react(request: Request) -> Reaction:
        times.append(time.monotonic())
        first = len(times) == 1
        return fails(429, headers=header) if first else Reaction(body=says("Yes.").body, hang=0.2)

    with serve(react) as served:
        found = ask(ChatApiTeacher(config(served, concurrency=2)), make_questions(4))
    assert len(found) == 4 and len(times) == 5
    later = sorted(moment - times[0] for moment in times)[2:]
    # The second request was already under way; the worker that sent it waits too.
    assert min(later) >= 0.95 and max(later) < 1.9, "one pause for all"


def test_a_server_that_asks_for_hours_ends_the_run() -> None:
    with (
        serve(lambda request: fails(429, headers={"Retry-After": "86400"})) as served,
        pytest.raises(TeacherStoppedError, match="86400 s"),
    ):
        ask(ChatApiTeacher(config(served)), make_questions(3))


def test_reasoning_is_read_from_wherever_it_is() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "because"}]}
    parts = [thought, {"type": "text", "text": "Yes. Good."}]
    for reaction in (
        says("Yes. Good.", reasoning_content="because"),
        says("Yes. Good.", reasoning="because"),
        says("<think>because</think>\n\nYes. Good."),
        says("because</think>Yes. Good."),
        says(parts),  # type: ignore[arg-type]
    ):
        answer, _ = one(lambda request, reaction=reaction: reaction)
        assert (answer.text, answer.reasoning) == ("Yes. Good.", "because")
    answer, _ = one(lambda request: says("Yes. Go", finish="length"))
    assert answer.is_truncated


def test_an_endpoint_that_does_not_count_is_estimated() -> None:
    answer, _ = one(lambda request: says("Yes. " + "x" * 395, usage=False), prices=Prices(output=1))
    assert answer.usage.completion_tokens == 100 and answer.usage.prompt_tokens > 4
    assert answer.usage.cost == pytest.approx(100 / 1e6)


def test_a_budget_holds_with_many_requests_at_once() -> None:
    with serve(lambda request: Reaction(body=says("Yes. Good.").body, hang=0.02)) as served:
        for budget, most in ((Budget(max_requests=5), 5), (Budget(max_tokens=1000), 8), (Budget(max_cost=0.001), 8)):
            before, calls = len(served.requests), []
            settings = config(served, concurrency=4, max_tokens=20, budget=budget, prices=Prices(input=1, output=1))
            teacher = ChatApiTeacher(settings)
            with pytest.raises(TeacherStoppedError, match="budget is spent") as stopped:
                # About 100 prompt tokens, as the server says it has.
                teacher.ask(
                    make_questions(30, words="w" * 376), lambda _, answer, calls=calls: calls.append(answer.usage)
                )
            sent = len(served.requests) - before
            assert stopped.value.budget and sent == len(calls) == most
            assert teacher.budget_tracker.spent == sum(calls, Usage(0, 0, 0.0, 0))


def test_earlier_starts_count_against_the_budget() -> None:
    with serve(lambda request: says("Yes. Good.")) as served, pytest.raises(TeacherStoppedError):
        ask(ChatApiTeacher(config(served, budget=Budget(max_requests=5)), spent=Usage(1, 1, 0.0, 5)), make_questions(2))
    assert not served.requests


def test_what_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACH_KEY", f" {KEY}\n")
    settings = {"key_env": "TEACH_KEY", "temperature": 0.5, "max_tokens": 77, "extra_body": {"reasoning_effort": "low"}}
    _, served = one(lambda request: says("Yes."), **settings)
    (request,) = served.requests
    assert {k: v for k, v in request.body.items() if k != "messages"} == {
        "model": "m",
        "temperature": 0.5,
        "max_tokens": 77,
        "reasoning_effort": "low",
    }
    assert request.headers["authorization"] == f"Bearer {KEY}"
    _, served = one(lambda request: says("Yes."), max_tokens_name="max_completion_tokens")
    assert "max_tokens" not in served.requests[0].body and "temperature" not in served.requests[0].body


def test_the_key_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serve(lambda request: fails(401, f"Incorrect API key provided: {KEY}")) as served:
        teacher = ChatApiTeacher(config(served))
        with pytest.raises(TeacherStoppedError) as stopped:
            ask(teacher, make_questions(1))
    assert KEY not in str(stopped.value) and "***" in str(stopped.value) and "OPENAI_API_KEY" in str(stopped.value)
    assert KEY not in teacher.name + teacher.config.model_dump_json()


def test_nothing_is_sent_without_an_address_a_model_and_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RecipeError, match="where is the teacher"):
        ChatApiTeacher(ApiTeacherConfig(model="m"))
    with pytest.raises(RecipeError, match="which model"):
        ChatApiTeacher(ApiTeacherConfig(base_url="http://localhost:1/v1"))
    with pytest.raises(RecipeError, match="OPENAI_API_KEY"):
        ChatApiTeacher(ApiTeacherConfig(model="m", base_url="https://example.com/v1"))
    with pytest.raises(RecipeError, match="no address"):
        ChatApiTeacher(ApiTeacherConfig(model="m", base_url="localhost:8000"))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_MODEL", "from-outside")
    assert ChatApiTeacher(ApiTeacherConfig()).name.startswith("api:from-outside")


def test_it_works_inside_a_running_event_loop() -> None:
    async def notebook(served: Served) -> dict[str, Answer]:
        return ask(ChatApiTeacher(config(served)), make_questions(3))

    with serve(lambda request: says("Yes.")) as served:
        assert len(asyncio.run(notebook(served))) == 3


def test_a_proxy_of_the_environment_does_not_see_what_stays_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    answer, _ = one(lambda request: says("Yes."))
    assert answer.failure is None


def test_the_name_keeps_what_changes_answers_and_not_the_address() -> None:
    base = ApiTeacherConfig(model="m", base_url="http://127.0.0.1:1/v1")
    moved = base.model_copy(update={"base_url": "http://127.0.0.1:2/v1", "concurrency": 2})
    hotter = base.model_copy(update={"temperature": 1.0})
    assert ChatApiTeacher(base).name == ChatApiTeacher(moved).name != ChatApiTeacher(hotter).name
    assert ChatApiTeacher(base.model_copy(update={"label": "other"})).name != ChatApiTeacher(base).name
