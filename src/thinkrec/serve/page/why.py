"""The panel of the answers about one item: score, reason, and what each history line did, by each model."""

from __future__ import annotations

from typing import Any

from thinkrec.serve.page.answer import draw_reason, draw_score
from thinkrec.serve.page.effects import draw_effects
from thinkrec.serve.page.model_view import ModelView
from thinkrec.serve.page.section import Section
from thinkrec.serve.page.session import Session
from thinkrec.serve.page.tags import Tag, draw_button, draw_model_name, draw_title


class WhyPanel:
    """The answers; first the scores, then the reasons arrive."""

    def __init__(self, session: Session) -> None:
        """Build the panel where the caller stands."""
        self.session = session
        self.section = Section("why", "Why", self.list_inputs, self.draw_content)

    def list_inputs(self) -> tuple[Any, ...]:
        """All of the answers."""
        view = self.session.view
        places = tuple(model.find_place(view.item) for model in view.models)
        return view.item, view.title, view.level, places, *(model.list_values() for model in view.models)

    def draw_content(self) -> None:
        """The answers of the view."""
        view, is_pair = self.session.view, len(self.session.view.models) > 1
        if view.item is None:
            Tag("h2", "Why?", tabindex="-1", data_key="why")
            Tag("p", "The reason appears here: what speaks for it, and what each line of the history does.", "muted")
            return
        with Tag("div", "", "why-head"):
            draw_title(view.title, "clamped-more", "h2", tabindex="-1", data_key="why")
            draw_button("Close", self.close, "quiet", data_key="close")
        with Tag("div", "", "answers pair" if is_pair else "answers"):
            for model in view.models:
                with Tag("div", "", "answer is-old" if model.is_scoring else "answer"):
                    self.draw_answer(model)
        shown = [model for model in view.models if model.answer is not None]
        if view.level != "simple" and len(shown) == len(view.models):
            draw_effects(view.models, self.session.service.describe())

    def draw_answer(self, model: ModelView) -> None:
        """One model's score and reason."""
        if model.name:
            draw_model_name(model.name, model.label)
        if model.is_scoring:
            Tag("p", "Measuring the score and the effects ...", "muted small working")
        view = self.session.view
        if model.answer is not None:
            draw_score(model, view.level == "everything")
        elif not model.is_scoring:
            Tag("p", "There is no answer; the message above says why.", "muted small")
        draw_reason(model, view.level == "simple")

    def close(self) -> None:
        """Back to the line of the ranking."""
        view = self.session.view
        name, is_pair = f"place {view.item}", len(view.models) > 1
        is_in_first = view.first.find_place(view.item) in view.first.list_places()
        self.session.close_answer()
        self.section.focus(f"{name} beside" if is_pair and not is_in_first else name)
