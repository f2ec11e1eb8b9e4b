"""`thinkrec export`: what a run learned, in a folder that another program opens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from thinkrec.io.counts import format_count


def export(
    run: Annotated[
        str | None,
        typer.Argument(help="Folder of a run or a saved recommender, or a name under runs/.", show_default=False),
    ] = None,
    out: Annotated[Path | None, typer.Argument(help="Folder that is written.", show_default=False)] = None,
    to: Annotated[
        Literal["peft", "cross-encoder", "vllm", "merged"], typer.Option(help="The program that will open the folder.")
    ] = "cross-encoder",
    model: Annotated[
        str | None, typer.Option(help="Variant of the run, such as global; by default the one that answers.")
    ] = None,
    mixture: Annotated[
        str,
        typer.Option(help="Of one merged model: mean of all users' mixtures, global, expert_1 and so on, or user:ID."),
    ] = "mean",
    prototypes: Annotated[int, typer.Option(min=1, help="Mixtures in the bank of vllm.")] = 16,
    sizes: Annotated[str, typer.Option(help="Further sizes of the bank whose error is measured, such as 1,4,64.")] = "",
    check: Annotated[
        Path | None, typer.Option(help="Write nothing: open an export and compare its scores with those it carries.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0, help="Largest difference that counts as equal; half precision needs more.")
    ] = 1e-4,
) -> None:
    """Write a run for PEFT, sentence-transformers, vLLM or Transformers, and see that it gives the same scores.

    - `thinkrec export demo reranker --to cross-encoder`
    - `thinkrec export demo adapters --to peft`
    - `thinkrec export demo served --to vllm --prototypes 16 --sizes 1,4,64`
    - `thinkrec export --check reranker`
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.errors import RecipeError
    from thinkrec.export.check import check_export
    from thinkrec.export.folders import export_model
    from thinkrec.export.prototypes import format_errors

    console = show.make_console()
    if check is not None:
        _print_differences(check, check_export(check, tolerance))
        return
    if run is None or out is None:
        raise RecipeError("give a run and the folder to write, or --check and the folder of an export")

    from thinkrec.api import ThinkRec
    from thinkrec.run.folders import find_run_folder

    opened = ThinkRec.load(find_run_folder(run), progress=True)
    if model is not None:
        opened.choose_stage(model)
    try:
        numbers = tuple(int(part) for part in sizes.split(",") if part.strip())
    except ValueError:
        raise RecipeError(f"--sizes {sizes} are no whole numbers; give them as in 1,4,64") from None
    done = export_model(opened.predictor, out, to, mixture=mixture, prototypes=prototypes, sizes=numbers)
    line = (
        f"{to}: {done.folder} ({format_count(len(done.adapters), 'mixture')}, "
        f"{format_count(done.extra_tokens, 'extra token')})"
    )
    console.print(Text(line), soft_wrap=True)
    if done.retokenized:
        note = f"{done.retokenized} of its pairs read otherwise as text: use token ids with this tokenizer"
        console.print(Text(note), soft_wrap=True)
    if done.errors:
        console.print(Text(format_errors(list(done.errors))), soft_wrap=True)
    _print_differences(out, check_export(out, tolerance))


def _print_differences(folder: Path, differences: dict[str, float]) -> None:
    """One line per way of asking."""
    from rich.text import Text

    from thinkrec.cli import show

    for way, difference in differences.items():
        text = f"{folder}, by {way}: largest difference {difference:.1e}"
        show.make_console().print(Text(text), soft_wrap=True)
