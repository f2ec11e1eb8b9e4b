"""One model's answer about one item: its score, and its reason with the cited titles marked."""

from __future__ import annotations

from thinkrec.serve.page.model_view import ModelView
from thinkrec.serve.page.shown import (
    describe_reason_change,
    format_probability,
    format_signed,
    shorten_title,
    split_reason,
)
from thinkrec.serve.page.tags import Tag
from thinkrec.serve.values import Reason

WRITERS = {
    "model": "Written by the model",
    "rules": "Written by rules",
    "plain": "Written by rules, which see nothing shared to argue from",
}
FALLBACKS = {"busy": "since too many wait for the model", "deadline": "since the model has no time"}
PLACEHOLDERS = 3
"""Grey lines where the reason will stand, so that what is below them does not jump."""


def draw_score(model: ModelView, with_score: bool) -> None:
    """Probability and place; the score where everything is shown. The model has an answer."""
    answer, before = model.answer, model.before
    assert answer is not None
    with Tag("p", "", "verdict"):
        Tag("span", "Yes" if answer.verdict == "Yes" else "No", f"mark {answer.verdict.lower()}")
        Tag("span", f"{format_probability(answer.probability)} likely to be liked")
        if before is not None:
            Tag("span", f"was {format_probability(before.probability)}", "muted was")
    place = model.find_place(answer.item)
    if place is not None:
        was = "" if place.before is None else f", was {place.before[0]:,}"
        Tag("p", f"Place {place.rank:,} of the ranking{was}.", "muted small")
    elif model.count_places():
        Tag("p", f"Below the first {model.count_places():,} of the ranking.", "muted small")
    if with_score:
        text = f"Score {format_signed(answer.score, 3)} (log-odds of Yes over No)"
        if before is not None:
            text += f", was {format_signed(before.score, 3)}"
        Tag("p", f"{text}.", "muted small")


def draw_reason(model: ModelView, is_simple: bool) -> None:
    """The reason, where it has arrived; until then grey lines in its place."""
    old = model.reason_before
    with Tag("div", "", "reason"):
        if model.reason is None:
            if model.is_writing and not model.is_scoring:
                Tag("p", "The reason is being written ...", "muted small working")
            if model.is_writing or model.is_scoring:
                with Tag("div", "", "placeholder", aria_hidden="true"):
                    for _ in range(PLACEHOLDERS):
                        Tag("span")
            return
        if old is not None:
            Tag("p", describe_reason_change(old.text, model.reason.text), "muted small")
        draw_text(model.reason, is_simple)
        if not is_simple and old is not None and old.text != model.reason.text:
            with Tag("details", "", "small"):
                Tag("summary", "The reason before the change")
                draw_text(old, is_simple)


def draw_text(reason: Reason, is_simple: bool) -> None:
    """A reason with its cited titles marked, who wrote it, and what does not hold in it."""
    with Tag("p", "", "reason-text"):
        for segment in split_reason(reason.text, reason.citations):
            if segment.citation is None:
                Tag("span", segment.text)
            else:
                Tag("mark", shorten_title(segment.text), f"cited {segment.citation.kind}", dir="auto")
    if is_simple and reason.grounded:
        return
    words = WRITERS[reason.writer]
    if reason.fallback:
        words += f", {FALLBACKS.get(reason.fallback, reason.fallback)}"
    Tag("p", f"{words}. {'Nothing untrue was read in it.' if reason.grounded else ''}", "muted small")
    if not reason.grounded:
        Tag("p", f"Not all of it holds: {'; '.join(map(shorten_title, reason.faults))}.", "fault small")
