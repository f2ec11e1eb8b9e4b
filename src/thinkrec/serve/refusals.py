"""Refusals over HTTP: one line of JSON each, in which nothing of a request stands unescaped."""

from __future__ import annotations

import logging
import math

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from thinkrec.errors import DataError, ThinkRecError
from thinkrec.serve.errors import OverloadedError, UnknownIdError

LOGGER = logging.getLogger("thinkrec.serve")
UNEXPECTED = "something failed that should not; the operator of the service finds what in the log"
"""All that is said of an error that is no refusal."""


def add_error_answers(app: FastAPI) -> None:
    """Have the app answer errors as refusals."""

    @app.exception_handler(ThinkRecError)
    def explain_refusal(request: Request, error: ThinkRecError) -> JSONResponse:
        return convert_error(error)

    @app.exception_handler(HTTPException)
    def explain_route(request: Request, error: HTTPException) -> JSONResponse:
        hint = {404: "/openapi.json names all paths", 405: "/openapi.json says which methods a path has"}
        text = f"{error.detail}; {hint.get(error.status_code, '/openapi.json describes what is asked for')}"
        return build_refusal(error.status_code, text, dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    def explain_fault(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:3]]
        return build_refusal(422, "; ".join(faults))


def convert_error(error: Exception) -> JSONResponse:
    """The refusal of an error; what should not be is logged, and nothing of it is sent."""
    if isinstance(error, OverloadedError):
        wait = str(max(1, math.ceil(error.retry_after)))
        return build_refusal(503, str(error), {"Retry-After": wait})
    if isinstance(error, UnknownIdError):
        return build_refusal(404, str(error))
    if isinstance(error, DataError):
        return build_refusal(422, str(error))
    LOGGER.error("a request failed", exc_info=error)
    if isinstance(error, ThinkRecError):
        return build_refusal(503, "the model cannot answer; its operator finds why in the log", {"Retry-After": "60"})
    return build_refusal(500, UNEXPECTED)


def build_refusal(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """One line of JSON with a message."""
    # What a request holds may stand in a message: lone surrogates cannot be sent, and nobody reads 100 kB.
    shown = message.encode("utf-8", "backslashreplace").decode()
    return JSONResponse({"error": shown if len(shown) <= 1000 else f"{shown[:1000]}..."}, status, headers)
