"""Steps that several tests of the page take."""

from __future__ import annotations

from typing import Any


def pick(page: Any, address: str, user: str = "1") -> None:
    """Open the page and look at a user."""
    page.goto(f"{address}/page/")
    page.get_by_label("Find a").fill(user)
    page.locator(f'[data-key="pick {user}"]').click()
    page.locator(".place").first.wait_for()


def explain(page: Any, place: int = 0) -> None:
    """Ask about one place of the ranking, and wait for the reason."""
    page.locator(".place").nth(place).click()
    page.locator(".verdict").wait_for()
    wait_for_reason(page)


def wait_for_reason(page: Any) -> None:
    """Wait until nothing is asked any more and the reason is there."""
    page.wait_for_function("document.querySelector('.reason-text') && !document.querySelector('.working')")


def wait_for_answers(page: Any, n: int) -> None:
    """Wait until so many models have written their reasons and nothing is asked any more."""
    written = "document.querySelectorAll('.why .reason > .reason-text').length"
    page.wait_for_function(f"{written} === {n} && !document.querySelector('.working')")


def find_focus(page: Any) -> str:
    """The data-key of what has the keyboard's place, or its tag."""
    return page.evaluate("document.activeElement.dataset.key ?? document.activeElement.tagName")
