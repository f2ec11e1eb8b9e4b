"""`thinkrec compare`: two ways of training, over several seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import Draws, Interactions, JudgedSplit, LabelRun, LabelThreshold, Partial


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="TABLE...", help="Predictions, one table per seed.")],
    against: Annotated[list[Path], typer.Option(help="Predictions of the other side, seed by seed; repeat it.")],
    interactions: Interactions = None,
    run: LabelRun = None,
    threshold: LabelThreshold = None,
    split: JudgedSplit = None,
    partial: Partial = False,
    draws: Draws = None,
    out: Annotated[Path | None, typer.Option(help="Write JSON here.")] = None,
) -> None:
    """Whether one way of training ranks better than another: paired differences, seed by seed and on average.

    - `thinkrec compare with.parquet --against without.parquet --run demo`
    - `thinkrec compare a0.parquet a1.parquet --against b0.parquet --against b1.parquet --run demo --out thinking.json`

    All tables name the same rows: every judged one, or with --partial those that all tables have. Intervals are over
    users; beside them stands the deviation over seeds.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.cli.json_files import check_json_name
    from thinkrec.evaluate.comparison import build_comparison_table, write_comparison
    from thinkrec.evaluate.metrics.ranking import compute_tied_share, describe_policies
    from thinkrec.evaluate.metrics.seeds import compare_seeds
    from thinkrec.evaluate.table import describe_tied_users
    from thinkrec.run.ground_truth import load_ground_truth
    from thinkrec.run.prediction_metrics import bootstrap_predictions

    check_json_name(out, "comparison.json")
    truth, config = load_ground_truth(interactions, run, split=split, threshold=threshold)
    config = config if draws is None else config.model_copy(update={"bootstrap_draws": draws})
    paths = list(dict.fromkeys([*runs, *against]))
    samples, remark = bootstrap_predictions(paths, truth, config, partial=partial)
    known = dict(zip(paths, samples, strict=True))
    ours, theirs = ([known[path] for path in side] for side in (runs, against))
    comparisons = compare_seeds(ours, theirs)
    ties = describe_tied_users({str(path): compute_tied_share(sample.per_user) for path, sample in known.items()})
    remarks = "\n".join(filter(None, [remark, ties]))
    show.make_console().print(build_comparison_table(comparisons, ours, theirs, remark=remarks))
    if out is not None:
        sides = {
            "runs": list(zip(runs, ours, strict=True)),
            "against": list(zip(against, theirs, strict=True)),
        }
        settings = {
            "draws": config.bootstrap_draws,
            "seed": config.seed,
            "n_rows": ours[0].n_rows,
            "remarks": [remark] if remark else [],
            "policies": describe_policies(config.k, config.map_denominator),
        }
        write_comparison(out, comparisons, sides, settings)
        show.make_console().print(Text(f"comparison: {out}"), soft_wrap=True)
