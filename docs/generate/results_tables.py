"""The tables of README.md and docs/results/ that come from results/*/metrics.json, written between their marks.

    python docs/generate/results_tables.py            # after `thinkrec run NAME --results results`
    python docs/generate/results_tables.py --check    # changes nothing, fails where a page differs from results/

A mark is a pair of lines `<!-- NAME: begin -->` and `<!-- NAME: end -->`. Needs the standard library alone.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from typing import Any

from pages import ROOT, finish_files, parse_check

METRICS = {"auc": "AUC", "uauc": "UAUC", "ndcg": "NDCG@5", "map": "MAP@5"}


@dataclass(frozen=True)
class Line:
    """A line of a table: how it is called, and which row of which results folder it is."""

    label: str
    results: str
    row: str | None = None
    """By default the model that the results are about, to which the other rows are compared."""
    mark: str = ""
    short: bool = False
    """Whether it also stands in the table of README.md."""


ML1M = (
    Line("item mean", "thinkrec-nano", "item mean", "†", short=True),
    Line("keyword prior, genres", "thinkrec-nano", "keyword prior", "†"),
    Line("item mean + keywords, genres", "thinkrec-nano", "item mean + keywords", "†"),
    Line("keyword prior, written", "thinkrec-nano-keywords", "keyword prior", "†"),
    Line("item mean + keywords, written", "thinkrec-nano-keywords", "item mean + keywords", "†", short=True),
    Line("mf", "mf"),
    Line("lightgcn", "lightgcn"),
    Line("sasrec", "sasrec"),
    Line("gsasrec", "gsasrec", short=True),
    Line("boosting", "boosting"),
    Line("boosting-keywords", "boosting-keywords", short=True),
    Line("tallrec-nano", "tallrec-nano", mark="‡"),
    Line("collm-nano", "collm-nano", mark="‡"),
    Line("prompt4nr-as-published", "prompt4nr-as-published"),
    Line("tallrec-as-published", "tallrec-as-published"),
    Line("collm-as-published", "collm-as-published", short=True),
    Line("prompt4nr-same-information", "prompt4nr-same-information"),
    Line("tallrec-same-information", "tallrec-same-information"),
    Line("collm-same-information", "collm-same-information", short=True),
    Line("thinkrec-nano-unthinking", "thinkrec-nano-unthinking"),
    Line("thinkrec-nano", "thinkrec-nano"),
    Line("thinkrec-nano-keywords", "thinkrec-nano-keywords"),
    Line("thinkrec-nano-short", "thinkrec-nano-short"),
    Line("thinkrec-nano-complete", "thinkrec-nano-complete", short=True),
    Line("ablations/without-thinking", "ablations/without-thinking"),
    Line("ablations/fusion-released", "ablations/fusion-released"),
    Line("ablations/fusion-uniform", "ablations/fusion-uniform"),
    Line("ablations/score-yes", "ablations/score-yes"),
    Line("thinkrec-nano-composed-genres", "thinkrec-nano-composed-genres", mark="¤"),
    Line("thinkrec-nano-composed", "thinkrec-nano-composed", mark="¤", short=True),
    Line("thinkrec-smollm2-keywords", "thinkrec-smollm2-keywords", short=True),
)
BROUGHT_BY: dict[str, str] = {}
"""The commit that brought results whose run did not record the commit of its code; an entry goes when it is retaken."""
LEGEND = {
    "†": "one number per item, the same for everybody",
    "‡": "trained as in TALLRec or CoLLM on the same backbone and labelled histories, without the target"
    " encodings, neighbourhood residuals and reasons that ThinkRec is given",
    "¤": "the row of the same keywords, its score composed with a batch state, boosted trees and the item's logit"
    " by weights from validation rows",
    "§": "of the code of 21 November 2026, to be taken again",
}


def main() -> int:
    """Write or check the pages; 1 where --check finds a difference."""
    check, tables = parse_check(__doc__), render_tables()
    pages = (ROOT / "README.md", *sorted((ROOT / "docs" / "results").glob("*.md")))
    return finish_files({path: fill_marks(path.read_text(encoding="utf-8"), tables) for path in pages}, check)


def render_tables() -> dict[str, str]:
    """Every table by the name of its mark."""
    return {
        "ml1m-short": metrics_table([line for line in ML1M if line.short]),
        "ml1m": metrics_table(ML1M),
        "ml1m-made": provenance_table(dict.fromkeys(line.results for line in ML1M)),
        "ml1m-verdicts": verdicts(["ml1m/thinkrec-nano", "ml1m/thinkrec-nano-keywords", "ml1m/thinkrec-nano-composed"]),
        "demo": demo_table(),
        "demo-verdicts": verdicts(["demo"]),
    }


def fill_marks(text: str, tables: dict[str, str]) -> str:
    """`text` with every marked stretch replaced by the table of its name."""

    def fill(match: re.Match[str]) -> str:
        return f"{match[1]}\n\n{tables[match[2]]}\n\n{match[3]}"

    return re.sub(r"(<!-- ([\w-]+): begin -->)\n.*?(<!-- \2: end -->)", fill, text, flags=re.DOTALL)


def read(name: str, file: str) -> dict[str, Any]:
    """A JSON file of one folder under results/."""
    return json.loads((ROOT / "results" / name / file).read_text(encoding="utf-8"))


def metrics_table(lines: list[Line] | tuple[Line, ...]) -> str:
    """Rows with intervals, the best of a column in bold, and what the marks mean."""
    rows = []
    for line in lines:
        metrics = read(f"ml1m/{line.results}", "metrics.json")
        name = line.row or metrics["comparisons"][0]["against"]
        found = next(row for row in metrics["rows"] if row["name"] == name)
        old = "commit" not in read(f"ml1m/{line.results}", "environment.json")
        rows.append((line.label, line.mark + ("§" if old else ""), found["estimates"]))
    return estimates_table(rows)


def demo_table() -> str:
    """All rows of the demo."""
    marks = {"impersonal": "†", "ceiling": "¶"}
    rows = read("demo", "metrics.json")["rows"]
    return estimates_table([(row["name"], marks.get(row["kind"], ""), row["estimates"]) for row in rows])


def estimates_table(rows: list[tuple[str, str, dict[str, Any]]]) -> str:
    """Markdown of (label, marks, estimates); a ceiling (¶) does not compete for bold."""
    legend = {**LEGEND, "¶": "a ceiling: the true probabilities of the simulated catalogue"}
    best = {key: max(text(e[key]["value"]) for _, mark, e in rows if "¶" not in mark) for key in METRICS}
    out = [f"| model | {' | '.join(METRICS.values())} |", "| --- | ---: | ---: | ---: | ---: |"]
    for label, marks, estimates in rows:
        cells = []
        for key in METRICS:
            value = text(estimates[key]["value"])
            shown = f"**{value}**" if value == best[key] and "¶" not in marks else value
            cells.append(f"{shown} [{text(estimates[key]['low'])}, {text(estimates[key]['high'])}]")
        out.append(f"| {label}{' ' + ' '.join(marks) if marks else ''} | {' | '.join(cells)} |")
    used = [mark for mark in legend if any(mark in marks for _, marks, _ in rows)]
    return "\n".join([*out, "", "; ".join(f"{mark} {legend[mark]}" for mark in used) + "."])


def text(value: float) -> str:
    """A metric with three decimals and no leading zero."""
    return f"{value:.3f}".removeprefix("0")


def provenance_table(folders: dict[str, None]) -> str:
    """When, of which commit, on what and how long each recipe was run."""
    out = ["| `thinkrec run` | date | commit of the code | device | duration |", "| --- | --- | --- | --- | ---: |"]
    for name in folders:
        made = read(f"ml1m/{name}", "environment.json")
        commit = made.get("commit")
        if commit is None:
            shown = f"not recorded; results since `{BROUGHT_BY[name]}`"
        else:
            shown = f"`{commit[:7]}`" + (" and changes" if made.get("dirty") else "")
        out.append(f"| `ml1m/{name}` | {made['date']} | {shown} | {made['device']} | {made['duration_s']:,.0f} s |")
    return "\n".join(out)


def verdicts(names: list[str]) -> str:
    """The sentence under the table of each run, as `thinkrec rank` prints it."""
    return "\n".join(f"- `{name}`: {read(name, 'metrics.json')['verdict']['sentence']}" for name in names)


if __name__ == "__main__":
    sys.exit(main())
