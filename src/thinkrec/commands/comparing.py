"""`run_compare_command`: whether one way of training ranks better than another, over several seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from thinkrec.commands import show
from thinkrec.commands.judging import bootstrap_predictions
from thinkrec.commands.truth import load_truth
from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import BootstrapResult, PairedDifference
from thinkrec.evaluate.metrics.ranking import compute_tied_share, describe_policies
from thinkrec.evaluate.metrics.seeds import SeedComparison, compare_seeds
from thinkrec.evaluate.number_format import format_interval, format_metric_titles, format_number
from thinkrec.evaluate.table import describe_tied_users
from thinkrec.io.files import to_json_value, write_json

SCHEMA = "thinkrec-comparison/1"


def run_compare_command(
    a: Sequence[Path],
    b: Sequence[Path],
    interactions: Path | None,
    run: str | None,
    draws: int | None,
    out: Path | None,
    *,
    split: str | None = None,
    threshold: float | None = None,
    partial: bool = False,
) -> None:
    """`thinkrec compare A... --against B...`."""
    if out is not None and out.suffix != ".json":
        raise DataError(f"{out}: --out writes JSON; give a name such as comparison.json")
    truth, config = load_truth(interactions, run, split=split, threshold=threshold)
    config = config if draws is None else config.model_copy(update={"bootstrap_draws": draws})
    paths = list(dict.fromkeys([*a, *b]))
    drawn, remark = bootstrap_predictions(paths, truth, config, partial=partial)
    known = dict(zip(paths, drawn, strict=True))
    samples = [[known[path] for path in side] for side in (a, b)]
    found = compare_seeds(*samples)
    shares = {str(path): compute_tied_share(sample.per_user) for path, sample in known.items()}
    show.make_console().print(
        build_comparison_table(found, *samples, remark="\n".join(filter(None, [remark, describe_tied_users(shares)])))
    )
    if out is not None:
        # The file is meant to be kept and shown: nothing of this machine but what was typed below the current folder.
        names = [[f"{p.parent.name}/{p.name}" if p.is_absolute() else p.as_posix() for p in side] for side in (a, b)]
        values = {metric: dataclasses.asdict(comparison) for metric, comparison in found.items()}
        sides = {
            side: [
                {"predictions": name, **sample.values, "tied": compute_tied_share(sample.per_user)}
                for name, sample in zip(named, scored, strict=True)
            ]
            for side, named, scored in zip(("runs", "against"), names, samples, strict=True)
        }
        settings = {
            "draws": config.bootstrap_draws,
            "seed": config.seed,
            "n_rows": samples[0][0].n_rows,
            "remarks": [remark] if remark else [],
            "policies": describe_policies(config.k, config.map_denominator),
        }
        write_json(out, to_json_value({"schema": SCHEMA, **sides, "difference": values, **settings}))
        show.make_console().print(Text(f"comparison: {out}"), soft_wrap=True)


def build_comparison_table(
    found: dict[str, SeedComparison], a: Sequence[BootstrapResult], b: Sequence[BootstrapResult], *, remark: str = ""
) -> Table:
    """One line per seed and one for their mean, the metrics of both sides and their difference; `remark` below."""
    table = Table(
        title="Runs against others on the same rows",
        title_justify="left",
        caption=Text(remark) if remark else None,
        caption_justify="left",
    )
    table.add_column("")
    for title in (format_metric_titles(a[0].k)[metric] for metric in found):
        table.add_column(title, justify="right")

    def cell(pair: PairedDifference, x: float, y: float, spread: float | None) -> Text:
        gap = f"{format_number(pair.difference, signed=True)} {format_interval(pair.low, pair.high, signed=True)}"
        seeds = "" if spread is None else f"\nsd over seeds {format_number(spread)}"
        return Text(f"{format_number(x)} - {format_number(y)}\n{gap}{seeds}")

    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        table.add_row(
            f"pair {i + 1}",
            *(cell(c.each[i], x.values[m], y.values[m], None) for m, c in found.items()),
            end_section=True,
        )
    table.add_row(
        "mean", *(cell(c.mean, _compute_mean(a, m), _compute_mean(b, m), c.deviation) for m, c in found.items())
    )
    return table


def _compute_mean(samples: Sequence[BootstrapResult], metric: str) -> float:
    return sum(sample.values[metric] for sample in samples) / len(samples)
