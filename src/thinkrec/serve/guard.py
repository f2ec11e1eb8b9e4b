"""What every request passes first: keys, limits of size and number, and the time in which its body has to come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from thinkrec.serve.admission import Admission
from thinkrec.serve.keys import is_allowed
from thinkrec.serve.metrics import ServiceMetrics
from thinkrec.serve.refusals import build_refusal, convert_error
from thinkrec.serve.timing import CURRENT, RequestTiming

BODY_LIMIT = 1 << 20
"""Bytes of a request."""
BODY_SECONDS = 10.0
"""Within which a request's body has to be there."""
OPEN_PATHS = ("/", "/health", "/ready")
"""Answered without a key: they say nothing of the data."""
UNCOUNTED_PATHS = (*OPEN_PATHS, "/metrics")
"""Answered however much is under way: who watches the service needs them most then."""
PAGE = "/page/"
"""Below lies the page for the browser, where nicegui is installed; it asks for a key itself, and its own questions are
asked in the process."""
CallNext = Callable[[Request], Awaitable[Response]]


def add_guard(
    app: FastAPI, keys: tuple[bytes, ...], metrics: ServiceMetrics, admission: Callable[[], Admission]
) -> None:
    """Have the app check every request, count it, and say in its answer where its time went.

    Args:
        app: of the service.
        keys: who may ask; anybody where there are none.
        metrics: what counts.
        admission: the bound that holds now.
    """

    @app.middleware("http")
    async def check_request(request: Request, call_next: CallNext) -> Response:
        begun, timing = time.monotonic(), RequestTiming()
        CURRENT.set(timing)  # handed on with the context; the threads of the request fill it in
        response = _check_head(request, keys) or await _call_if_admitted(request, call_next, admission())
        route, spent = request.scope.get("route"), time.monotonic() - begun
        metrics.observe(getattr(route, "path", "other"), response.status_code, spent)
        if timing.company:
            response.headers["Server-Timing"] = timing.format_header(spent)
        return response


def _check_head(request: Request, keys: tuple[bytes, ...]) -> Response | None:
    """The refusal of a request that needs no more than its head to be refused."""
    # The path that is routed; that of `request.url` also depends on the Host header, which the client writes.
    path = request.scope["path"]
    is_open = path in OPEN_PATHS or path.startswith(PAGE)
    if not is_open and not is_allowed(request.headers.get("authorization"), keys):
        return build_refusal(401, "no valid API key; send Authorization: Bearer KEY")
    if (size := request.headers.get("content-length", "0")).isdecimal() and int(size) > BODY_LIMIT:
        text = f"the request has more than {BODY_LIMIT} bytes; send fewer candidates or entries"
        return build_refusal(413, text)
    if request.method == "POST" and "content-length" not in request.headers:
        return build_refusal(411, "the request does not say how long it is; send Content-Length")
    return None


async def _call_if_admitted(request: Request, call_next: CallNext, admission: Admission) -> Response:
    path = request.scope["path"]
    if path in UNCOUNTED_PATHS or path.startswith(PAGE):
        return await _call_route(request, call_next)
    if not admission.has_room():
        return _refuse_for_now(admission)
    # Read before the request counts: one whose bytes never come would else keep its place for ever.
    if (refusal := await _read_body(request)) is not None:
        return refusal
    if not admission.allow_request():
        return _refuse_for_now(admission)
    try:
        return await _call_route(request, call_next)
    finally:
        admission.finish_request()


async def _call_route(request: Request, call_next: CallNext) -> Response:
    try:
        return await call_next(request)
    except Exception as error:
        return convert_error(error)


def _refuse_for_now(admission: Admission) -> JSONResponse:
    text = f"{admission.most} requests are under way and no more may be; try again later"
    return build_refusal(503, text, {"Retry-After": "1"})


async def _read_body(request: Request) -> JSONResponse | None:
    """Have the body read, which is then handed on; what to answer where it does not come."""
    try:
        await asyncio.wait_for(request.body(), BODY_SECONDS)
    except TimeoutError:
        text = f"the body of the request did not come within {BODY_SECONDS:g} seconds; send it anew, and at once"
        return build_refusal(408, text, {"Connection": "close"})
    except ClientDisconnect:
        return build_refusal(400, "the request broke off; send it anew")
    return None
