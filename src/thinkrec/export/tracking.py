"""A finished run as an experiment tracker takes it: parameters, figures per stage and step, tags, files."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from thinkrec.errors import CheckpointError
from thinkrec.io.hashing import hash_json
from thinkrec.run.results import METRICS, REPORT
from thinkrec.run.stage import DONE

FILES = ("recipe.yaml", METRICS, "environment.json", REPORT)
"""Of the run's folder, passed on where they are there. The report shows titles and histories of the data."""
_STEPS = ("step", "epoch")


@dataclass(frozen=True)
class TrackedFigure:
    """One number of a stage or of the table."""

    name: str
    """Such as global/auc (on validation rows, at a step of a stage) or table/MF/auc (on test rows)."""
    value: float
    step: int = 0
    """Of training: the optimiser's steps or the epoch; 0 where the number belongs to no step."""


@dataclass(frozen=True)
class TrackedRun:
    """What is known of a finished run, for a tracker."""

    key: str
    """Hash of the recipe, the stages' keys and the table: equal runs have equal keys."""
    name: str
    params: Mapping[str, str]
    """The resolved recipe, key by key with dots between, values as JSON."""
    tags: Mapping[str, str]
    """environment.json: versions, commit, device."""
    figures: Sequence[TrackedFigure]
    files: Sequence[Path]


class TrackingCallback(Protocol):
    """Where finished runs are noted; `MlflowTracking` is one."""

    def log_run(self, run: TrackedRun) -> str:
        """Note a run, at most once for a key; returns where it can be looked at."""
        ...


def read_tracked_run(folder: Path) -> TrackedRun:
    """Read a finished run's folder; nothing is computed, and no model is opened.

    Numbers that JSON does not know (the loss before the first step) are left out. Raises CheckpointError where the
    folder has no recipe or no metrics.
    """
    for name in FILES[:2]:
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder / name} is missing; only finished runs are tracked: thinkrec run RECIPE")
    recipe = yaml.safe_load((folder / FILES[0]).read_text(encoding="utf-8"))
    metrics = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    stages = {
        path.parent.relative_to(folder).as_posix(): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob(DONE))
    }
    environment = folder / "environment.json"
    facts = json.loads(environment.read_text(encoding="utf-8")) if environment.is_file() else {}
    return TrackedRun(
        key=hash_json([recipe, {name: stage["key"] for name, stage in stages.items()}, metrics]),
        name=str(recipe.get("name") or folder.name),
        params={key: json.dumps(value, ensure_ascii=False) for key, value in _flatten_keys(recipe)},
        tags={name: str(value) for name, value in facts.items()},
        figures=[*_list_stage_figures(stages), *_list_table_figures(metrics)],
        files=[folder / name for name in FILES if (folder / name).is_file()],
    )


def _flatten_keys(value: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of everything that is no mapping, and of mappings without entries."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _flatten_keys(inner, f"{above}.{name}" if above else str(name))
    elif above:
        yield above, value


def _list_stage_figures(stages: Mapping[str, Mapping[str, Any]]) -> Iterator[TrackedFigure]:
    for stage, done in stages.items():
        yield TrackedFigure(f"{stage}/seconds", float(done["seconds"]))
        for place, record in enumerate(done.get("log", ())):
            step = next((record[name] for name in _STEPS if name in record), place)
            for name, value in record.items():
                if name not in _STEPS and _is_number(value):
                    yield TrackedFigure(f"{stage}/{name}", float(value), int(step))


def _list_table_figures(metrics: Mapping[str, Any]) -> Iterator[TrackedFigure]:
    """Test metrics with the ends of their 95 % intervals."""
    for row in metrics.get("rows", ()):
        for metric, estimate in row["estimates"].items():
            for part, ending in (("value", ""), ("low", "_low"), ("high", "_high")):
                if _is_number(estimate.get(part)):
                    yield TrackedFigure(f"table/{row['name']}/{metric}{ending}", float(estimate[part]))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def clean_names(names: Sequence[str]) -> dict[str, str]:
    """Each name with what trackers refuse replaced by `_` ("item mean + keywords": "item mean _ keywords").

    Two names that become one are numbered, so that none is lost.
    """
    cleaned: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        plain = re.sub(r"[^\w\-. /]", "_", name, flags=re.ASCII)
        chosen, number = plain, 1
        while chosen in taken:
            number += 1
            chosen = f"{plain}-{number}"
        taken.add(chosen)
        cleaned[name] = chosen
    return cleaned
