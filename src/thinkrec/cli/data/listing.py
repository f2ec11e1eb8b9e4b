"""`thinkrec data list`: every published data set that this package reads."""

from __future__ import annotations

from typing import Annotated

import typer


def list_sources(
    as_json: Annotated[bool, typer.Option("--json", help="Print everything that is known, as JSON.")] = False,
) -> None:
    """List the published data sets that this package reads: size, checksum, terms, recipes.

    - `thinkrec data list`
    - `thinkrec data list --json`

    Nothing is downloaded. `thinkrec data show NAME` prints addresses and the usual protocol.
    """
    import json

    from rich.table import Table
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.cli.data.describing import describe_source, format_file
    from thinkrec.data.loaders.registry import SOURCES

    if as_json:
        typer.echo(json.dumps([describe_source(source) for source in SOURCES.values()], indent=2))
        return
    table = Table()
    for heading in ("name", "what, on whose terms", "files to download", "reader and recipes"):
        table.add_column(heading, overflow="fold")
    for source in SOURCES.values():
        facts = describe_source(source)
        files = "\n".join(map(format_file, facts["files"])) or f"by hand: {source.page}"
        readers = "\n".join((facts["reader"].removeprefix("thinkrec.data.loaders."), *facts["recipes"]))
        table.add_row(*map(Text, (source.name, f"{source.title}; {source.licence}", files, readers)))
        table.add_section()
    console = show.make_console()
    console.print(table)
    console.print(Text("`thinkrec data show NAME`: protocol, terms, counts; `thinkrec data download NAME --to FOLDER`"))
