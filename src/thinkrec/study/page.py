"""A study as one HTML file that loads nothing, in the style of a run's report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from thinkrec.evaluate.metrics.bootstrap import METRICS, PairedDifference
from thinkrec.evaluate.number_format import format_interval, format_metric_titles, format_number
from thinkrec.evaluate.report import charts
from thinkrec.evaluate.report.charts import escape_html, get_colour_class
from thinkrec.evaluate.report.style import CSS
from thinkrec.io.files import write_atomically
from thinkrec.study.config import PublishedFigures, StudyFigure
from thinkrec.study.markdown import find_best_mean, list_part_rows
from thinkrec.study.results import PairTest, StudyResults, StudyRow
from thinkrec.study.sentences import (
    build_row_sentences,
    describe_gaps,
    describe_seeds,
    format_p_value,
    is_real,
    list_notes,
)


def write_study_page(path: Path, results: StudyResults, facts: Mapping[str, str]) -> None:
    """Write the page, beside and renamed; `facts`: name -> what else is to be known, such as hardware and duration."""
    content = render_study_page(results, facts).encode("utf-8", errors="xmlcharrefreplace")
    write_atomically(path, lambda beside: beside.write_bytes(content))


def render_study_page(results: StudyResults, facts: Mapping[str, str]) -> str:
    """The page as text."""
    sections = [
        ("Study", "study", _render_facts(facts)),
        ("Not complete", "gaps", _render_items(describe_gaps(results))),
        ("Published beside measured", "results", _render_results(results)),
        ("Which differences are real", "sentences", _render_sentences(results)),
        ("Paired tests", "tests", _render_tests(results)),
        ("Users and seeds as sources of variance", "variance", _render_variance(results)),
        *(
            (figure.title, f"figure-{number}", _render_figure(figure, results))
            for number, figure in enumerate(results.figures, start=1)
        ),
    ]
    present = [(head, anchor, body) for head, anchor, body in sections if body]
    links = "".join(f'<a href="#{anchor}">{escape_html(head)}</a>' for head, anchor, _ in present)
    body = "".join(
        f'<section id="{anchor}"><h2>{escape_html(head)}</h2>{inner}</section>' for head, anchor, inner in present
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape_html(results.title)}</title><style>{CSS}</style></head><body><main>"
        f"<h1>{escape_html(results.title)}</h1><nav>{links}</nav>{body}"
        "<footer>Written by ThinkRec. This file holds everything it shows and loads nothing.</footer>"
        "</main></body></html>\n"
    )


def _render_facts(facts: Mapping[str, str]) -> str:
    entries = "".join(f"<div><dt>{escape_html(k)}</dt><dd>{escape_html(v)}</dd></div>" for k, v in facts.items())
    return f"<dl>{entries}</dl>" if entries else ""


def _render_items(lines: Sequence[str]) -> str:
    return f'<ul class="note">{"".join(f"<li>{escape_html(line)}</li>" for line in lines)}</ul>' if lines else ""


def _render_results(results: StudyResults) -> str:
    head = "".join(f"<th>{text}</th>" for text in ("row", "seeds", *format_metric_titles(results.k).values()))
    blocks = ""
    for text, rows in list_part_rows(results):
        best = {metric: find_best_mean(rows, metric) for metric in METRICS}
        body = "".join(_render_row(row, best) for row in rows)
        blocks += f'<p class="note">{escape_html(text)}</p>{_render_table(head, body)}'
    if results.other_published:
        head = head.replace("<th>row</th>", "<th>published, not run here</th>", 1).replace(
            "<th>seeds</th>", "<th></th>", 1
        )
        blocks += _render_table(head, "".join(_render_published(f, f"{n}, ") for n, f in results.other_published))
    return blocks + _render_items(list_notes(results))


def _render_row(row: StudyRow, best: Mapping[str, str]) -> str:
    tag = ' <span class="tag">not personal</span>' if row.kind == "impersonal" else ""
    cells = f"<td>{escape_html(row.name)}{tag}</td><td>{describe_seeds(row)}</td>"
    for metric in METRICS:
        if not row.means:
            cells += "<td>-</td>"
            continue
        mean = row.means[metric]
        value = format_number(mean.value)
        style, mark = (' class="best"', "b") if value == best[metric] else ("", "span")
        spread = "" if math.isnan(mean.seed_deviation) else f"<small>sd {format_number(mean.seed_deviation)}</small>"
        interval = format_interval(mean.low, mean.high)
        cells += f"<td{style}><{mark}>{value}</{mark}><small>{interval}</small>{spread}</td>"
    lines = f'<tr class="{row.kind}">{cells}</tr>'
    return lines + "".join(map(_render_published, row.published))


def _render_published(figures: PublishedFigures, row: str = "") -> str:
    values = [getattr(figures, metric) for metric in METRICS]
    shown = "".join(f"<td>{'-' if value is None else format_number(value)}</td>" for value in values)
    source = f'{escape_html(row + figures.source)} <span class="tag">published</span>'
    return f'<tr class="published"><td>{source}</td><td></td>{shown}</tr>'


def _render_sentences(results: StudyResults) -> str:
    rows = "".join(
        f"<dt>{escape_html(name)}</dt><dd>{escape_html(text)}</dd>"
        for name, text in build_row_sentences(results).items()
    )
    return f'<dl style="display: block">{rows}</dl>'


def _render_tests(results: StudyResults) -> str:
    if not results.pairs:
        return ""
    reaches = [abs(end) for p in results.pairs for d in p.differences.values() for end in (d.low, d.high) if end == end]
    limit = max(reaches, default=0.0)
    titles = format_metric_titles(results.k)
    head = "".join(f"<th>{text}</th>" for text in ("row", *(titles[metric] for metric in results.metrics)))
    note = (
        f'<p class="note">The first row less the second, with its {results.level:.0%} interval over users and seeds, '
        f"and p corrected over the {results.family_size} tests of this study. Coloured where the difference is called "
        "real; all pictures share one scale.</p>"
    )
    body = ""
    for pair in results.pairs:
        cells = "".join(_render_test(pair, metric, limit, results) for metric in results.metrics)
        name = f"{escape_html(pair.row)}<small>against {escape_html(pair.against)}</small>"
        body += f"<tr><td>{name}</td>{cells}</tr>"
    return note + _render_table(head, body)


def _render_test(pair: PairTest, metric: str, limit: float, results: StudyResults) -> str:
    difference = pair.differences[metric]
    real = is_real(pair, metric, results)
    style = ("up" if difference.difference > 0 else "down") if real else "open"
    interval = format_interval(difference.low, difference.high, signed=True)
    pair_of_ends = PairedDifference(difference.difference, difference.low, difference.high, math.nan)
    picture = charts.render_interval(pair_of_ends, limit, style)
    return (
        f'<td>{picture}<span class="{style}">{format_number(difference.difference, signed=True)}</span>'
        f"<small>{interval}</small><small>p {format_p_value(pair.adjusted[metric])}</small></td>"
    )


def _render_variance(results: StudyResults) -> str:
    rows = [row for row in results.rows if row.means]
    if not rows:
        return ""
    head = "".join(f"<th>{text}</th>" for text in ("row", *format_metric_titles(results.k).values()))
    body = ""
    for row in rows:
        cells = ""
        for mean in (row.means[metric] for metric in METRICS):
            seeds = "-" if mean.n_seeds < 2 else format_number(mean.seed_deviation / math.sqrt(mean.n_seeds))
            cells += f"<td>{format_number(mean.user_error)}<small>seeds {seeds}</small></td>"
        body += f"<tr><td>{escape_html(row.name)}</td>{cells}</tr>"
    note = (
        '<p class="note">Standard error of the mean by users alone; below it that by seeds alone (- with one seed).</p>'
    )
    return note + _render_table(head, body)


def _render_figure(figure: StudyFigure, results: StudyResults) -> str:
    """A line per metric with the interval over users of every point; empty where no point is measured."""
    by_name = {row.name: row for row in results.rows}
    titles = format_metric_titles(results.k)
    points = {
        metric: [
            (x, mean.value, mean.low, mean.high)
            for x, name in sorted(figure.points.items())
            if by_name[name].means
            for mean in (by_name[name].means[metric],)
            if mean.low is not None and mean.high is not None and not math.isnan(mean.low)
        ]
        for metric in figure.metrics
    }
    every = [point for line in points.values() for point in line]
    if not every:
        return ""
    xs, ys = [point[0] for point in every], [end for point in every for end in point[2:]]
    frame = charts.PlotArea(charts.pad_range(xs, 0.06), charts.pad_range(ys, 0.06), width=560, height=320)
    body = frame.render_axes(figure.x, "mean over seeds")
    for number, line in enumerate(points.values()):
        colour = get_colour_class(number)
        at = [(frame.to_pixel_x(x), *map(frame.to_pixel_y, values)) for x, *values in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, *_ in at)
        body += f'<polyline class="line {colour}" points="{path}"/>'
        body += "".join(
            f'<polyline class="line {colour}" points="{x:.1f},{low:.1f} {x:.1f},{high:.1f}"/>'
            f'<circle class="dot {colour}" cx="{x:.1f}" cy="{y:.1f}" r="3.6"/>'
            for x, y, low, high in at
        )
    legend = charts.render_legend([(get_colour_class(n), titles[metric]) for n, metric in enumerate(points)])
    note = f'<p class="note">Bars: {results.level:.0%} interval over users, the seeds as they are.</p>'
    return f'{note}<figure class="map">{legend}{frame.render_svg(body, figure.title)}</figure>'


def _render_table(head: str, body: str) -> str:
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
