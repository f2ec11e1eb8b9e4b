"""A section is drawn again only where its inputs have changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="nicegui is missing; install thinkrec[serve]")

from thinkrec.serve.page.section import Section
from thinkrec.serve.page.tags import Tag


def test_it_is_filled_anew_where_an_input_changed(drawn: Callable[..., None]) -> None:
    inputs, draws, sections = [1], [], []

    def draw_content() -> None:
        draws.append(inputs[0])
        Tag("p", f"number {inputs[0]}", "number")

    async def build() -> None:
        sections.append(Section("plain", "A section", lambda: tuple(inputs), draw_content))

    async def walk(page: Any) -> None:
        (section,) = sections
        section.draw()
        section.draw()
        inputs[0] = 2
        section.draw()
        assert draws == [1, 2] and page.list_texts("number") == ["number 2"]
        section.show(False)
        assert page.count("hidden") == 1
        section.show(True)
        assert page.count("hidden") == 0 and section.root.props["aria-label"] == "A section"

    drawn(build, walk)
