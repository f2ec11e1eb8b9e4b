"""`thinkrec data download`: a published data set brought to a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def download(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `thinkrec data list` has it.")],
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the files go; made if need be.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of lines.")] = False,
) -> None:
    """Download a published data set, verify it by its publisher's checksum, and unpack it.

    - `thinkrec data download movielens-1m --to data/movielens-1m`

    Stopped or cut off, the same command goes on where it was. A file that is in FOLDER already is verified and not
    loaded again. Where the publisher names no checksum, the SHA-256 of what came is printed. The publisher's terms
    hold: `thinkrec data show NAME` says them.
    """
    import json
    from dataclasses import asdict

    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.data.loaders.fetch import download_source
    from thinkrec.data.loaders.registry import find_source

    source = find_source(name)
    console = show.make_console()
    if not as_json:
        console.print(Text(f"terms: {source.licence} ({source.page})"), soft_wrap=True)
    files = download_source(source, to, progress=True)
    if as_json:
        typer.echo(json.dumps({"name": name, "folder": str(to), "files": [asdict(f) for f in files]}, default=str))
        return
    for file in files:
        console.print(Text(file.describe()), soft_wrap=True)
    console.print(Text(f"in a recipe: data: {{kind: source, name: {name}, folder: {to}}}"), soft_wrap=True)
