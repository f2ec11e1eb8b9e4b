"""The head of the page: its name, how much is shown, light or dark, and what the model's own figures say."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from thinkrec.serve.page.section import Section
from thinkrec.serve.page.session import Session
from thinkrec.serve.page.shown import count_words
from thinkrec.serve.page.tags import Tag, draw_button, draw_model_name
from thinkrec.serve.page.view import LEVELS, Level
from thinkrec.serve.values import ModelInfo

THEMES: tuple[tuple[bool | None, str], ...] = (
    (None, "Theme: auto"),
    (False, "Theme: light"),
    (True, "Theme: dark"),
)


class HeadPanel:
    """Stands on top of all others."""

    def __init__(self, session: Session) -> None:
        """Build the panel where the caller stands."""
        self.session, self.theme, self.dark = session, 0, ui.dark_mode(None)
        self.section = Section("head", "About this page", self.list_inputs, self.draw_content)

    def list_inputs(self) -> tuple[Any, ...]:
        """Level, theme and model."""
        return self.session.view.level, self.theme, *(service.describe() for service in self.session.services)

    def draw_content(self) -> None:
        """Name, levels, theme; the warning where everything is shown, else folded."""
        view = self.session.view
        with Tag("div", "", "head-row"):
            with Tag("div", "", "brand"):
                Tag("h1", "ThinkRec")
                self.draw_runs()
            with Tag("div", "", "row"):
                with Tag("div", "", "levels", role="group", aria_label="How much is shown"):
                    for level, name in LEVELS:
                        pressed = "true" if view.level == level else "false"
                        press = self.make_choice(level)
                        draw_button(name, press, "level", aria_pressed=pressed, data_key=f"level {level}")
                draw_button(THEMES[self.theme][1], self.change_theme, "quiet", data_key="theme")
        for service, model in zip(self.session.services, view.models, strict=True):
            self.draw_figures(service.describe(), model.name)

    def draw_runs(self) -> None:
        """Which run answers, or which two."""
        for service, model in zip(self.session.services, self.session.view.models, strict=True):
            info = service.describe()
            if model.name:
                draw_model_name(model.name, f"{info.row}, run {model.label}", "span")
            else:
                Tag("span", f"{info.row}, run {info.run}", "muted small")

    def draw_figures(self, info: ModelInfo, name: str) -> None:
        """What a run's own figures say against ranking with it: shown where everything is, else folded."""
        of = f"{name}: " if name else ""
        if self.session.view.level == "everything":
            size = f"{count_words(info.users, info.user_word, f'{info.user_word}s')}, {info.items:,} {info.items_word}"
            Tag("p", f"{of}Version {info.version}, trained on {size}.", "muted small")
            warning = info.warning or "The figures of this run say nothing against ranking with it."
            Tag("p", f"{of}{warning}", "caution small")
        elif info.warning:
            with Tag("details", "", "small"):
                Tag("summary", f"What the run's own figures say against {f'model {name}' if name else 'this model'}")
                Tag("p", info.warning, "caution")

    def make_choice(self, level: Level) -> Any:
        """What a press on a level does."""
        return lambda: self.session.set_level(level)

    def change_theme(self) -> None:
        """The next of: as the system, light, dark."""
        self.theme = (self.theme + 1) % len(THEMES)
        self.dark.value = THEMES[self.theme][0]
        self.section.draw()
