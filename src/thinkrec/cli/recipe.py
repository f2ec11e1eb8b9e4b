"""`thinkrec recipe`: recipes, and what every key means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from thinkrec.cli.options import Overrides

if TYPE_CHECKING:
    from rich.table import Table

    from thinkrec.run.recipe_sections import RecipeSection


def recipe(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Name or YAML file.")] = None,
    overrides: Overrides = None,
    names: Annotated[bool, typer.Option("--list", help="List the recipes that come along.")] = False,
    keys: Annotated[bool, typer.Option("--keys", help="Explain every key.")] = False,
) -> None:
    """Print a recipe with every key filled in.

    - `thinkrec recipe demo > my.yaml`
    - `thinkrec recipe demo -o model.encoder.kind=sasrec`
    - `thinkrec recipe --list`
    - `thinkrec recipe --keys`
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.errors import RecipeError
    from thinkrec.run.recipe import dump_recipe
    from thinkrec.run.recipe_files import list_recipes, load_recipe
    from thinkrec.run.recipe_sections import list_recipe_sections

    console = show.make_console()
    if names:
        console.print(Text("\n".join(list_recipes())))
    if keys:
        for section in list_recipe_sections():
            console.print(_build_section_table(section))
    if name is not None:
        print(dump_recipe(load_recipe(name, overrides or [])), end="")
    elif not (names or keys):
        raise RecipeError("name a recipe, or ask for --list or --keys")


def _build_section_table(section: RecipeSection) -> Table:
    from rich.table import Table
    from rich.text import Text

    title = Text(", ".join(section.places) or "recipe", style="bold")
    title.append(f"  ({section.kind})" if section.kind else "").append(f"\n{section.text}", style="not bold")
    table = Table(title=title, title_justify="left", title_style="", expand=True)
    for heading, ratio in (("key", 2), ("type", 3), ("default", 2), ("meaning", 6)):
        table.add_column(heading, ratio=ratio, overflow="fold")
    for key in section.keys:
        table.add_row(Text(key.name, style="bold"), Text(key.type), Text(key.default), Text(key.text))
    return table
