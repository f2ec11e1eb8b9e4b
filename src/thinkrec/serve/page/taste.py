"""The panel of where a person stands: the map of users, the mixture of adapters, and who is similar."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from thinkrec.serve.page.section import Section
from thinkrec.serve.page.session import Session
from thinkrec.serve.page.shown import count_words, format_signed, shorten_title
from thinkrec.serve.page.tags import Tag, draw_button
from thinkrec.serve.page.user_map import HEIGHT, WIDTH, build_map
from thinkrec.serve.values import SimilarUser, UserProfile

COLOURS = 8
"""Groups with a colour of their own; further ones begin again with the first."""


class TastePanel:
    """Shown where everything is."""

    def __init__(self, session: Session, pick: Callable[[Any], Awaitable[None]]) -> None:
        """`pick`: looks at a similar user."""
        self.session, self.pick = session, pick
        self.section = Section("taste hidden", "Place among the others", self.list_inputs, self.draw_content)

    def list_inputs(self) -> tuple[Any, ...]:
        """Profile and level."""
        view = self.session.view
        return view.profile, view.level, view.mode, self.session.service.describe().version

    def draw_content(self) -> None:
        """Map, mixture and similar users."""
        view, info = self.session.view, self.session.service.describe()
        is_shown = view.level == "everything" and view.profile is not None
        self.section.show(is_shown)
        if view.profile is None or not is_shown:
            return
        who = f"this {info.user_word}" if view.mode == "user" else "this visitor"
        by = f", by {view.first.name}" if view.first.name else ""
        Tag("h2", f"Where {who} stands{by}", "h3")
        with Tag("div", "", "taste-columns"):
            with Tag("div"):
                self.draw_map(view.profile, who)
            with Tag("div"):
                self.draw_mixture(view.profile)
                self.draw_similar(view.profile)

    def draw_map(self, profile: UserProfile, who: str) -> None:
        """All users as dots, this one as a ring."""
        points, info = self.session.service.map_users(), self.session.service.describe()
        if not points:
            Tag("p", "This model has no vectors of users, so that there is no map.", "muted")
            return
        drawn = build_map(points)
        label = f"Map of {count_words(len(points), info.user_word, f'{info.user_word}s')} by their taste"
        label += "" if profile.position is None else f"; a ring marks {who}"
        with Tag("svg", "", "map", viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label):
            for group, path in drawn.paths:
                Tag("path", "", f"dots {name_colour(group)}", d=path)
            if profile.position is not None:
                x, y = drawn.locate(profile.position)
                Tag("circle", "", "here", cx=f"{x:.1f}", cy=f"{y:.1f}", r="8")
                Tag("circle", "", "here-dot", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3")
        groups = [group for group, _ in drawn.paths if group is not None]
        with Tag("ul", "", "legend"):
            for group in groups:
                with Tag("li"):
                    Tag("span", "", f"swatch {name_colour(group)}", aria_hidden="true")
                    Tag("span", f"group {group}")
        place = "" if profile.group is None else f"{who.capitalize()} is in group {profile.group}. "
        Tag("p", f"{place}{profile.note or ''}".strip(), "muted small")

    def draw_mixture(self, profile: UserProfile) -> None:
        """A bar per adapter."""
        Tag("h3", "Mixture of experts")
        if not self.session.service.describe().has_groups:
            Tag("p", "This model has one adapter for everybody; nothing is mixed.", "muted")
            return
        with Tag("ul", "", "mixture"):
            for name, weight in profile.mixture:
                with Tag("li"):
                    Tag("span", name, "mixture-name")
                    with Tag("span", "", "meter", aria_hidden="true"):
                        Tag("span", "", "meter-fill").style(f"width: {100 * weight:.1f}%")
                    Tag("span", f"{100 * weight:.0f} %", "number")
        Tag("p", f"Rule of the gate that decided: {profile.region}.", "muted small")

    def draw_similar(self, profile: UserProfile) -> None:
        """Users whose vectors point the same way."""
        if profile.similar:
            Tag("h3", "Most similar")
            with Tag("ul", "", "similar"):
                for one in profile.similar:
                    with Tag("li"):
                        self.draw_user(one)

    def draw_user(self, one: SimilarUser) -> None:
        """One similar user."""
        word = self.session.service.describe().user_word
        text = f"{word.capitalize()} {one.user}"
        draw_button(text, lambda: self.pick(one.user), "quiet", data_key=f"similar {one.user}")
        titles = ", ".join(map(shorten_title, one.shared_likes))
        shared = f"both liked {titles}" if titles else "no shared likes"
        Tag("span", f"cosine {format_signed(one.similarity)}; {shared}", "muted small")


def name_colour(group: int | None) -> str:
    """The class of a group's colour."""
    return "group-none" if group is None else f"group-{(group - 1) % COLOURS + 1}"
