"""Text columns in item lines, and the target's own text in the prompts of reasons."""

from __future__ import annotations

import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from thinkrec.data.columns import DataWarning
from thinkrec.errors import DataError
from thinkrec.model.backbone import load_backbone
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

PLAIN = simulate_catalogue(SimulatorConfig(users=6, items=50, interactions_per_user=(14, 20)), 21).dataset
N = len(PLAIN.items)
TEXTS = pl.DataFrame(
    {
        "plot": [None if i % 7 == 0 else f"A plot   of {'many words and ' * (i % 5)}one end {i}." for i in range(N)],
        "genres": [["Crime", "Drama"] if i % 2 else ["Comedy"] for i in range(N)],
        "year": list(range(N)),
    }
)
DS = replace(PLAIN, items=replace(PLAIN.items, texts=TEXTS))
GATE = np.array([1.0], dtype=np.float32)
CONFIG = PromptConfig(history=4, reason_text="plot")
ROWS = [row for row in range(int(DS.interactions.start[2]) + 5, int(DS.interactions.start[3]))]


@pytest.fixture(scope="module")
def text() -> SimpleNamespace:
    return SimpleNamespace(tokenizer=load_backbone("nano").tokenizer)


def plot_of(row: int) -> str | None:
    plot = TEXTS["plot"][int(DS.interactions.item[row])]
    return plot and " ".join(plot.split())


def test_the_targets_text_stands_in_prompts_of_reasons_alone(text) -> None:
    plain, config = (PromptRenderer(DS, text, c) for c in (PromptConfig(history=4), CONFIG))
    assert len({plot_of(row) is None for row in ROWS}) == 2, "rows with and without a plot"
    for row in ROWS:
        scored = config.render_row(row, gate=GATE, with_answer=True)
        np.testing.assert_array_equal(scored.ids, plain.render_row(row, gate=GATE, with_answer=True).ids)
        line = text.tokenizer.decode(scored.ids).splitlines()[-1].removesuffix(" |")
        shown = f"{line} | {plot_of(row)} |" if plot_of(row) else f"{line} |"
        asked = config.render_row(row, gate=GATE, reserve=50)
        assert text.tokenizer.decode(asked.ids).splitlines()[-1] == shown
        taught = config.render_row(row, gate=GATE, with_answer=True, reason="Yes. So it is.")
        # The answer follows the same tokens in training as in answering.
        np.testing.assert_array_equal(taught.ids[: taught.answer_at[-1] + 1], asked.ids)
        assert asked.answer_at[-1] == len(asked.ids) - 1 == taught.token_at[0]


def test_candidates_and_rows_show_the_same(text) -> None:
    renderer, row = PromptRenderer(DS, text, CONFIG), ROWS[3]
    table, past = DS.interactions, CONFIG.get_history_rows(DS.interactions, ROWS[3])
    for reserve in (0, 50):
        items = np.array([int(table.item[row]), 0, 1])
        [(places, shared)] = renderer.render_candidates(
            items, table.item[past], table.label[past], gate=GATE, reserve=reserve
        )
        assert places.tolist() == [0, 1, 2]
        np.testing.assert_array_equal(
            shared.to_prompts()[0].ids, renderer.render_row(row, gate=GATE, reserve=reserve).ids
        )


def test_the_text_takes_its_room_from_the_history(text) -> None:
    row = next(row for row in ROWS if plot_of(row) and len(plot_of(row) or "") > 60)
    whole = len(PromptRenderer(DS, text, CONFIG).render_row(row, gate=GATE))
    room = CONFIG.model_copy(update={"max_tokens": whole})
    renderer = PromptRenderer(DS, text, room)
    assert len(renderer.list_visible_history(row, int(DS.interactions.item[row]), slots=False)) == 4
    shown = renderer.list_visible_history(row, int(DS.interactions.item[row]), slots=False, reserve=1)
    asked = renderer.render_row(row, gate=GATE, reserve=1)
    assert len(asked) <= whole and len(shown) == len(asked.answer_at) - 1 < 4
    assert plot_of(row) in text.tokenizer.decode(asked.ids)


def test_a_long_text_is_cut_and_counted(text) -> None:
    renderer = PromptRenderer(DS, text, CONFIG.model_copy(update={"reason_text_tokens": 6}))
    lengths = [
        len(text.tokenizer(" " + plot, add_special_tokens=False)["input_ids"])
        for plot in map(clean, TEXTS["plot"])
        if plot
    ]
    cut, without = sum(n > 6 for n in lengths), sum(plot is None for plot in TEXTS["plot"])
    assert cut and without
    row = next(row for row in ROWS if plot_of(row))
    longer = len(renderer.render_row(row, gate=GATE, reserve=1)) - len(renderer.render_row(row, gate=GATE))
    assert longer == 6 + len(text.tokenizer(" |", add_special_tokens=False)["input_ids"])
    with pytest.warns(DataWarning, match=rf"of {N} films {without} have no `plot` .* and {cut} one that is cut to 6"):
        renderer.warn_about_reason_texts()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PromptRenderer(DS, text, PromptConfig()).warn_about_reason_texts()


def clean(plot: str | None) -> str:
    return " ".join((plot or "").split())


def test_columns_stand_before_the_keywords_in_every_line(text) -> None:
    renderer = PromptRenderer(DS, text, PromptConfig(history=1, item_columns=("genres",), keywords=2))
    plain = PromptRenderer(DS, text, PromptConfig(history=1, keywords=2))
    row = ROWS[0]
    mine, theirs = (text.tokenizer.decode(r.render_row(row, gate=GATE).ids).splitlines() for r in (renderer, plain))
    for code, mine_line, line in ((row - 1, mine[1], theirs[1]), (row, mine[-1], theirs[-1])):
        title, *rest = line.split(" | ")
        genres = ", ".join(TEXTS["genres"][int(DS.interactions.item[code])])
        assert mine_line == " | ".join([title, genres, *rest])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"reason_text": "story"}, r"prompt\.reason_text names `story`.*plot, genres, year"),
        ({"item_columns": ("story",)}, r"prompt\.item_columns names `story`"),
        ({"reason_text": "year"}, r"`year`.*holds Int64, not text"),
    ],
)
def test_a_column_that_cannot_serve_is_refused(text, settings: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        PromptRenderer(DS, text, PromptConfig(**settings))


def test_a_template_without_a_place_for_the_text_refuses_it() -> None:
    with pytest.raises(ValidationError, match="prompt4nr has no place for reason_text"):
        PromptConfig(template="prompt4nr", reason_text="plot")
