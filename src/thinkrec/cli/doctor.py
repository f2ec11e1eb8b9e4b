"""`thinkrec doctor`: what this machine has and lacks."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    speed: Annotated[
        bool, typer.Option("--speed", help="Also measure tokens/s of scoring and training: loading and some 5 seconds.")
    ] = False,
    backbone: Annotated[
        str, typer.Option("--backbone", help="Whose speed: auto, nano, smollm2, a folder, a .gguf file, a hub name.")
    ] = "auto",
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"], typer.Option(help="Number format in which --speed measures.")
    ] = "auto",
) -> None:
    """Check this machine: versions, devices, memory, language models, data; every problem with its remedy.

    - `thinkrec doctor`
    - `thinkrec doctor --speed --backbone smollm2`, and with `--dtype bfloat16` beside it
    - `thinkrec doctor --json > machine.json`
    """
    import json

    from thinkrec import doctor as machine
    from thinkrec.cli import show

    info = machine.collect_system_info()
    if speed:
        info["speed"] = machine.measure_backbone_speed(backbone, dtype)
    if as_json:
        print(json.dumps(info, indent=2))
    else:
        show.make_console().print(machine.render_system_info(info))
    raise typer.Exit(1 if any(problem["level"] == "error" for problem in info["problems"]) else 0)
