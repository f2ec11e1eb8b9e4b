"""What a search found: a table of its trials, and the best one as a recipe that extends the one searched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from thinkrec.evaluate.number_format import format_number
from thinkrec.io.files import write_text
from thinkrec.io.settings import parse_settings, set_key
from thinkrec.run.recipe_files import EXTENDS, find_recipe, list_recipes, load_recipe
from thinkrec.study.markdown import escape_markdown
from thinkrec.study.search import Trial, find_best_trial

TABLE, BEST = "search.md", "best.yaml"


def write_search(recipe: str, overrides: Sequence[str], trials: Sequence[Trial], folder: Path) -> tuple[Path, Path]:
    """Write search.md and best.yaml; returns both paths. Raises RecipeError where no trial succeeded."""
    best = find_best_trial(trials)
    write_text(folder / TABLE, render_search(recipe, trials))
    write_text(folder / BEST, build_best_recipe(recipe, overrides, best))
    return folder / TABLE, folder / BEST


def describe_search(trials: Sequence[Trial]) -> str:
    """The best trial in a sentence, with what its figure is worth."""
    best = find_best_trial(trials)
    done = [trial for trial in trials if trial.failure is None]
    settings = ", ".join(f"{key} {value}" for key, value in best.values.items())
    return (
        f"Best of {len(done)} trials on validation rows: trial {best.number} ({settings}), AUC "
        f"{format_number(best.metrics['auc'])}, UAUC {format_number(best.metrics['uauc'])}. The best of many is partly "
        "luck: what it is worth shows on test rows, in a study beside the recipe as it stood."
    )


def render_search(recipe: str, trials: Sequence[Trial]) -> str:
    """All trials as Markdown, the best first, those that failed last; ends with a newline."""
    keys = list(dict.fromkeys(key for trial in trials for key in trial.values))
    head = ["trial", *map(escape_markdown, keys), "AUC", "UAUC", "criterion"]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    done = sorted((trial for trial in trials if trial.failure is None), key=lambda trial: -trial.score)
    for trial in done:
        figures = [trial.metrics["auc"], trial.metrics["uauc"], trial.score]
        lines.append([str(trial.number), *_format_values(trial, keys), *map(format_number, figures)])
    for trial in (trial for trial in trials if trial.failure is not None):
        lines.append(
            [str(trial.number), *_format_values(trial, keys), escape_markdown(f"failed: {trial.failure}"), "", ""]
        )
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"# Search: {escape_markdown(recipe)}\n\n{escape_markdown(describe_search(trials))}\n\n{table}\n"


def build_best_recipe(recipe: str, overrides: Sequence[str], best: Trial) -> str:
    """YAML of a recipe that extends the one searched, with the overrides and the best values."""
    name = load_recipe(recipe, overrides).name
    base = recipe if recipe in list_recipes() else str(find_recipe(recipe).resolve())
    content: dict[str, Any] = {EXTENDS: base}
    parse_settings(content, overrides, "override", "key=value")
    for key, value in best.values.items():
        set_key(content, key, value, "search")
    content["name"] = f"{name}-searched"
    head = f"# The best of a search on validation rows: trial {best.number}.\n"
    return head + yaml.safe_dump(content, sort_keys=False)


def _format_values(trial: Trial, keys: Sequence[str]) -> list[str]:
    values = [trial.values.get(key, "-") for key in keys]
    return [escape_markdown(f"{value:.4g}" if isinstance(value, float) else str(value)) for value in values]
