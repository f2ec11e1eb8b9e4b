"""The panel of the answer about one item: score, reason with its cited titles, and what each history line did."""

from __future__ import annotations

from typing import Any

from thinkrec.serve.page.panel import Panel
from thinkrec.serve.page.session import Session
from thinkrec.serve.page.shown import (
    EffectBar,
    count_words,
    describe_effect,
    describe_reason_change,
    find_largest,
    format_probability,
    format_signed,
    list_effects,
    measure_bar,
    split_reason,
)
from thinkrec.serve.page.tags import Tag, draw_button
from thinkrec.serve.values import Reason, ServedExplanation

WRITERS = {
    "model": "Written by the model",
    "rules": "Written by rules",
    "plain": "Written by rules, which see nothing shared to argue from",
}
FALLBACKS = {"busy": "since too many wait for the model", "deadline": "since the model has no time"}


class WhyPanel(Panel):
    """The answer; first the score, then the reason arrives."""

    def __init__(self, session: Session) -> None:
        """Build the panel where the caller stands."""
        super().__init__(session, "why", "Why")

    def list_inputs(self) -> tuple[Any, ...]:
        """All of the answer."""
        view = self.session.view
        state = view.item, view.title, view.is_scoring, view.is_writing, view.level
        return *state, view.answer, view.before, view.reason, view.reason_before, view.find_place(view.item)

    def draw_content(self) -> None:
        """The answer of the view."""
        view = self.session.view
        if view.item is None:
            Tag("h2", "Why?", tabindex="-1", data_key="why")
            Tag("p", "The reason appears here: what speaks for it, and what each line of the history does.", "muted")
            return
        with Tag("div", "", "why-head"):
            Tag("h2", view.title, tabindex="-1", data_key="why")
            draw_button("Close", self.close, "quiet", data_key="close")
        if view.is_scoring:
            Tag("p", "Measuring the score and the effects ...", "muted small working")
        with Tag("div", "", "answer is-old" if view.is_scoring else "answer"):
            if view.answer is not None:
                self.draw_score(view.answer, view.before)
            self.draw_reason()
            if view.answer is not None and view.level != "simple":
                self.draw_effects(view.answer, view.before)

    def close(self) -> None:
        """Back to the line of the ranking."""
        key = f"place {self.session.view.item}"
        self.session.close_answer()
        self.focus(key)

    def draw_score(self, answer: ServedExplanation, before: ServedExplanation | None) -> None:
        """Probability, and the score where everything is shown."""
        with Tag("p", "", "verdict"):
            Tag("span", "Yes" if answer.verdict == "Yes" else "No", f"mark {answer.verdict.lower()}")
            Tag("span", f"{format_probability(answer.probability)} likely to be liked")
            if before is not None:
                Tag("span", f"was {format_probability(before.probability)}", "muted was")
        place = self.session.view.find_place(answer.item)
        if place is not None:
            was = "" if place.before is None else f", was {place.before[0]:,}"
            Tag("p", f"Place {place.rank:,} of the ranking{was}.", "muted small")
        if self.session.view.level == "everything":
            text = f"Score {format_signed(answer.score, 3)} (log-odds of Yes over No)"
            if before is not None:
                text += f", was {format_signed(before.score, 3)}"
            Tag("p", f"{text}.", "muted small")

    def draw_reason(self) -> None:
        """The reason, where it has arrived."""
        view = self.session.view
        with Tag("div", "", "reason"):
            if view.reason is None:
                if view.is_writing and not view.is_scoring:
                    Tag("p", "The reason is being written ...", "muted small working")
                return
            if view.reason_before is not None:
                change = describe_reason_change(view.reason_before.text, view.reason.text)
                Tag("p", change, "muted small")
            self.draw_text(view.reason)
            old = view.reason_before
            if view.level != "simple" and old is not None and old.text != view.reason.text:
                with Tag("details", "", "small"):
                    Tag("summary", "The reason before the change")
                    self.draw_text(old)

    def draw_text(self, reason: Reason) -> None:
        """A reason with its cited titles marked, who wrote it, and what does not hold in it."""
        with Tag("p", "", "reason-text"):
            for segment in split_reason(reason.text, reason.citations):
                if segment.citation is None:
                    Tag("span", segment.text)
                else:
                    Tag("mark", segment.text, f"cited {segment.citation.kind}")
        if self.session.view.level == "simple" and reason.grounded:
            return
        words = WRITERS[reason.writer]
        if reason.fallback:
            words += f", {FALLBACKS.get(reason.fallback, reason.fallback)}"
        Tag("p", f"{words}. {'Nothing untrue was read in it.' if reason.grounded else ''}", "muted small")
        if not reason.grounded:
            Tag("p", f"Not all of it holds: {'; '.join(reason.faults)}.", "fault small")

    def draw_effects(self, answer: ServedExplanation, before: ServedExplanation | None) -> None:
        """One bar per history line."""
        view = self.session.view
        citations = () if view.reason is None else view.reason.citations
        bars = list_effects(answer.history, citations, None if before is None else before.history)
        Tag("h3", "What each line of the history does to the score")
        if not bars:
            Tag("p", "The model was shown no history, so that no line did anything.", "muted")
            return
        Tag("p", "The score with the line, less the score without it.", "muted small")
        with Tag("div", "", "axis", aria_hidden="true"):
            Tag("span", "against")
            Tag("span", "for")
        largest = find_largest(bars)
        with Tag("ul", "", "effects"):
            for bar in bars:
                with Tag("li", "", "effect"):
                    self.draw_bar(bar, largest)
        if answer.unseen:
            word = self.session.service.describe()
            older = count_words(answer.unseen, f"older {word.item_word}", f"older {word.items_word}")
            Tag("p", f"The model reads the last {len(answer.history)}; {older} had no place.", "muted small")

    def draw_bar(self, bar: EffectBar, largest: float) -> None:
        """Title, bar to the left or right of the middle, and the number as text."""
        with Tag("span", "", "effect-name"):
            Tag("span", bar.title, "title cited-line" if bar.is_cited else "title")
            words = ["liked" if bar.liked else "disliked"]
            words += ["cited"] if bar.is_cited else []
            words += ["no longer there"] if bar.effect is None else []
            Tag("span", ", ".join(words), "muted small")
        with Tag("span", "", "track", aria_hidden="true"):
            for value, kind in ((bar.before, "ghost"), (bar.effect, "now")):
                width = measure_bar(value, largest)
                if value is not None and width:
                    side = "for" if value > 0 else "against"
                    Tag("span", "", f"bar {kind} {side}").style(f"width: {width / 2:.1f}%")
        with Tag("span", "", "effect-number"):
            Tag("span", "gone" if bar.effect is None else describe_effect(bar.effect))
            if bar.before is not None and bar.difference != 0:
                Tag("span", f"was {format_signed(bar.before)}", "muted small")
