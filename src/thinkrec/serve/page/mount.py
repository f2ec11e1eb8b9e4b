"""The page on the service's app: its path, its headers, and who may see it."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import nicegui
from fastapi import FastAPI, Request
from nicegui import core, ui
from starlette.middleware.base import RequestResponseEndpoint
from starlette.responses import RedirectResponse, Response

from thinkrec.serve.page.layout import build_page
from thinkrec.serve.run_pair import RunPair
from thinkrec.serve.service import RecommenderService

PATH = "/page"
"""All of the page lies below: itself, its scripts and its websocket."""
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""The browser itself refuses other addresses. NiceGUI's own scripts stand in the page and compile templates."""
STYLE = tuple(f"look{part}.css" for part in ("", "-controls", "-lists", "-answer", "-map"))


def add_page(
    app: FastAPI, service: RecommenderService, keys: tuple[bytes, ...] = (), pair: RunPair | None = None
) -> None:
    """Put the page below /page of the service's app; one app of a process can have it.

    With `keys` the page shows nothing but a field for a key, until one is given; with a `pair` both of its models.
    """

    @ui.page("/")
    async def show_page() -> None:
        await build_page(service, keys, pair)

    @core.app.middleware("http")
    async def set_headers(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @app.get("/", include_in_schema=False)
    def redirect_to_page() -> Response:
        return RedirectResponse(f"{PATH}/")

    folder = resources.files("thinkrec.serve.page")
    for name in STYLE:
        ui.add_css(Path(str(folder / name)), shared=True)
    ui.add_head_html(f"<script>{(folder / 'look.js').read_text('utf-8')}</script>", shared=True)
    # A page of another origin may not speak to this one's websocket in a visitor's browser.
    core.sio.eio.cors_allowed_origins = None
    # What a tab remembers, such as its key, is forgotten after a working day.
    nicegui.app.storage.max_tab_storage_age = 12 * 3600
    ui.run_with(
        app,
        mount_path=PATH,
        title="ThinkRec",
        dark=None,
        language="en-US",
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=30,
    )
