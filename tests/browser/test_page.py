"""The page in a real browser: pick, rank, explain, change, start anew; titles as text; keyboard, phone, dark."""

from __future__ import annotations

import re
from typing import Any

import pytest
from browser.conftest import HOSTILE
from browser.walking import explain, find_focus, pick, wait_for_reason

pytestmark = pytest.mark.browser


def test_pick_rank_explain(page: Any, address: str) -> None:
    page.goto(address)
    assert page.url == f"{address}/page/"
    pick(page, address)
    assert page.locator(".place").count() == 10
    assert re.fullmatch(r"[<>]?\d+ %", page.locator(".percent").first.inner_text())
    title = page.locator(".place .title").first.inner_text()
    explain(page)
    assert page.locator(".why h2").inner_text() == title
    lines = page.locator(".effect")
    assert lines.count() == 5
    for number in lines.locator(".effect-number").all_inner_texts():
        assert re.fullmatch(r"[+\u2212]\d+\.\d\d (for|against)|no effect", number)
    sides = [bar.get_attribute("class") for bar in lines.locator(".bar.now").all()]
    words = [text.split()[-1] for text in lines.locator(".effect-number").all_inner_texts()]
    assert [side.split()[-1] for side in sides if side] == [word for word in words if word in ("for", "against")]


def test_a_flip_changes_ranks_effects_and_reason_at_once(page: Any, address: str) -> None:
    pick(page, address)
    explain(page)
    before = page.locator(".verdict").inner_text()
    newest = page.locator(".card .opinion").first
    opinion = newest.inner_text()
    newest.click()
    page.locator(".what-if").wait_for()
    page.locator(".place .move").first.wait_for()
    wait_for_reason(page)
    assert page.locator(".card .opinion").first.inner_text() == {"Liked": "Disliked", "Disliked": "Liked"}[opinion]
    assert page.locator(".card.flipped").count() == 1
    assert page.locator(".verdict .was").is_visible() and page.locator(".verdict").inner_text() != before
    assert page.locator(".effect-number").first.inner_text().count("was") == 1
    assert re.search(r"Place \d+ of the ranking, was 1\.", page.locator(".why").inner_text())
    assert re.match(r"The reason (stays the same|has changed)", page.locator(".reason p").first.inner_text())
    # Drawn anew, the button still has the keyboard's place.
    assert find_focus(page).startswith("flip ")
    page.get_by_role("button", name="Undo").click()
    page.locator(".what-if").wait_for(state="detached")
    wait_for_reason(page)
    assert page.locator(".verdict").inner_text() == before


def test_add_and_take_out(page: Any, address: str) -> None:
    pick(page, address)
    rated = int(page.get_by_role("button", name="Show all").inner_text().split()[-1])
    page.get_by_role("button", name=re.compile("^Take out")).first.click()
    page.locator(".card.removed").wait_for()
    page.get_by_label("Add a film").fill("the")
    page.get_by_role("button", name=re.compile("^Like ")).first.click()
    page.locator(".card.added").wait_for()
    assert "2 changes" in page.locator(".what-if").inner_text()
    assert page.get_by_role("button", name="Show all").inner_text() == f"Show all {rated + 1}"
    page.get_by_role("button", name=re.compile("^Put back")).click()
    page.locator(".card.removed").wait_for(state="detached")
    assert "1 change" in page.locator(".what-if").inner_text()


def test_a_new_visitor_starts_a_history_and_keeps_it(page: Any, address: str) -> None:
    page.goto(f"{address}/page/")
    page.get_by_role("button", name="New visitor").click()
    page.locator(".place").first.wait_for()
    assert page.locator(".card").count() == 0
    page.get_by_role("button", name=re.compile("^Like ")).first.click()
    page.locator(".card.added").wait_for()
    page.locator(".place .move").first.wait_for()
    page.get_by_role("button", name=re.compile("^Dislike ")).nth(3).click()
    page.locator(".card").nth(1).wait_for()
    page.locator(".working").first.wait_for(state="detached")
    explain(page)
    assert page.locator(".effect").count() == 2
    page.get_by_label("Keep this history under a name").fill("ada")
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("heading", name=re.compile("ada$")).wait_for()
    assert page.locator(".card").count() == 2
    pick(page, address, "ada")
    assert page.locator(".card").count() == 2


def test_hostile_titles_are_shown_as_text(page: Any, address: str) -> None:
    pick(page, address)
    titles = page.locator(".card .title").all_inner_texts()
    assert list(HOSTILE) == titles[: len(HOSTILE)]
    explain(page)
    page.get_by_role("button", name="Everything measured").click()
    page.locator(".map").wait_for()
    shown = page.locator(".effect .title").all_inner_texts()
    assert set(HOSTILE) <= set(shown)
    page.get_by_label("Add a film").fill("img")
    page.locator(".result").first.wait_for()
    assert page.locator(".result .title").first.inner_text() == HOSTILE[0]
    # Neither an image nor a script of theirs is there; `new_page` sees that none ran.
    assert page.locator("img").count() == 0 and page.locator(".page b, .page script").count() == 0


def test_a_hostile_name_of_a_visitor_is_shown_as_text(page: Any, address: str) -> None:
    name = "<img src=x onerror=alert(5)>"
    page.goto(f"{address}/page/")
    page.get_by_role("button", name="New visitor").click()
    page.get_by_role("button", name=re.compile("^Like ")).first.click()
    page.get_by_label("Keep this history under a name").fill(name)
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("heading", name=name).wait_for()
    page.get_by_role("button", name=re.compile("^Another")).click()
    page.get_by_label("Find a").fill("<img")
    page.locator(".pick", has_text=name).wait_for()
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("level", ["Simple", "Reasons", "Everything measured"])
def test_levels_show_more_and_more(page: Any, address: str, level: str) -> None:
    pick(page, address)
    explain(page)
    page.get_by_role("button", name=level).click()
    page.locator(f".level[aria-pressed='true']:has-text('{level}')").wait_for()
    assert (page.locator(".effect").count() > 0) == (level != "Simple")
    assert page.locator(".map").is_visible() == (level == "Everything measured")
    assert page.locator(".mixture li").count() == (3 if level == "Everything measured" else 0)
    assert ("log-odds" in page.locator(".why").inner_text()) == (level == "Everything measured")
    if level == "Everything measured":
        assert page.locator(".map path").count() == 2 and page.locator(".map .here").is_visible()


def test_dark_follows_the_system_and_the_button(new_page: Any, address: str) -> None:
    page = new_page(color_scheme="dark")
    pick(page, address)
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(20, 23, 27)"
    page.get_by_role("button", name="Theme: auto").click()
    page.wait_for_function(f"{ground} === 'rgb(245, 244, 240)'")
    page.get_by_role("button", name="Theme: light").click()
    page.wait_for_function(f"{ground} === 'rgb(20, 23, 27)'")


def test_a_phone_never_scrolls_sideways(new_page: Any, address: str) -> None:
    page = new_page(viewport={"width": 375, "height": 740}, has_touch=True)
    widths = []

    def measure() -> None:
        widths.append(page.evaluate("document.documentElement.scrollWidth"))

    page.goto(f"{address}/page/")
    page.locator(".pick").first.wait_for()
    measure()
    pick(page, address)
    measure()
    explain(page)
    # What was asked for comes into sight.
    page.wait_for_function("document.querySelector('.why').getBoundingClientRect().top < innerHeight - 100")
    for level in ("Simple", "Everything measured"):
        page.get_by_role("button", name=level).click()
        page.locator(f".level[aria-pressed='true']:has-text('{level}')").wait_for()
        measure()
    page.locator(".card .opinion").first.click()
    page.locator(".place .move").first.wait_for()
    measure()
    assert widths == [375] * 5


def test_keyboard_only(page: Any, address: str) -> None:
    page.goto(f"{address}/page/")
    page.locator(".pick").first.wait_for()

    def press_until(start: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if find_focus(page).startswith(start):
                return
        raise AssertionError(f"the Tab key never came to {start}")

    press_until("people")
    page.keyboard.type("2")
    page.locator(".pick", has_text="Viewer 20").wait_for()
    press_until("pick 2")
    page.keyboard.press("Enter")
    page.locator(".place").first.wait_for()
    assert find_focus(page) == "person"
    press_until("place")
    page.keyboard.press("Enter")
    wait_for_reason(page)
    assert find_focus(page).startswith("place")
    page.keyboard.press("Shift+Tab")
    for _ in range(60):
        if find_focus(page).startswith("flip"):
            break
        page.keyboard.press("Shift+Tab")
    flipped = find_focus(page)
    page.keyboard.press("Space")
    page.locator(".what-if").wait_for()
    page.locator(".place .move").first.wait_for()
    wait_for_reason(page)
    assert find_focus(page) == flipped
    # What has the keyboard's place can be seen.
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"
