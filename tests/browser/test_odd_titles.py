"""Titles that are written from the right, that are long, or that have no gap: nothing overflows."""

from __future__ import annotations

from typing import Any

import pytest
from browser.conftest import ODD
from browser.walking import explain, pick

from thinkrec.serve.page.shown import shorten_title

pytestmark = pytest.mark.browser
INSIDE = """
[...document.querySelectorAll('.page .title, .page h2, .page mark, .page button')].filter((element) => {
  const box = element.getBoundingClientRect();
  const panel = element.closest('.panel')?.getBoundingClientRect();
  return panel && box.width && (box.right > panel.right + 1 || box.left < panel.left - 1);
}).map((element) => element.textContent.slice(0, 60))
"""


@pytest.mark.parametrize("width", [1360, 375])
def test_odd_titles_stay_in_their_place(new_page: Any, address: str, width: int) -> None:
    page = new_page(viewport={"width": width, "height": 800})
    pick(page, address, "2")
    titles = page.locator(".card .title")
    shown = titles.all_inner_texts()
    assert [title for title in map(shorten_title, ODD) if title.strip() not in shown] == []
    line = page.evaluate("parseFloat(getComputedStyle(document.querySelector('.card .title')).lineHeight)")
    assert max(title.bounding_box()["height"] for title in titles.all() if title.is_visible()) <= 3 * line + 1
    explain(page)
    assert page.locator(".effect").count() == 5
    page.get_by_role("button", name="Everything measured").click()
    page.locator(".map").wait_for()
    assert page.evaluate(INSIDE) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_letters_from_the_right_do_not_turn_what_follows(page: Any, address: str) -> None:
    pick(page, address, "2")
    card = page.locator(".card", has=page.locator(".title", has_text=ODD[0][1:9])).first
    title, opinion = card.locator(".title"), card.locator(".opinion")
    assert title.evaluate("(element) => getComputedStyle(element).direction") == "rtl"
    assert title.evaluate("(element) => getComputedStyle(element).unicodeBidi") == "isolate"
    assert opinion.evaluate("(element) => getComputedStyle(element).direction") == "ltr"
    # It begins where the other titles begin.
    assert title.evaluate("(element) => getComputedStyle(element).textAlign") == "left"
