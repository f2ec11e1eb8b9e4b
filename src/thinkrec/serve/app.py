"""The service over HTTP: its endpoints. Who may ask, and how much, says `guard`, what a refusal is, `refusals`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse

import thinkrec
from thinkrec.serve import schemas
from thinkrec.serve.comparison import Comparison
from thinkrec.serve.guard import add_guard
from thinkrec.serve.metrics import ServiceMetrics
from thinkrec.serve.refusals import add_error_answers, convert_error
from thinkrec.serve.run_pair import RunPair
from thinkrec.serve.service import RecommenderService
from thinkrec.serve.values import Change

SPARE_THREADS = 8
"""For those."""
Text = Annotated[str, Query(max_length=200)]
Most = Annotated[int, Query(ge=1, le=100)]
Entries = Annotated[int, Query(ge=1, le=1000, description="The last so many.")]


def create_app(
    service: RecommenderService, keys: tuple[bytes, ...] = (), page: bool = False, pair: RunPair | None = None
) -> FastAPI:
    """The app of a service, which it closes at its end.

    Args:
        service: what answers.
        keys: who may ask; anybody where there are none.
        page: whether the page for the browser is there too; needs nicegui.
        pair: the service with a second run beside it, closed at the end in its place.
    """

    @asynccontextmanager
    async def close_at_end(_: FastAPI) -> AsyncIterator[None]:
        # Whoever is let in has a thread at once: what waits for one would wait without a bound.
        current_default_thread_limiter().total_tokens = service.admission.most + SPARE_THREADS
        yield
        # By then all answers are sent: the server waits for them first.
        await run_in_threadpool(service.close if pair is None else pair.close)

    app = FastAPI(title="ThinkRec", version=thinkrec.__version__, docs_url=None, redoc_url=None, lifespan=close_at_end)
    metrics = ServiceMetrics(service)
    add_guard(app, keys, metrics, lambda: service.admission)
    _add_metrics(app, metrics)
    add_error_answers(app)
    _add_lookups(app, service)
    _add_questions(app, service)
    _add_explaining(app, service)
    if pair is not None:
        _add_comparing(app, pair)
    if page:
        from thinkrec.serve.page.mount import add_page

        add_page(app, service, keys, pair)
    return app


def _add_metrics(app: FastAPI, metrics: ServiceMetrics) -> None:
    @app.get("/metrics", response_class=PlainTextResponse)
    def read_metrics() -> PlainTextResponse:
        return PlainTextResponse(metrics.render(), media_type="text/plain; version=0.0.4")


def _dump_value(value: Any) -> JSONResponse:
    return JSONResponse(jsonable_encoder(value))


def _add_lookups(app: FastAPI, service: RecommenderService) -> None:
    @app.get("/health")
    def check_health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/ready")
    def check_ready() -> JSONResponse:
        service.store.check()
        return _dump_value({"status": "ready", "version": service.describe().version})

    @app.get("/v1/model")
    def describe_model() -> JSONResponse:
        return _dump_value(service.describe())

    @app.get("/v1/items")
    def search_items(q: Text = "", most: Most = 20) -> JSONResponse:
        return _dump_value(service.search_items(q, most))

    @app.get("/v1/users")
    def search_users(q: Text = "", most: Most = 20) -> JSONResponse:
        return _dump_value(service.search_users(q, most))

    @app.get("/v1/users/{user}/history")
    def get_history(user: str, most: Entries = 1000) -> JSONResponse:
        return _dump_value(service.get_history(user, most))

    @app.get("/v1/users/{user}/profile")
    def describe_user(user: str, most: Most = 5) -> JSONResponse:
        return _dump_value(service.describe_user(user, most_similar=most))


def _add_questions(app: FastAPI, service: RecommenderService) -> None:
    @app.post("/v1/recommend")
    def recommend(body: schemas.RecommendRequest) -> JSONResponse:
        return _dump_value(
            service.rank(
                body.user, history=body.get_history(), top=body.top, reasons=body.reasons, deadline=body.deadline
            )
        )

    @app.post("/v1/rank")
    def rank(body: schemas.RankRequest) -> JSONResponse:
        options = {"top": body.top, "reasons": body.reasons, "deadline": body.deadline}
        return _dump_value(service.rank(body.user, history=body.get_history(), candidates=body.candidates, **options))

    @app.post("/v1/score")
    def score(body: schemas.ScoreRequest) -> JSONResponse:
        users, items = [pair[0] for pair in body.pairs], [pair[1] for pair in body.pairs]
        return _dump_value({"scores": service.score_pairs(users, items, body.deadline).tolist()})

    @app.post("/v1/rerank")
    def rerank(body: schemas.RerankRequest) -> JSONResponse:
        names = [str(document) for document in body.documents]
        ranking = service.rank(body.query, candidates=names, top=len(names))
        place = {name: n for n, name in reversed(list(enumerate(names)))}
        results = [{"index": place[str(one.item)], "relevance_score": one.probability} for one in ranking.items]
        return _dump_value({"id": ranking.model.version, "results": results[: body.top_n]})

    @app.post("/v1/interactions", status_code=201)
    def append_interaction(body: schemas.InteractionRequest) -> JSONResponse:
        done = service.append_interaction(body.user, body.item, body.liked, timestamp=body.timestamp, key=body.key)
        return JSONResponse(asdict(done), 201 if done.is_new else 200)


def _add_explaining(app: FastAPI, service: RecommenderService) -> None:
    def explain_pair(body: schemas.ExplainRequest, **options: Any) -> Any:
        return service.explain(
            body.user, body.item, history=body.get_history(), deadline=body.deadline, effects=body.effects, **options
        )

    @app.post("/v1/explain")
    def explain(body: schemas.ExplainRequest) -> JSONResponse:
        return _dump_value(explain_pair(body, reason=body.reason))

    @app.post("/v1/explain/stream")
    def explain_stream(body: schemas.ExplainRequest) -> StreamingResponse:
        # The first answer, without its reason, is made before the stream begins, so that a refusal has its status.
        first = explain_pair(body, reason="none")

        def iterate_events() -> Iterator[str]:
            yield _format_event("score", first)
            try:
                yield _format_event("reason", explain_pair(body, reason=body.reason).reason)
            except Exception as error:
                yield _format_event("error", json.loads(bytes(convert_error(error).body)))

        return StreamingResponse(iterate_events(), media_type="text/event-stream")

    @app.post("/v1/what-if")
    def compare_what_if(body: schemas.WhatIfRequest) -> JSONResponse:
        changes = [Change(change.item, change.liked) for change in body.changes]
        options = {"item": body.item, "top": body.top, "reason": body.reason, "effects": body.effects}
        return _dump_value(
            service.compare_what_if(
                body.user,
                history=body.get_history(),
                changes=changes,
                candidates=body.candidates,
                deadline=body.deadline,
                **options,
            )
        )


def _add_comparing(app: FastAPI, pair: RunPair) -> None:
    @app.post("/v1/compare", response_model=Comparison)
    def compare(body: schemas.CompareRequest) -> JSONResponse:
        changes = [Change(change.item, change.liked) for change in body.changes]
        options = {"item": body.item, "top": body.top, "reason": body.reason, "effects": body.effects}
        return _dump_value(
            pair.compare(
                body.user,
                history=body.get_history(),
                changes=changes,
                candidates=body.candidates,
                deadline=body.deadline,
                **options,
            )
        )


def _format_event(name: str, value: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(jsonable_encoder(value))}\n\n"
