"""`thinkrec track`: a finished run noted in MLflow."""

from __future__ import annotations

from typing import Annotated

import typer

from thinkrec.cli.options import RunName


def track(
    run: RunName,
    uri: Annotated[
        str | None, typer.Option(help="Of MLflow's server or store; by default $MLFLOW_TRACKING_URI, or MLflow's own.")
    ] = None,
    experiment: Annotated[str, typer.Option(help="MLflow experiment, made if it is not there.")] = "thinkrec",
) -> None:
    """Note a finished run in MLflow: its recipe as parameters, figures per stage and step, the table, the report.

    - `thinkrec track demo --uri http://localhost:5000`
    - `thinkrec track ml1m/mf --uri sqlite:///mlflow.db --experiment movielens`

    The same run is noted once, however often it is asked for. Needs MLflow: pip install 'thinkrec[mlflow]'.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.export.mlflow_tracking import MlflowTracking
    from thinkrec.export.tracking import read_tracked_run
    from thinkrec.run.folders import find_run_folder

    record = read_tracked_run(find_run_folder(run))
    run_id = MlflowTracking(uri, experiment).log_run(record)
    line = (
        f"MLflow run {run_id} in experiment {experiment}: {len(record.params)} parameters, {len(record.figures)} "
        f"figures, {len(record.files)} files"
    )
    show.make_console().print(Text(line), soft_wrap=True)
