"""The panel of the ranking, with the places before a change beside those after it."""

from __future__ import annotations

from typing import Any

from thinkrec.serve.page.panel import Panel
from thinkrec.serve.page.session import Session
from thinkrec.serve.page.shown import describe_move, format_probability, format_signed
from thinkrec.serve.page.tags import Tag, draw_button
from thinkrec.serve.page.view import Place


class RankingPanel(Panel):
    """The best items; each is a button that asks why."""

    def __init__(self, session: Session) -> None:
        """Build the panel where the caller stands."""
        super().__init__(session, "ranking", "Ranking")
        self.status: Tag | None = None

    def list_inputs(self) -> tuple[Any, ...]:
        """Ranking, chosen item and level."""
        view = self.session.view
        return view.mode, view.ranking, view.what_if, view.item, view.level

    def draw_content(self) -> None:
        """The ranking of the view."""
        view, info = self.session.view, self.session.service.describe()
        Tag("h2", "Recommended", tabindex="-1", data_key="ranking")
        places = view.list_places()
        if view.mode == "nobody":
            Tag("p", f"Pick a {info.user_word}, and the ranking appears here.", "muted")
            return
        self.status = Tag("p", "", "muted small")
        with Tag("ol", "", "places"):
            for place in places:
                with Tag("li"):
                    self.draw_place(place)
        if view.level != "simple" and view.ranking is not None:
            Tag("p", f"The best of {view.describe_candidates()}.", "muted small")

    def draw(self) -> None:
        """Bring the panel up to what the view holds; while a new ranking is made, the buttons of the old one stay."""
        super().draw()
        view, info = self.session.view, self.session.service.describe()
        if self.status is not None and view.mode != "nobody":
            words = f"Scoring the {info.items_word} ..." if view.is_ranking else "Press a line to see why."
            if self.status.text != words:
                self.status.set_text(words)
                add, remove = ("working", "") if view.is_ranking else ("", "working")
                self.status.classes(add=add, remove=remove)
                self.root.classes(add=add, remove=remove)

    async def explain(self, place: Place) -> None:
        """Ask why."""
        self.reveal("why")
        await self.session.explain(place.item, place.title)

    def draw_place(self, place: Place) -> None:
        """One line of the ranking."""
        view = self.session.view
        chosen = str(place.item) == str(view.item)
        button = draw_button(
            "",
            lambda: self.explain(place),
            "place chosen" if chosen else "place",
            data_key=f"place {place.item}",
            aria_pressed="true" if chosen else "false",
        )
        with button:
            Tag("span", str(place.rank), "rank")
            with Tag("span", "", "place-text"):
                Tag("span", place.title, "title")
                if place.before is not None:
                    move = describe_move(place.before[0], place.rank)
                    Tag("span", move, f"move {move.split()[0]}")
                if view.level == "everything":
                    Tag("span", f"score {format_signed(place.score, 3)}", "muted small")
            with Tag("span", "", "chance"):
                Tag("span", format_probability(place.probability), "percent")
                Tag("span", "likely to be liked", "unseen")
                if place.before is not None:
                    Tag("span", f"was {format_probability(place.before[2])}", "muted small")
                with Tag("span", "", "meter", aria_hidden="true"):
                    Tag("span", "", "meter-fill").style(f"width: {100 * place.probability:.1f}%")
