"""The report: one HTML file that opens by double click, with its style and charts inside and nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

from thinkrec.evaluate.metrics.bootstrap import METRICS
from thinkrec.evaluate.report import charts
from thinkrec.evaluate.report.charts import escape_html, get_colour_class
from thinkrec.evaluate.report.data import CurvePanel, ExplainedRecommendation, LearningCurve, ReportData
from thinkrec.evaluate.report.style import CSS
from thinkrec.evaluate.results import RankingResults, ResultRow
from thinkrec.evaluate.table import (
    describe_tied_users,
    format_interval,
    format_metric_titles,
    format_number,
    is_best,
    list_reference_models,
)
from thinkrec.evaluate.verdict import build_verdict
from thinkrec.io.counts import format_count
from thinkrec.io.files import write_atomically
from thinkrec.score.answers import HistoryItem

__all__ = [
    "CurvePanel",
    "ExplainedRecommendation",
    "HistoryItem",
    "LearningCurve",
    "ReportData",
    "render_report",
    "write_report",
]

TAGS = {"model": "", "impersonal": "not personal", "ceiling": "ceiling", "published": "published"}


def write_report(path: str | Path, data: ReportData) -> None:
    """Write the report, beside and renamed. Parts of `data` that are absent leave no trace on the page."""
    # A lone surrogate in a title cannot be UTF-8; it becomes a reference that browsers show as a replacement mark.
    content = render_report(data).encode("utf-8", errors="xmlcharrefreplace")
    write_atomically(Path(path), lambda beside: beside.write_bytes(content))


def render_report(data: ReportData) -> str:
    """The page as text."""
    sections = [
        ("Run", "run", _render_facts(data)),
        ("Results", "results", _render_results(data.results) if data.results else ""),
        ("Paired differences", "differences", _render_differences(data.results) if data.results else ""),
        ("Calibration", "calibration", _render_calibration(data)),
        ("Learning curves", "curves", _render_learning_curves(data)),
        ("User map", "users", _render_user_map(data)),
        ("Explained recommendations", "cases", _render_recommendations(data)),
    ]
    present = [(head, anchor, body) for head, anchor, body in sections if body]
    links = "".join(f'<a href="#{anchor}">{escape_html(head)}</a>' for head, anchor, _ in present)
    paragraphs = "".join(f'<p class="lead">{escape_html(p)}</p>' for p in data.summary.split("\n\n") if p.strip())
    body = "".join(
        f'<section id="{anchor}"><h2>{escape_html(head)}</h2>{inner}</section>' for head, anchor, inner in present
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape_html(data.title)}</title><style>{CSS}</style></head><body><main>"
        f"<h1>{escape_html(data.title)}</h1>{paragraphs}<nav>{links}</nav>{body}"
        "<footer>Written by ThinkRec. This file holds everything it shows and loads nothing.</footer>"
        "</main></body></html>\n"
    )


def _render_facts(data: ReportData) -> str:
    if not data.facts:
        return ""
    return (
        "<dl>"
        + "".join(f"<div><dt>{escape_html(k)}</dt><dd>{escape_html(v)}</dd></div>" for k, v in data.facts.items())
        + "</dl>"
    )


def _render_results(results: RankingResults) -> str:
    lead = (
        f"{format_count(results.n_rows, 'row')} of {format_count(results.n_users, 'user')}; UAUC over "
        f"{results.n_users_uauc:,}, NDCG and MAP over {results.n_users_ranked:,} of them. Below each value its "
        f"{results.level:.0%} interval over {results.draws:,} draws of users (seed {results.seed}). The best value of "
        "a column is coloured."
    )
    head = "<th>model</th>" + "".join(f"<th>{name}</th>" for name in format_metric_titles(results.k).values())
    body = "".join(_render_result_row(results, row) for row in results.rows)
    policies = "".join(
        f"<li><b>{format_metric_titles(results.k)[m]}</b>: {escape_html(text)}</li>"
        for m, text in results.policies.items()
    )
    ties = describe_tied_users({row.name: row.tied for row in results.rows})
    policies += f"<li>{escape_html(ties)}</li>" if ties else ""
    verdict = build_verdict(results)
    style = "verdict lost" if verdict is not None and verdict.lost else "verdict"
    verdict_html = "" if verdict is None else f'<p class="{style}">{escape_html(verdict.sentence)}</p>'
    remarks = "".join(f'<p class="note">{escape_html(remark)}</p>' for remark in results.remarks)
    return (
        f'{remarks}<p class="note">{lead}</p>{_render_table(head, body)}{verdict_html}<ul class="note">{policies}</ul>'
    )


def _render_result_row(results: RankingResults, row: ResultRow) -> str:
    tag = f' <span class="tag">{TAGS[row.kind]}</span>' if TAGS[row.kind] else ""
    cells = [f"<td>{escape_html(row.name)}{tag}</td>"]
    for metric in METRICS:
        estimate = row.estimates.get(metric)
        if estimate is None:
            cells.append("<td>-</td>")
            continue
        style, mark = (' class="best"', "b") if is_best(results, row, metric) else ("", "span")
        value = f"<{mark}>{format_number(estimate.value)}</{mark}>"
        cells.append(f"<td{style}>{value}<small>{format_interval(estimate.low, estimate.high)}</small></td>")
    return f'<tr class="{row.kind}">{"".join(cells)}</tr>'


def _render_differences(results: RankingResults) -> str:
    if not results.comparisons:
        return ""
    ends = [abs(e) for c in results.comparisons for p in c.pairs.values() for e in (p.low, p.high) if e == e]
    limit = max(ends, default=0.0)
    head = "<th>model</th>" + "".join(f"<th>{name}</th>" for name in format_metric_titles(results.k).values())
    blocks = [
        f'<p class="note">Each model minus the reference on the same draws of users, its {results.level:.0%} interval, '
        "and the share of draws on which it is ahead. Coloured where the interval leaves out zero; all pictures share "
        "one scale.</p>"
    ]
    for reference in list_reference_models(results):
        rows = ""
        for c in results.comparisons:
            if c.against != reference:
                continue
            rows += f"<tr><td>{escape_html(c.name)}</td>"
            for metric in METRICS:
                pair = c.pairs[metric]
                style = "up" if pair.low > 0 else "down" if pair.high < 0 else ""
                share = f"ahead in {pair.share_above:.0%}" if pair.share_above == pair.share_above else "n/a"
                change = format_number(pair.difference, signed=True)
                rows += (
                    f'<td>{charts.render_interval(pair, limit)}<span class="{style}">{change}</span>'
                    f"<small>{format_interval(pair.low, pair.high, signed=True)}</small><small>{share}</small></td>"
                )
            rows += "</tr>"
        blocks.append(f"<h3>Compared to {escape_html(reference)}</h3>{_render_table(head, rows)}")
    return "".join(blocks)


def _render_calibration(data: ReportData) -> str:
    if not data.calibration:
        return ""
    keys = charts.render_legend([(get_colour_class(i), name) for i, name in enumerate(data.calibration)])
    rows = "".join(
        f"<tr><td>{escape_html(name)}</td><td>{format_number(curve.error)}</td><td>{int(curve.count.sum()):,}</td></tr>"
        for name, curve in data.calibration.items()
    )
    table = _render_table("<th>model</th><th>calibration error</th><th>rows</th>", rows)
    return (
        '<p class="note">Does a predicted 70 % come true 70 % of the time? On the dashed line it does. The expected '
        "calibration error is the mean distance to that line, weighted by rows; larger dots hold more rows.</p>"
        f'<div class="split"><figure>{keys}{charts.render_reliability_curves(data.calibration)}</figure>'
        f"<div>{table}</div></div>"
    )


def _render_learning_curves(data: ReportData) -> str:
    figures = ""
    for panel in data.curve_panels:
        picture = charts.render_learning_curves(panel)
        if picture:
            keys = charts.render_legend([(get_colour_class(i), curve.name) for i, curve in enumerate(panel.curves)])
            figures += f"<figure><figcaption>{escape_html(panel.stage)}</figcaption>{keys}{picture}</figure>"
    return f'<div class="charts">{figures}</div>' if figures else ""


def _render_user_map(data: ReportData) -> str:
    if data.user_map is None:
        return ""
    return (
        '<p class="note">Each dot is a user, placed by the first two principal components of the user vectors '
        f"({data.user_map.explained:.0%} of their variance). The shading is what the gate does on this plane; users "
        "lie off it, so the counts in the legend are taken at their true vectors.</p>"
        f'<figure class="map">{charts.render_region_legend(data.user_map)}'
        f"{charts.render_user_map(data.user_map)}</figure>"
    )


def _render_recommendations(data: ReportData) -> str:
    if not data.recommendations:
        return ""
    note = '<p class="note">The percentage is the predicted probability of a like; below it, what the user said.</p>'
    return f'{note}<div class="cards">{"".join(map(_render_recommendation, data.recommendations))}</div>'


def _render_recommendation(case: ExplainedRecommendation) -> str:
    truth = ""
    if case.liked is not None:
        style, words = ("yes", "was liked") if case.liked else ("no", "was not liked")
        truth = f'<br><span class="truth {style}">{words}</span>'
    past = "".join(
        f'<li><b class="{"yes" if p.liked else "no"}" title="{"liked" if p.liked else "not liked"}">'
        f"{'✓' if p.liked else '✗'}</b>{escape_html(p.title)}</li>"
        for p in case.history
    )
    # The global adapter comes first and is grey (the last colour); expert k then has the colour of group k on the map.
    shares = [(get_colour_class(i - 1), name, w) for i, (name, w) in enumerate(case.gate) if w >= 0.005]
    bar = "".join(f'<i class="{style}" style="width:{100 * w:.1f}%"></i>' for style, _, w in shares)
    keys = charts.render_legend([(style, f"{name} {w:.0%}") for style, name, w in shares])
    region = escape_html(case.region or "weights")
    gate = f'<div><span class="label">Gate: {region}</span><div class="gate">{bar}</div>{keys}</div>'
    share = max(0.0, min(1.0, case.probability))
    by = "" if case.writer == "model" else ' <span class="label">reason by rules</span>'
    return (
        f'<article class="case"><header><div><h4>{escape_html(case.target)}</h4>'
        f'<span class="who">for {escape_html(case.user)}</span></div>'
        f'<div class="said"><span class="chance">{share:.0%}</span>{truth}</div></header>'
        f'<div class="meter"><i style="width:{100 * share:.1f}%"></i></div>'
        + (f'<div><span class="label">History</span><ul class="past">{past}</ul></div>' if past else "")
        + (gate if case.gate else "")
        + (f"<blockquote>{escape_html(case.reason)}{by}</blockquote>" if case.reason else "")
        + "</article>"
    )


def _render_table(head: str, body: str) -> str:
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
