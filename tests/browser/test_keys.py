"""With keys nothing of the data reaches a browser before a key is given, and other sites cannot speak to the page."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import pytest
from browser.conftest import HOSTILE, KEY

pytestmark = pytest.mark.browser


def collect_traffic(page: Any) -> list[str]:
    """All text that the page is sent from now on: answers and frames of its websocket."""
    texts: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: texts.append(str(frame))))
    page.on("response", lambda answer: texts.append(answer.text()) if "/page/" in answer.url[-7:] else None)
    return texts


def test_no_data_before_a_key(new_page: Any, guarded_address: str) -> None:
    page = new_page()
    texts = collect_traffic(page)
    page.goto(f"{guarded_address}/page/")
    page.get_by_label("API key").fill(f"{KEY}x")
    page.get_by_role("button", name="Open").click()
    page.get_by_role("alert").filter(has_text="no valid key").wait_for()
    assert page.locator(".pick").count() == 0
    heard = "".join(texts)
    assert "API key" in heard and "no valid key" in heard
    words = ("viewer", "film", "thinkrec full", "uauc", HOSTILE[0])
    assert [word for word in words if word in heard.lower()] == []
    page.get_by_label("API key").fill(KEY)
    page.keyboard.press("Enter")
    page.locator(".pick").first.wait_for()
    assert "pick 1" in "".join(texts)


def test_a_tab_remembers_its_key_and_another_one_asks(new_page: Any, guarded_address: str) -> None:
    page = new_page()
    page.goto(f"{guarded_address}/page/")
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Open").click()
    page.locator(".pick").first.wait_for()
    page.reload()
    page.locator(".pick").first.wait_for()
    other = page.context.new_page()
    other.goto(f"{guarded_address}/page/")
    other.get_by_label("API key").wait_for()
    assert other.locator(".pick").count() == 0
    assert page.context.cookies() == []


def test_the_endpoints_still_ask_for_their_key(guarded_address: str) -> None:
    codes = {"/v1/users": 401, "/metrics": 401, "/openapi.json": 401, "//page/v1/users": 401, "/page/../v1/users": 404}
    for path, code in codes.items():
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(f"{guarded_address}{path}")
        assert error.value.code == code, path


def test_another_sites_script_cannot_speak_to_the_page(address: str) -> None:
    url = f"{address}/page/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    assert urllib.request.urlopen(urllib.request.Request(url, headers={"Origin": address})).status == 200
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(urllib.request.Request(url, headers={"Origin": "http://evil.example"}))
    assert error.value.code == 400
