"""`compare`: whether one way of training ranks better than another, over several seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from thinkrec.commands import show
from thinkrec.commands.judging import samples_of
from thinkrec.commands.truth import truth_of
from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import Pair, Sample
from thinkrec.evaluate.metrics.ranking import policies, tied_share
from thinkrec.evaluate.metrics.seeds import SeedComparison, compare_seeds
from thinkrec.evaluate.number_format import number, span, titles
from thinkrec.evaluate.table import tied_note
from thinkrec.io.files import plain, write_json

SCHEMA = "thinkrec-comparison/1"


def compare(
    a: Sequence[Path], b: Sequence[Path], interactions: Path | None, run: str | None, draws: int | None,
    out: Path | None, *, split: str | None = None, threshold: float | None = None, partial: bool = False,
) -> None:  # fmt: skip
    """`thinkrec compare A... --against B...`."""
    if out is not None and out.suffix != ".json":
        raise DataError(f"{out}: --out writes JSON; give a name such as comparison.json")
    truth, config = truth_of(interactions, run, split=split, threshold=threshold)
    config = config if draws is None else config.model_copy(update={"draws": draws})
    paths = list(dict.fromkeys([*a, *b]))
    drawn, remark = samples_of(paths, truth, config, partial=partial)
    known = dict(zip(paths, drawn, strict=True))
    samples = [[known[path] for path in side] for side in (a, b)]
    found = compare_seeds(*samples)
    shares = {str(path): tied_share(sample.per_user) for path, sample in known.items()}
    show.console().print(terminal(found, *samples, remark="\n".join(filter(None, [remark, tied_note(shares)]))))
    if out is not None:
        # The file is meant to be kept and shown: nothing of this machine but what was typed below the current folder.
        names = [[f"{p.parent.name}/{p.name}" if p.is_absolute() else p.as_posix() for p in side] for side in (a, b)]
        values = {metric: dataclasses.asdict(comparison) for metric, comparison in found.items()}
        sides = {
            side: [
                {"predictions": name, **sample.values, "tied": tied_share(sample.per_user)}
                for name, sample in zip(named, scored, strict=True)
            ]
            for side, named, scored in zip(("runs", "against"), names, samples, strict=True)
        }
        settings = {
            "draws": config.draws,
            "seed": config.seed,
            "n_rows": samples[0][0].n_rows,
            "remarks": [remark] if remark else [],
            "policies": policies(config.k, config.map_denominator),
        }
        write_json(out, plain({"schema": SCHEMA, **sides, "difference": values, **settings}))
        show.console().print(Text(f"comparison: {out}"), soft_wrap=True)


def terminal(found: dict[str, SeedComparison], a: Sequence[Sample], b: Sequence[Sample], *, remark: str = "") -> Table:
    """One line per seed and one for their mean, the metrics of both sides and their difference; `remark` below."""
    table = Table(title="Runs against others on the same rows", title_justify="left",
                  caption=Text(remark) if remark else None, caption_justify="left")  # fmt: skip
    table.add_column("")
    for title in (titles(a[0].k)[metric] for metric in found):
        table.add_column(title, justify="right")

    def cell(pair: Pair, x: float, y: float, spread: float | None) -> Text:
        gap = f"{number(pair.difference, signed=True)} {span(pair.low, pair.high, signed=True)}"
        seeds = "" if spread is None else f"\nsd over seeds {number(spread)}"
        return Text(f"{number(x)} - {number(y)}\n{gap}{seeds}")

    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        table.add_row(f"pair {i + 1}", *(cell(c.each[i], x.values[m], y.values[m], None) for m, c in found.items()),
                      end_section=True)  # fmt: skip
    table.add_row("mean", *(cell(c.mean, _mean(a, m), _mean(b, m), c.deviation) for m, c in found.items()))
    return table


def _mean(samples: Sequence[Sample], metric: str) -> float:
    return sum(sample.values[metric] for sample in samples) / len(samples)
