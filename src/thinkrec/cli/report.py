"""`thinkrec report`: metrics and report of a finished run, written again."""

from __future__ import annotations

from thinkrec.cli.options import RunName


def report(run: RunName) -> None:
    """Write the metrics and the report of a finished run again; prints where the report is.

    Nothing is trained, whatever changed since.

    - `thinkrec report demo`
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.run import saved_model
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.layout import lock_run_folder
    from thinkrec.run.results import find_prediction_folders, finish_run

    folder = find_run_folder(run)
    opened = saved_model.open_run(folder, progress=True)
    with lock_run_folder(folder):
        done = finish_run(opened, find_prediction_folders(opened))
    show.make_console().print(Text(str(done.report_path)), soft_wrap=True)
