"""The pictures of docs/images, made of the demo's run as somebody would see it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.conftest import ROOT, serve
from browser.walking import explain, pick, wait_for_answers, wait_for_reason

pytestmark = pytest.mark.browser
DEMO = Path(os.environ.get("THINKREC_DEMO_RUN") or ROOT / "runs" / "demo")
BESIDE = Path(os.environ.get("THINKREC_BESIDE_RUN") or ROOT / "runs" / "thinking" / "none-0")
"""The same recipe without reasons."""
IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 200_000


@pytest.fixture(scope="module")
def demo_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not (DEMO / "metrics.json").is_file():
        pytest.skip(f"no run of the demo in {DEMO}; `make demo` trains it, or set THINKREC_DEMO_RUN")
    with serve(DEMO, tmp_path_factory.mktemp("demo"), hostile=False) as server:
        yield server.address


def save_picture(page: Any, name: str, **options: Any) -> None:
    """A PNG of 256 colours, which is small enough for a page of the docs."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is missing; `make test-browser` installs it")
    page.mouse.move(0, 0)
    picture = image.open(io.BytesIO(page.screenshot(animations="disabled", **options))).convert("RGB")
    buffer = io.BytesIO()
    picture.quantize(256, dither=image.Dither.NONE).save(buffer, "PNG", optimize=True)
    assert 10_000 < len(buffer.getvalue()) < MOST_BYTES, (name, len(buffer.getvalue()))
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / name).write_bytes(buffer.getvalue())


def test_pictures_of_the_demo(new_page: Any, demo_address: str) -> None:
    page = new_page(viewport={"width": 1360, "height": 1010}, color_scheme="light")
    # The whole catalogue is ranked and two reasons are written, on whatever machine this is.
    page.set_default_timeout(600_000)
    pick(page, demo_address, "17")
    page.locator(".ranking.working").wait_for(state="detached")
    explain(page)
    page.get_by_role("button", name="Liked: The Red Museum").click()
    page.locator(".place .move").first.wait_for()
    wait_for_reason(page)
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    save_picture(page, "page-light.png")
    page.get_by_role("button", name="Everything measured").click()
    page.locator(".map").wait_for()
    page.emulate_media(color_scheme="dark")
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    save_picture(page, "page-dark.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Reasons").click()
    page.locator(".map").wait_for(state="hidden")
    page.evaluate("document.activeElement.blur(); document.querySelector('.why').scrollIntoView()")
    save_picture(page, "page-phone.png")


def test_picture_of_two_runs(new_page: Any, tmp_path: Path) -> None:
    for folder, file in ((DEMO, "metrics.json"), (BESIDE, "recipe.yaml")):
        if not (folder / file).is_file():
            pytest.skip(f"no run in {folder}; docs/testing.md says how to train it")
    with serve(DEMO, tmp_path, hostile=False, beside=BESIDE) as server:
        page = new_page(viewport={"width": 1360, "height": 1010}, color_scheme="light")
        page.set_default_timeout(600_000)
        pick(page, server.address, "17")
        page.locator(".difference").nth(19).wait_for()
        page.locator(".place").nth(3).click()
        wait_for_answers(page, 2)
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        save_picture(page, "page-beside.png", full_page=True)
        page.goto("about:blank")
