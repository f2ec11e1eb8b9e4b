"""The panel of the ranking: places before a change beside those after it, and two models beside each other."""

from __future__ import annotations

from typing import Any

from thinkrec.serve.page.model_view import TOP, ModelView, Place
from thinkrec.serve.page.section import Section
from thinkrec.serve.page.session import REACH, Session
from thinkrec.serve.page.shown import (
    describe_move,
    describe_other_place,
    describe_shared,
    format_probability,
    format_signed,
)
from thinkrec.serve.page.tags import Tag, draw_button, draw_model_name, draw_title


class RankingPanel:
    """The best items by each model; each is a button that asks why."""

    def __init__(self, session: Session) -> None:
        """Build the panel where the caller stands."""
        self.session = session
        self.statuses: list[Tag] = []
        self.lists: list[Tag] = []
        self.section = Section("ranking", "Ranking", self.list_inputs, self.draw_content)

    def list_inputs(self) -> tuple[Any, ...]:
        """Rankings, chosen item and level."""
        view = self.session.view
        return view.mode, *((model.ranking, model.what_if) for model in view.models), view.item, view.level

    def draw_content(self) -> None:
        """The rankings of the view."""
        view, info = self.session.view, self.session.service.describe()
        self.statuses, self.lists = [], []
        Tag("h2", "Recommended", tabindex="-1", data_key="ranking")
        if view.mode == "nobody":
            Tag("p", f"Pick a {info.user_word}, and the ranking appears here.", "muted")
            return
        if len(view.models) > 1:
            self.draw_shared()
        with Tag("div", "", "rankings pair" if len(view.models) > 1 else "rankings"):
            for n in range(len(view.models)):
                self.draw_list(n)

    def draw_shared(self) -> None:
        """How many items the two lists have in common."""
        view = self.session.view
        shown = [{str(place.item) for place in model.list_places()} for model in view.models]
        if all(shown):
            word = self.session.service.describe().items_word
            Tag("p", describe_shared(len(set.intersection(*shown)), list(map(len, shown)), word), "muted small")

    def draw_list(self, n: int) -> None:
        """One model's best."""
        view, model = self.session.view, self.session.view.models[n]
        with Tag("div", "", "one-ranking"):
            if model.name:
                draw_model_name(model.name, model.label)
            self.statuses.append(Tag("p", "", "muted small"))
            self.lists.append(Tag("ol", "", "places"))
            with self.lists[-1]:
                for place in model.list_places():
                    with Tag("li"):
                        self.draw_place(place, n)
            if view.level != "simple" and model.ranking is not None and model.list_places():
                Tag("p", f"The best of {view.describe_candidates(model, REACH)}.", "muted small")

    def draw(self) -> None:
        """Bring the panel up to what the view holds; while a new ranking is made, the buttons of the old one stay."""
        self.section.draw()
        for status, places, model in zip(self.statuses, self.lists, self.session.view.models, strict=False):
            words = self.describe_status(model)
            if status.text != words:
                status.set_text(words)
                is_pale = model.is_ranking or model.is_old
                status.classes(add="working" if model.is_ranking else "", remove="" if model.is_ranking else "working")
                places.classes(add="is-old" if is_pale else "", remove="" if is_pale else "is-old")

    def describe_status(self, model: ModelView) -> str:
        """What one model does, or what can be done with its list."""
        info = self.session.service.describe()
        if model.is_ranking:
            return f"Scoring the {info.items_word} ..."
        if model.ranking is None:
            return "There is no ranking; the message above says why."
        if model.is_old:
            return "These are the places before the change; the message above says why."
        if not model.count_places():
            return f"Nothing is left to recommend: the history holds every {info.item_word}."
        return "Press a line to see why."

    async def explain(self, place: Place) -> None:
        """Ask why."""
        self.section.reveal("why")
        await self.session.explain(place.item, place.title)

    def draw_place(self, place: Place, n: int) -> None:
        """One line of a ranking."""
        view = self.session.view
        chosen = str(place.item) == str(view.item)
        button = draw_button(
            "",
            lambda: self.explain(place),
            "place chosen" if chosen else "place",
            data_key=f"place {place.item}" if n == 0 else f"place {place.item} beside",
            aria_pressed="true" if chosen else "false",
        )
        with button:
            Tag("span", str(place.rank), "rank")
            with Tag("span", "", "place-text"):
                draw_title(place.title, "title clamped")
                if place.before is not None:
                    move = describe_move(place.before[0], place.rank)
                    Tag("span", move, f"move {move.split()[0]}")
                self.draw_difference(place, n)
                if view.level == "everything":
                    Tag("span", f"score {format_signed(place.score, 3)}", "muted small")
            with Tag("span", "", "chance"):
                Tag("span", format_probability(place.probability), "percent")
                Tag("span", "likely to be liked", "unseen")
                if place.before is not None:
                    Tag("span", f"was {format_probability(place.before[2])}", "muted small")
                with Tag("span", "", "meter", aria_hidden="true"):
                    Tag("span", "", "meter-fill").style(f"width: {100 * place.probability:.1f}%")

    def draw_difference(self, place: Place, n: int) -> None:
        """Where the other model has the item; nothing until it has a ranking."""
        for other in (model for k, model in enumerate(self.session.view.models) if k != n and model.count_places()):
            there = other.find_place(place.item)
            rank = None if there is None else there.rank
            words, kind = describe_other_place(place.rank, rank, other.name, TOP, other.count_places())
            Tag("span", words, f"difference {kind}")
