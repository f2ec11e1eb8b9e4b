"""Two runs beside each other: both rankings, both answers, changes for both, also on a phone and by keyboard."""

from __future__ import annotations

import re
from typing import Any

import pytest
from browser.walking import find_focus, pick, wait_for_answers

pytestmark = pytest.mark.browser


def list_titles(page: Any, n: int) -> list[str]:
    return page.locator(".one-ranking").nth(n).locator(".place .title").all_inner_texts()


def test_both_rankings_say_where_the_other_has_a_line(page: Any, pair_address: str) -> None:
    pick(page, pair_address)
    page.locator(".difference").nth(19).wait_for()
    first, second = list_titles(page, 0), list_titles(page, 1)
    assert len(first) == len(second) == 10 and first != second
    shared = set(first) & set(second)
    assert f"{len(shared)} of 10 films are in both lists" in page.locator(".ranking").inner_text()
    words = page.locator(".one-ranking").first.locator(".difference").all_inner_texts()
    for place, (title, text) in enumerate(zip(first, words, strict=True), start=1):
        there = second.index(title) + 1 if title in second else None
        if there is None:
            assert re.fullmatch(r"only here; place \d+ in B", text)
        else:
            move = abs(place - there)
            assert text == (f"{move} {'higher' if place < there else 'lower'} than in B" if move else "same place in B")


def test_one_press_asks_both_and_a_flip_changes_both(page: Any, pair_address: str) -> None:
    pick(page, pair_address)
    page.locator(".one-ranking").nth(1).locator(".place").first.click()
    wait_for_answers(page, 2)
    title = list_titles(page, 1)[0]
    assert page.locator(".why h2").inner_text() == title
    before = page.locator(".verdict").all_inner_texts()
    assert len(before) == 2 and page.locator(".why .reason-text").count() == 2
    # The second model reads three lines, the first one five.
    assert page.locator(".effect").count() == 5
    assert page.locator(".effect-number", has_text="not shown to it").count() == 2
    page.locator(".card .opinion").first.click()
    page.locator(".one-ranking").nth(1).locator(".move").first.wait_for()
    wait_for_answers(page, 2)
    after = page.locator(".verdict").all_inner_texts()
    assert all("was" in text for text in after) and after != before
    assert page.locator(".one-ranking").first.locator(".move").count() == 10
    page.get_by_role("button", name="Close").click()
    page.wait_for_function("document.activeElement.dataset.key?.startsWith('place')")


def test_the_names_are_those_of_the_runs(page: Any, pair_address: str) -> None:
    page.goto(f"{pair_address}/page/")
    page.locator(".pick").first.wait_for()
    names = [text.split() for text in page.locator(".head .model-name").all_inner_texts()]
    assert [name[0] for name in names] == ["A", "B"] and names[0][-1] != names[1][-1]
    page.get_by_role("button", name="Everything measured").click()
    page.locator(".head", has_text="B: Version").wait_for()


def test_a_phone_shows_one_below_the_other(new_page: Any, pair_address: str) -> None:
    page = new_page(viewport={"width": 375, "height": 740}, has_touch=True)
    pick(page, pair_address)
    page.locator(".place").first.click()
    wait_for_answers(page, 2)
    boxes = [page.locator(".one-ranking").nth(n).bounding_box() for n in (0, 1)]
    assert boxes[1]["y"] >= boxes[0]["y"] + boxes[0]["height"]
    assert page.locator(".row-badge").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 375


def test_lines_of_the_two_lists_stand_at_the_same_height(page: Any, pair_address: str) -> None:
    pick(page, pair_address)
    page.locator(".difference").nth(19).wait_for()
    tops = [[line.bounding_box()["y"] for line in page.locator(".places").nth(n).locator("li").all()] for n in (0, 1)]
    assert tops[0] == tops[1]


def test_keyboard_only(page: Any, pair_address: str) -> None:
    pick(page, pair_address)
    page.locator(".difference").nth(19).wait_for()
    keys = []
    for _ in range(80):
        page.keyboard.press("Tab")
        keys.append(find_focus(page))
        if keys[-1].endswith("beside"):
            break
    # All lines of the first list come before those of the second.
    places = [key for key in keys if key.startswith("place")]
    assert len(places) == 11 and places[-1].endswith(" beside")
    page.keyboard.press("Enter")
    wait_for_answers(page, 2)
    assert find_focus(page) == places[-1]
