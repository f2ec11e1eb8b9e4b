"""`run_rank_command` and `run_explain_command`: questions to a trained recommender."""

from __future__ import annotations

import csv
from pathlib import Path

from thinkrec.api import ThinkRec
from thinkrec.commands import serving, show
from thinkrec.data.columns import check_threshold, parse_labels, parse_ratings, parse_times, require_columns
from thinkrec.data.tables import read_table
from thinkrec.decoding.policy import Writer
from thinkrec.errors import DataError
from thinkrec.evaluate.results import read_verdict


def run_rank_command(
    run: str,
    user: str,
    candidates: str | None,
    top: int,
    why: bool,
    history: Path | None,
    threshold: float | None,
    name: str | None = None,
    writer: Writer | None = None,
) -> None:
    """`thinkrec rank`; `name`: of the row of the run's table that ranks."""
    folder = show.find_run_folder(run)
    model = serving.load_ranker(folder, name)
    if why and isinstance(model, serving.ScorerRanker):
        raise DataError("--why asks the language model for reasons, and this row is a scorer; leave --why out")
    if writer is not None and not why:
        raise DataError("--writer says who writes the reasons, but none are asked for; add --why, or leave it out")
    if name is None:
        show.print_verdict(read_verdict(folder))
    asked = None if candidates is None else parse_candidates(candidates)
    past = _read_optional_history(history, threshold, model)
    if isinstance(model, serving.ScorerRanker):
        found = model.rank(user, asked, history=past, top=top)
    else:
        found = model.rank(user, asked, history=past, top=top, reasons=why, writer=writer)
    domain = model.ds.domain
    show.make_console().print(show.render_ranking(found, f"{domain.items.capitalize()} for {domain.user} {user}"))


def run_explain_command(
    run: str, user: str, item: str, history: Path | None, threshold: float | None, writer: Writer | None = None
) -> None:
    """`thinkrec explain`."""
    folder = show.find_run_folder(run)
    model = ThinkRec.load(folder, progress=True)
    show.print_verdict(read_verdict(folder))
    found = model.explain(user, item, history=_read_optional_history(history, threshold, model), writer=writer)
    show.make_console().print(show.render_explanation(found, f"{model.ds.domain.user} {user}"))


def parse_candidates(text: str) -> list[str]:
    """Item ids with commas between them; one that holds a comma stands in double quotes. Raises DataError."""
    names = next(csv.reader([text], skipinitialspace=True), [])
    found = [name.strip() for name in names if name.strip()]
    if not found:
        raise DataError("--candidates names no item; give ids with commas between them, such as 12,7,30")
    return found


def _read_optional_history(
    path: Path | None, threshold: float | None, model: ThinkRec | serving.ScorerRanker
) -> list[tuple[object, bool]] | None:
    if path is None and threshold is not None:
        raise DataError("--threshold is for ratings in --history; give a history, or leave it out")
    return None if path is None else read_history(path, threshold, model.ds.threshold)


def read_history(path: Path, threshold: float | None = None, usual: float | None = None) -> list[tuple[object, bool]]:
    """(item id, liked) pairs from a table with item_id and label, or rating and a threshold; oldest first.

    With a column `timestamp` the rows are put in its order, else they count as they stand. `usual`: the threshold of
    the run's own data, where none is given. Raises DataError, also for a threshold that labels do not need.
    """
    table, source = read_table(path), str(path)
    require_columns(table, ("item_id",), source)
    if threshold is not None:
        check_threshold(threshold, source)
    if "label" in table.columns:
        if "rating" in table.columns or threshold is not None:
            second = "a column 'rating' too" if "rating" in table.columns else "--threshold too"
            raise DataError(f"{source}: column 'label' says what was liked, and there is {second}. Give one of both.")
        liked = parse_labels(table["label"], source).to_list()
    else:
        require_columns(table, ("rating",), source)
        bar = usual if threshold is None else threshold
        if bar is None:
            raise DataError(
                f"{source}: column 'rating' needs --threshold, since the run's own data held labels; liked means "
                "rating > threshold"
            )
        liked = (parse_ratings(table["rating"], source) > bar).to_list()
    order = list(range(table.height))
    if "timestamp" in table.columns:
        whole, fraction = parse_times(table["timestamp"], source)
        order.sort(key=lambda row: (whole[row], fraction[row]))
    return [(table["item_id"][row], bool(liked[row])) for row in order]
