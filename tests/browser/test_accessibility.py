"""axe-core reports nothing serious, in light and in dark, on a desk and on a phone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from browser.conftest import ROOT, Server
from browser.walking import explain, pick, wait_for_answers, wait_for_reason

pytestmark = pytest.mark.browser
AXE = Path(os.environ.get("THINKREC_AXE") or ROOT / ".venv" / "axe" / "node_modules" / "axe-core" / "axe.min.js")


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.is_file():
        pytest.skip(f"axe-core is not at {AXE}; `make test-browser` installs it, or set THINKREC_AXE to its axe.min.js")
    return AXE.read_text(encoding="utf-8")


def list_violations(page: Any, axe: str) -> list[str]:
    page.evaluate(axe)
    report = page.evaluate("axe.run(document)")
    assert len(report["passes"]) > 10
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in report["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious(new_page: Any, address: str, axe: str, scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    page.goto(f"{address}/page/")
    page.locator(".pick").first.wait_for()
    assert list_violations(page, axe) == []
    pick(page, address)
    explain(page)
    page.get_by_role("button", name="Everything measured").click()
    page.locator(".map").wait_for()
    page.locator(".card .opinion").first.click()
    page.locator(".place .move").first.wait_for()
    page.get_by_role("button", name="Take out").nth(1).click()
    page.get_by_label("Add a film").fill("the")
    page.locator(".result").first.wait_for()
    wait_for_reason(page)
    assert list_violations(page, axe) == []
    page.set_viewport_size({"width": 375, "height": 740})
    assert list_violations(page, axe) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_with_two_runs(new_page: Any, pair_address: str, axe: str, scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    pick(page, pair_address)
    page.locator(".place").first.click()
    wait_for_answers(page, 2)
    page.get_by_role("button", name="Everything measured").click()
    page.locator(".map").wait_for()
    page.locator(".card .opinion").first.click()
    page.locator(".place .move").first.wait_for()
    wait_for_answers(page, 2)
    assert list_violations(page, axe) == []
    page.set_viewport_size({"width": 375, "height": 740})
    assert list_violations(page, axe) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_in_a_refusal_or_while_a_reason_is_written(
    new_page: Any, server: Server, axe: str, scheme: str
) -> None:
    page = new_page(color_scheme=scheme)
    pick(page, server.address)
    slow, refusing = server.work / "slow", server.work / "refuse"
    try:
        slow.touch()
        page.locator(".place").first.click()
        page.locator(".placeholder").wait_for()
        page.locator(".why .working", has_text="being written").wait_for()
        assert list_violations(page, axe) == []
        refusing.touch()
        page.locator(".card .opinion").first.click()
        page.get_by_role("button", name="Try again").wait_for()
        assert list_violations(page, axe) == []
    finally:
        slow.unlink()
        refusing.unlink(missing_ok=True)


def test_the_key_field_has_nothing_serious(page: Any, guarded_address: str, axe: str) -> None:
    page.goto(f"{guarded_address}/page/")
    page.get_by_label("API key").wait_for()
    assert list_violations(page, axe) == []


def test_a_fault_would_be_seen(page: Any, address: str, axe: str) -> None:
    pick(page, address)
    page.evaluate("document.querySelector('.card .opinion').setAttribute('style', 'color: #ddd; background: #eee')")
    assert any(line.startswith("color-contrast") for line in list_violations(page, axe))
