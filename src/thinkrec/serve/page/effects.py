"""What each line of the history does to the score, as bars; with two models a pair of bars on one scale."""

from __future__ import annotations

from collections.abc import Sequence

from thinkrec.serve.page.model_view import ModelView
from thinkrec.serve.page.shown import (
    EffectBar,
    count_words,
    describe_effect,
    find_largest,
    format_signed,
    join_effects,
    list_effects,
    measure_bar,
)
from thinkrec.serve.page.tags import Tag, draw_title
from thinkrec.serve.values import ModelInfo


def draw_effects(models: Sequence[ModelView], info: ModelInfo) -> None:
    """One row per history line; all models have an answer."""
    columns = [_list_bars(model) for model in models]
    Tag("h3", "What each line of the history does to the score")
    if not any(columns):
        Tag("p", "The model was shown no history, so that no line did anything.", "muted")
        return
    scale = " All bars have one scale." if len(models) > 1 else ""
    Tag("p", f"The score with the line, less the score without it.{scale}", "muted small")
    shape = "effects-box pair" if len(models) > 1 else "effects-box"
    with Tag("div", "", f"{shape} is-old" if any(model.is_scoring for model in models) else shape):
        with Tag("div", "", "effect-axes", aria_hidden="true"):
            for model in models:
                _draw_axis(model.name)
        largest = max(find_largest(bars) for bars in columns)
        with Tag("ul", "", "effects"):
            for row in join_effects(columns):
                with Tag("li", "", "effect"):
                    _draw_row(row, models, largest)
    for text in _describe_unseen(models, info):
        Tag("p", text, "muted small")


def _list_bars(model: ModelView) -> tuple[EffectBar, ...]:
    answer, before = model.answer, model.before
    citations = () if model.reason is None else model.reason.citations
    return () if answer is None else list_effects(answer.history, citations, before.history if before else None)


def _draw_axis(name: str) -> None:
    with Tag("span", "", "axis"):
        Tag("span", "against")
        if name:
            Tag("span", name, "badge")
        Tag("span", "for")


def _draw_row(row: Sequence[EffectBar | None], models: Sequence[ModelView], largest: float) -> None:
    """Title, and for each model a bar to the left or right of the middle with its number as text."""
    known = [bar for bar in row if bar is not None]
    with Tag("span", "", "effect-name"):
        cited = [model.name for bar, model in zip(row, models, strict=True) if bar is not None and bar.is_cited]
        draw_title(known[0].title, "title clamped cited-line" if cited else "title clamped")
        words = ["liked" if known[0].liked else "disliked"]
        words += [f"cited by {' and '.join(cited)}" if len(models) > 1 else "cited"] if cited else []
        words += ["no longer there"] if all(bar.effect is None for bar in known) else []
        Tag("span", ", ".join(words), "muted small")
    for bar, model in zip(row, models, strict=True):
        if model.name:
            Tag("span", model.name, "badge row-badge")
        _draw_track(bar, largest)
        with Tag("span", "", "effect-number"):
            if bar is None:
                Tag("span", "not shown to it", "muted small")
                continue
            Tag("span", "gone" if bar.effect is None else describe_effect(bar.effect))
            if bar.before is not None and bar.difference != 0:
                Tag("span", f"was {format_signed(bar.before)}", "muted small")


def _draw_track(bar: EffectBar | None, largest: float) -> None:
    with Tag("span", "", "track", aria_hidden="true"):
        for value, kind in () if bar is None else ((bar.before, "ghost"), (bar.effect, "now")):
            width = measure_bar(value, largest)
            if value is not None and width:
                side = "for" if value > 0 else "against"
                Tag("span", "", f"bar {kind} {side}").style(f"width: {width / 2:.1f}%")


def _describe_unseen(models: Sequence[ModelView], info: ModelInfo) -> list[str]:
    """How much of the history each model reads; once where two read the same."""
    readers: dict[tuple[int, int], list[str]] = {}
    for model in models:
        if model.answer is not None and model.answer.unseen:
            readers.setdefault((len(model.answer.history), model.answer.unseen), []).append(model.name)
    texts = []
    for (read, unseen), names in readers.items():
        who = "The model reads" if names == [""] else f"{names[0]} reads" if len(names) == 1 else "Both models read"
        older = count_words(unseen, f"older {info.item_word}", f"older {info.items_word}")
        texts.append(f"{who} the last {read}; {older} had no place.")
    return texts
