"""`thinkrec data show`: what is known of one published data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkrec.io.counts import format_count

if TYPE_CHECKING:
    from thinkrec.data.loaders.source import Source


def show_source(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `thinkrec data list` has it.")],
    folder: Annotated[
        Path | None, typer.Option(help="Unpacked files to read: their rows are compared with the published number.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of lines.")] = False,
) -> None:
    """Print addresses, sizes, checksums, terms, the reader and the usual protocol of one data set.

    - `thinkrec data show yelp`
    - `thinkrec data show movielens-1m --folder data/movielens-1m`

    With --folder the files are read whole, as a run does.
    """
    import json

    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.cli.data.describing import describe_source
    from thinkrec.data.loaders.registry import find_source

    source = find_source(name)
    facts = describe_source(source)
    if folder is not None:
        facts["read"] = read_rows(source, folder)
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    console = show.make_console()
    console.print(show.build_fact_table(source.title, list_facts(source, facts)))
    if folder is not None:
        console.print(Text(facts["read"]["sentence"]))


def read_rows(source: Source, folder: Path) -> dict[str, Any]:
    """Rows and items of unpacked files, and whether the rows are as many as published."""
    rows, items = (len(table) for table in source.read(folder))
    counted = f"{format_count(rows, 'row')} and {format_count(items, 'item')}"
    if source.full_rows is None:
        sentence = f"{counted}; no number of rows is published for what this file may hold"
    elif rows == source.full_rows:
        sentence = f"{counted}: as many rows as published"
    else:
        sentence = f"{counted}, where the published file has {source.full_rows:,} rows"
    return {"folder": str(folder), "rows": rows, "items": items, "sentence": sentence}


def list_facts(source: Source, facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Pairs of a name and a value, for people."""
    from thinkrec.cli.data.describing import format_file
    from thinkrec.run.data_sources import list_data_folders

    lines = [("page", source.page), ("terms", source.licence)]
    lines += [("file", format_file(file)) for file in facts["files"]]
    if not facts["files"]:
        lines.append(("file", "to be fetched by hand, on its page"))
    if source.remark:
        lines.append(("note", source.remark))
    liked = "every row" if source.is_implicit else "as the file says"
    lines.append(("liked", liked if source.threshold is None else f"rating > {source.threshold:g}"))
    lines.append(("split", ", ".join(f"{key}: {value}" for key, value in facts["split"].items())))
    if source.activity:
        lines.append(("activity", f"users and items with more than {source.activity} rows"))
    if source.full_rows is not None:
        lines.append(("rows", f"{source.full_rows:,}"))
    if source.expected_rows is not None:
        lines.append(("rows per split", ", ".join(f"{key} {n:,}" for key, n in source.expected_rows.items())))
    lines.append(("reader", facts["reader"]))
    lines.append(("recipes", ", ".join(facts["recipes"]) or "none; `data: {kind: source, name: ...}` in your own"))
    place = list_data_folders(source.folder or source.name)[0]
    lines.append(("looked for in", f"{place} ({'there' if place.is_dir() else 'not there'})"))
    return lines
