"""The panel of the ranking, with the places before a change beside those after it."""

from __future__ import annotations

from thinkrec.serve.page.session import Session
from thinkrec.serve.page.shown import describe_move, format_probability, format_signed
from thinkrec.serve.page.tags import Tag, draw_button
from thinkrec.serve.page.view import Place


class RankingPanel:
    """The best items; each is a button that asks why."""

    def __init__(self, session: Session) -> None:
        """Build the panel where the caller stands."""
        self.session = session
        self.root = Tag("section", "", "panel ranking", aria_label="Ranking")

    def draw(self) -> None:
        """The ranking of the view."""
        view, info = self.session.view, self.session.service.describe()
        self.root.clear()
        with self.root:
            Tag("h2", f"What to recommend: {info.items_word}", tabindex="-1", data_key="ranking")
            places = view.list_places()
            if view.mode == "nobody":
                Tag("p", f"Pick a {info.user_word}, and the ranking appears here.", "muted")
                return
            if view.is_ranking:
                Tag("p", f"Scoring the {info.items_word} ...", "muted working", role="status")
            if not places:
                return
            with Tag("ol", "", "places is-old" if view.is_ranking else "places"):
                for place in places:
                    with Tag("li"):
                        self.draw_place(place)
            if view.level != "simple" and view.ranking is not None:
                Tag("p", f"The best of {view.ranking.candidates}.", "muted small")

    def draw_place(self, place: Place) -> None:
        """One line of the ranking."""
        view = self.session.view
        chosen = str(place.item) == str(view.item)
        button = draw_button(
            "",
            lambda: self.session.explain(place.item, place.title),
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
                if place.before is not None:
                    Tag("span", f"was {format_probability(place.before[2])}", "muted small")
                with Tag("span", "", "meter", aria_hidden="true"):
                    Tag("span", "", "meter-fill").style(f"width: {100 * place.probability:.1f}%")
