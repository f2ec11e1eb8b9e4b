"""`thinkrec table`: one table of several runs."""

from __future__ import annotations

from typing import Annotated

import typer


def table(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Finished runs on the same rows.")],
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """One table of several runs.

    - `thinkrec table ml1m/mf ml1m/boosting`
    - `thinkrec table ml1m/mf ml1m/boosting --markdown > table.md`
    """
    from thinkrec.cli import show
    from thinkrec.evaluate.joined_results import join_results
    from thinkrec.evaluate.results import read_metrics
    from thinkrec.evaluate.table import render_markdown, render_results
    from thinkrec.run.folders import find_run_folder

    joined = join_results([(name, read_metrics(find_run_folder(name) / "metrics.json")) for name in runs])
    if markdown:
        print(render_markdown(joined), end="")
    else:
        show.make_console().print(render_results(joined, title="Results"))
