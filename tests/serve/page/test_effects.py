"""Bars of two models in one row, on one scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

pytest.importorskip("nicegui", reason="nicegui is missing; install thinkrec[serve]")

from thinkrec.serve.page.effects import draw_effects
from thinkrec.serve.page.model_view import ModelView
from thinkrec.serve.values import ModelInfo, ServedExplanation, ShownLine

INFO = ModelInfo("run", "v", "row", 1, 1, "film", "films", "viewer", None, False, False, 5)


def answer(*effects: float, unseen: int = 0) -> ServedExplanation:
    lines = tuple(ShownLine(n, f"Film {n}", True, effect) for n, effect in enumerate(effects))
    return ServedExplanation(1, 9, "Film 9", "Yes", 0.1, 0.5, lines, unseen, (), None, cast(ModelInfo, None))


def draw(drawn: Callable[..., None], models: list[ModelView], look: Callable[[Any], None]) -> None:
    async def build() -> None:
        draw_effects(models, INFO)

    async def walk(page: Any) -> None:
        look(page)

    drawn(build, walk)


def test_one_scale_for_both(drawn: Callable[..., None]) -> None:
    def look(page: Any) -> None:
        widths = [one._style.get("width") for one in page.client.elements.values() if "now" in one.classes]
        assert widths == ["25.0%", "50.0%"]
        assert page.count("row-badge") == 2 and "All bars have one scale." in page.list_texts("muted")[0]

    draw(drawn, [ModelView("A", answer=answer(0.5)), ModelView("B", answer=answer(-1.0))], look)


def test_a_line_that_one_was_not_shown_and_how_much_each_reads(drawn: Callable[..., None]) -> None:
    def look(page: Any) -> None:
        assert page.list_texts().count("not shown to it") == 1
        assert page.list_texts("muted")[-2:] == [
            "A reads the last 2; 1 older film had no place.",
            "B reads the last 1; 2 older films had no place.",
        ]

    models = [ModelView("A", answer=answer(0.5, 0.1, unseen=1)), ModelView("B", answer=answer(0.2, unseen=2))]
    draw(drawn, models, look)
    both = [ModelView(name, answer=answer(0.5, unseen=3)) for name in ("A", "B")]
    words = "Both models read the last 1; 3 older films had no place."
    draw(drawn, both, lambda page: page.list_texts("muted")[-1] == words or pytest.fail(page.list_texts("muted")[-1]))


def test_no_history_is_said(drawn: Callable[..., None]) -> None:
    words = "The model was shown no history, so that no line did anything."
    draw(drawn, [ModelView(answer=answer())], lambda page: words in page.list_texts() or pytest.fail("nothing said"))
