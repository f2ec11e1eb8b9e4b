"""What a visitor sees while the service refuses, while a reason takes long, and when another run answers."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from browser.conftest import Server, serve
from browser.walking import find_focus, pick, wait_for_reason

pytestmark = pytest.mark.browser


def test_a_refusal_can_be_tried_again(page: Any, server: Server) -> None:
    page.goto(f"{server.address}/page/")
    page.get_by_label("Find a").fill("1")
    refusing = server.work / "refuse"
    refusing.touch()
    try:
        page.locator('[data-key="pick 1"]').click()
        page.get_by_role("alert").filter(
            has_text="The service is busy: 900 candidates wait. Try again in 3 s."
        ).wait_for()
        assert "There is no ranking" in page.locator(".ranking").inner_text()
        assert page.locator(".working").count() == 0
    finally:
        refusing.unlink()
    page.get_by_role("button", name="Try again").click()
    page.locator(".place").first.wait_for()
    assert page.locator(".message").is_hidden() and find_focus(page) == "person"


def test_what_is_older_than_a_change_says_so(page: Any, server: Server) -> None:
    pick(page, server.address)
    page.locator(".place").first.click()
    wait_for_reason(page)
    refusing = server.work / "refuse"
    refusing.touch()
    try:
        page.locator(".card .opinion").first.click()
        page.locator(".ranking", has_text="These are the places before the change").wait_for()
        assert page.locator(".places.is-old").count() == 1
        assert "There is no answer" in page.locator(".why").inner_text()
    finally:
        refusing.unlink()
    page.get_by_role("button", name="Try again").click()
    page.locator(".place .move").first.wait_for()
    assert page.locator(".places.is-old").count() == 0


def test_an_unknown_user_is_no_reason_to_try_again(page: Any, server: Server) -> None:
    pick(page, server.address)
    assert page.get_by_role("button", name="Try again").is_hidden()


def test_while_a_reason_is_written_its_place_is_held_and_then_it_is_read_out(page: Any, server: Server) -> None:
    pick(page, server.address)
    slow = server.work / "slow"
    slow.touch()
    try:
        page.locator(".place").first.click()
        page.locator(".why .working", has_text="being written").wait_for()
        assert page.locator(".placeholder").is_visible() and page.locator(".effect").count() == 5
        top = page.locator(".why h3").last.bounding_box()["y"]
    finally:
        slow.unlink()
    wait_for_reason(page)
    assert page.locator(".placeholder").count() == 0
    # What is below moves by no more than a few lines of text.
    assert abs(page.locator(".why h3").last.bounding_box()["y"] - top) < 90
    assert page.locator(".reason-text").inner_text() in page.get_by_role("status").inner_text()


def test_another_run_in_the_folder_is_noticed(
    page: Any, tiny_folder: Path, beside_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(tiny_folder, folder)
    with serve(folder, tmp_path, hostile=False) as server:
        pick(page, server.address)
        page.locator(".place").first.click()
        wait_for_reason(page)
        before = page.locator(".why").inner_text()
        shutil.rmtree(folder)
        shutil.copytree(beside_folder, folder)
        server.process.send_signal(signal.SIGHUP)
        page.get_by_role("alert").filter(has_text="Another version of run answers now; all was asked again.").wait_for()
        wait_for_reason(page)
        assert page.locator(".why").inner_text() != before
        assert page.locator(".effect").count() == 3
        # Before the server ends, whose websocket it would miss.
        page.goto("about:blank")
