"""`thinkrec data list | show | download`: the published data sets that this package reads, and how to get them."""

from __future__ import annotations

import typer

from thinkrec.cli.data import downloading, listing, showing

group = typer.Typer(name="data", no_args_is_help=True, rich_markup_mode="markdown")


@group.callback()
def about() -> None:
    """Published data sets: what there is, on whose terms, and how to get it.

    - `thinkrec data list`
    - `thinkrec data show movielens-1m`
    - `thinkrec data download movielens-1m --to data/movielens-1m`
    """


group.command("list")(listing.list_sources)
group.command("show")(showing.show_source)
group.command("download")(downloading.download)
