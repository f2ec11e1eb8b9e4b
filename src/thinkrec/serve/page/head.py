"""The head of the page: its name, how much is shown, light or dark, and what the model's own figures say."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from thinkrec.serve.page.panel import Panel
from thinkrec.serve.page.session import Session
from thinkrec.serve.page.shown import count_words
from thinkrec.serve.page.tags import Tag, draw_button
from thinkrec.serve.page.view import LEVELS, Level

THEMES: tuple[tuple[bool | None, str], ...] = (
    (None, "Theme: auto"),
    (False, "Theme: light"),
    (True, "Theme: dark"),
)


class HeadPanel(Panel):
    """Stands on top of all others."""

    def __init__(self, session: Session) -> None:
        """Build the panel where the caller stands."""
        self.theme, self.dark = 0, ui.dark_mode(None)
        super().__init__(session, "head", "About this page")

    def list_inputs(self) -> tuple[Any, ...]:
        """Level, theme and model."""
        return self.session.view.level, self.theme, self.session.service.describe()

    def draw_content(self) -> None:
        """Name, levels, theme; the warning where everything is shown, else folded."""
        view, info = self.session.view, self.session.service.describe()
        with Tag("div", "", "head-row"):
            with Tag("div", "", "brand"):
                Tag("h1", "ThinkRec")
                Tag("span", f"{info.row}, run {info.run}", "muted small")
            with Tag("div", "", "row"):
                with Tag("div", "", "levels", role="group", aria_label="How much is shown"):
                    for level, name in LEVELS:
                        pressed = "true" if view.level == level else "false"
                        press = self.make_choice(level)
                        draw_button(name, press, "level", aria_pressed=pressed, data_key=f"level {level}")
                draw_button(THEMES[self.theme][1], self.change_theme, "quiet", data_key="theme")
        if view.level == "everything":
            size = f"{count_words(info.users, info.user_word, f'{info.user_word}s')}, {info.items:,} {info.items_word}"
            Tag("p", f"Version {info.version}, trained on {size}.", "muted small")
            Tag("p", info.warning or "The run's own figures say nothing against ranking with it.", "caution small")
        elif info.warning:
            with Tag("details", "", "small"):
                Tag("summary", "What the run's own figures say against this model")
                Tag("p", info.warning, "caution")

    def make_choice(self, level: Level) -> Any:
        """What a press on a level does."""
        return lambda: self.session.set_level(level)

    def change_theme(self) -> None:
        """The next of: as the system, light, dark."""
        self.theme = (self.theme + 1) % len(THEMES)
        self.dark.value = THEMES[self.theme][0]
        self.draw()
