"""A study as Markdown: `results.md`. It holds no date and no duration, so that the same figures give the same bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from thinkrec.evaluate.metrics.bootstrap import METRICS
from thinkrec.evaluate.metrics.seed_means import SeedMean
from thinkrec.evaluate.number_format import format_interval, format_metric_titles, format_number
from thinkrec.study.config import PublishedFigures, StudyFigure
from thinkrec.study.results import PairTest, StudyResults, StudyRow
from thinkrec.study.sentences import (
    build_row_sentences,
    describe_gaps,
    describe_parts,
    describe_seeds,
    format_difference,
    format_p_value,
    is_real,
    list_notes,
)

MARKS = {"model": "", "impersonal": " †", "ceiling": " ‡", "published": ""}


def render_study(results: StudyResults) -> str:
    """The whole page; ends with a newline."""
    sentences = build_row_sentences(results)
    blocks = [f"# {escape_markdown(results.title)}"]
    if gaps := describe_gaps(results):
        blocks += ["**Not complete.**", _render_list(gaps)]
    blocks.append("## Published beside measured")
    blocks += _render_parts(results)
    if results.other_published:
        head = ["published, not run here", "", *format_metric_titles(results.k).values()]
        lines = [_render_published(figures, f"{name}, ") for name, figures in results.other_published]
        blocks.append(_render_table(head, lines))
    legend = ["† not personal: one number per item, the same for everybody; § published, not run here, not ranked."]
    blocks += [_render_list([*legend, *list_notes(results)]), "## Which differences are real"]
    blocks.append(
        "\n".join(f"- **{escape_markdown(name)}**: {escape_markdown(text)}" for name, text in sentences.items())
    )
    if results.pairs:
        blocks += ["## Paired tests", _render_tests(results)]
    blocks += ["## Users and seeds as sources of variance", _render_variance(results)]
    blocks += [_render_figure(figure, results) for figure in results.figures]
    return "\n\n".join(blocks) + "\n"


def find_best_mean(rows: Sequence[StudyRow], metric: str) -> str:
    """The best value of a metric among some rows, as it is printed; empty where none is defined."""
    values = [row.means[metric].value for row in rows if row.means and not math.isnan(row.means[metric].value)]
    return format_number(max(values)) if values else ""


def escape_markdown(text: str) -> str:
    """Text that cannot break out of a table cell."""
    for mark in "\\|*_`[]<>":
        text = text.replace(mark, "\\" + mark)
    return " ".join(text.split())


def list_part_rows(results: StudyResults) -> list[tuple[str, list[StudyRow]]]:
    """(which test rows, the rows judged on them); rows without figures stand at the first."""
    parts = describe_parts(results) or ["No run is finished."]
    return [(text, [row for row in results.rows if max(row.part, 0) == number]) for number, text in enumerate(parts)]


def _render_parts(results: StudyResults) -> list[str]:
    head = ["row", "seeds", *format_metric_titles(results.k).values()]
    blocks = []
    for text, rows in list_part_rows(results):
        best = {metric: find_best_mean(rows, metric) for metric in METRICS}
        lines = [line for row in rows for line in _render_row(row, best)]
        blocks += [escape_markdown(text), _render_table(head, lines)]
    return blocks


def _render_row(row: StudyRow, best: dict[str, str]) -> list[list[str]]:
    cells = [_format_mean(row.means[m], best[m]) if row.means else "-" for m in METRICS]
    lines = [[escape_markdown(row.name) + MARKS[row.kind], describe_seeds(row), *cells]]
    return lines + [_render_published(figures) for figures in row.published]


def _render_published(figures: PublishedFigures, row: str = "") -> list[str]:
    values = [getattr(figures, metric) for metric in METRICS]
    return [f"§ {escape_markdown(row + figures.source)}", "", *("-" if v is None else format_number(v) for v in values)]


def _format_mean(mean: SeedMean, best: str) -> str:
    value = format_number(mean.value)
    value = f"**{value}**" if value == best else value
    spread = "" if math.isnan(mean.seed_deviation) else f" sd {format_number(mean.seed_deviation)}"
    return f"{value} {format_interval(mean.low, mean.high)}{spread}".strip()


def _render_tests(results: StudyResults) -> str:
    titles = format_metric_titles(results.k)
    head = ["row", "against", "metric", "difference", "error: users", "error: seeds", "p", "p (Holm)", "real"]
    lines = [
        _render_test(pair, metric, titles[metric], results) for pair in results.pairs for metric in pair.differences
    ]
    return _render_table(head, lines, left=3)


def _render_test(pair: PairTest, metric: str, title: str, results: StudyResults) -> list[str]:
    difference = pair.differences[metric]
    return [
        escape_markdown(pair.row),
        escape_markdown(pair.against),
        title,
        format_difference(difference),
        format_number(difference.user_error),
        format_number(difference.seed_error) if max(difference.n_seeds) > 1 else "not known",
        format_p_value(difference.p_value),
        format_p_value(pair.adjusted[metric]),
        "yes" if is_real(pair, metric, results) else "no",
    ]


def _render_variance(results: StudyResults) -> str:
    lines = [
        [escape_markdown(row.name), *(_format_errors(row.means[metric]) for metric in METRICS)]
        for row in results.rows
        if row.means
    ]
    note = (
        "Standard error of the mean by each source alone: users (bootstrap) / seeds (standard deviation over seeds, "
        "divided by the root of their number; - with one seed)."
    )
    return f"{note}\n\n" + _render_table(["row", *format_metric_titles(results.k).values()], lines)


def _format_errors(mean: SeedMean) -> str:
    seeds = "-" if mean.n_seeds < 2 else format_number(mean.seed_deviation / math.sqrt(mean.n_seeds))
    return f"{format_number(mean.user_error)} / {seeds}"


def _render_figure(figure: StudyFigure, results: StudyResults) -> str:
    """A figure's points as a table."""
    by_name = {row.name: row for row in results.rows}
    titles = format_metric_titles(results.k)
    lines = []
    for x, name in sorted(figure.points.items()):
        means = by_name[name].means
        cells = [_format_mean(means[metric], "") if means else "-" for metric in figure.metrics]
        lines.append([f"{x:g}", escape_markdown(name), *cells])
    head = [escape_markdown(figure.x), "row", *(titles[metric] for metric in figure.metrics)]
    return f"## {escape_markdown(figure.title)}\n\n" + _render_table(head, lines, left=2)


def _render_list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {escape_markdown(line)}" for line in lines)


def _render_table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    marks = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, marks, *rows])
