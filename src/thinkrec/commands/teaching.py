"""`run_reason_command`: reasons from a teacher, for any recipe's data."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from thinkrec.commands import show
from thinkrec.data.output_tables import check_writable, write_table
from thinkrec.errors import RecipeError
from thinkrec.io.files import write_json
from thinkrec.io.settings import explain_validation_error, set_key
from thinkrec.reasons import output, questions, summary
from thinkrec.reasons.choose import choose_rows
from thinkrec.reasons.config import SynthesisConfig
from thinkrec.reasons.estimate import CostEstimate, estimate_cost
from thinkrec.reasons.store import AttemptStore
from thinkrec.reasons.synthesis import Synthesis
from thinkrec.run.data_sources import load_data
from thinkrec.run.recipe_files import load_recipe
from thinkrec.teacher.build import build_teacher, format_teacher_name
from thinkrec.teacher.client import TeacherStoppedError, Usage


def run_reason_command(
    name: str,
    config: Path | None,
    given: Mapping[str, Any],
    out: Path | None,
    store: Path | None,
    dry_run: bool,
) -> None:
    """`thinkrec reason`. `given`: dotted keys of `SynthesisConfig` -> value, None where the option was not named.

    Raises TeacherStoppedError, after the table and the report were written, where the teacher refuses; a spent budget
    is no error.
    """
    recipe = load_recipe(name)
    settings = read_config(config, given)
    ds, _ = load_data(recipe.data)
    questions.check_text_columns(ds, settings.texts)
    folder = Path("reasons") / recipe.name
    out, store = out or folder / "reasons.parquet", store or folder / "attempts.jsonl"
    check_writable(out)
    rows = choose_rows(ds, settings)
    console = show.make_console()
    if dry_run:
        with AttemptStore(store, write=False) as kept:
            synthesis = Synthesis(ds, settings, format_teacher_name(settings.teacher), kept)
            cases = [synthesis.get_row_state(int(row)) for row in rows]
        console.print(build_estimate_table(estimate_cost(cases, settings), settings))
        return
    began, stop = time.monotonic(), None
    with AttemptStore(store) as kept:
        teacher = build_teacher(settings.teacher, ds, spent=kept.sum_usage(format_teacher_name(settings.teacher)))
        synthesis = Synthesis(ds, settings, teacher.name, kept)
        try:
            synthesis.run(rows, teacher, progress=True)
        except TeacherStoppedError as error:
            stop = error
        cases = [synthesis.get_row_state(int(row)) for row in rows]
        found = summary.summarise_outcomes(
            synthesis, cases, settings, seconds=time.monotonic() - began, stopped=str(stop) if stop else None
        )
    write_table(output.build_reason_table(ds, cases, settings), out)
    report = out.with_suffix(".report.json")
    write_json(report, {**found.to_dict(), "config": settings.model_dump(mode="json"), "recipe": recipe.name})
    console.print(_build_table("Reasons", summary.format_summary_lines(found)))
    console.print(Text(f"reasons:  {out}\nreport:   {report}\nattempts: {store}"))
    if stop is not None and not stop.budget:
        raise stop


def read_config(path: Path | None, given: Mapping[str, Any]) -> SynthesisConfig:
    """The config of a YAML file, if there is one, with the options that were given over it.

    Raises RecipeError naming every wrong key.
    """
    content: Any = {}
    source = "options"
    if path is not None:
        source = str(path)
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise RecipeError(f"{path} cannot be read as YAML: {error}") from error
        if not isinstance(content, dict) or not isinstance(content.get("teacher", {}), dict):
            raise RecipeError(f"{path} must hold keys and values, such as `teacher: {{kind: rules}}`")
    options = {key: value for key, value in given.items() if value is not None}
    kind = options.get("teacher.kind")
    if kind is not None and content.get("teacher", {}).get("kind", kind) != kind:
        # Settings of another kind of teacher would only be refused.
        content = {**content, "teacher": {}}
    for key, value in options.items():
        set_key(content, key, value, source)
    if not content.get("teacher", {}).get("kind"):
        raise RecipeError("who shall teach? Give --teacher api, local or rules, or a --config with teacher.kind")
    if content["teacher"]["kind"] == "rules" and "max_history" in content:
        content["teacher"].setdefault("history_length", content["max_history"])
    try:
        return SynthesisConfig.model_validate(content)
    except ValidationError as error:
        raise explain_validation_error(error, source) from error


def build_estimate_table(found: CostEstimate, config: SynthesisConfig) -> Table:
    """What a dry run prints."""

    def amount(usage: Usage) -> str:
        if config.teacher.kind != "api":
            money = ""
        elif found.has_prices:
            money = f", {usage.cost:,.2f} in money"
        else:
            money = ", money unknown (give --price-in and --price-out, per million tokens)"
        tokens = f"{usage.prompt_tokens:,} prompt + {usage.completion_tokens:,} answer tokens"
        return f"{usage.requests:,} requests, {tokens}{money}"

    how = f"measured on {found.n_measured:,} answers in the store" if found.n_measured else "assumed"
    return _build_table(
        "Before the start: nothing was asked",
        [
            ("teacher", format_teacher_name(config.teacher)),
            ("rows", f"{found.rows:,}, of which {found.n_finished:,} need no more asking"),
            ("tokens of an answer", f"{found.answer_tokens:,.0f} ({how})"),
            ("right verdicts", f"{found.accuracy:.0%} ({how})"),
            ("one answer each", amount(found.single_attempt)),
            ("expected", amount(found.expected)),
            ("at most", amount(found.maximum)),
        ],
    )


def _build_table(title: str, lines: list[tuple[str, str]]) -> Table:
    table = Table(title=Text(title), title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("how much", overflow="fold")
    for what, much in lines:
        table.add_row(Text(what), Text(much))
    return table
