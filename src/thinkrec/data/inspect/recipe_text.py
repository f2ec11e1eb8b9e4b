"""A recipe, as text of a YAML file, that runs on inspected tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from thinkrec.data.inspect.inspection import Inspection
from thinkrec.data.inspect.model_kind import ModelKind
from thinkrec.errors import DataError

DEMO_GROUPS = 3
"""Groups of users in the recipe `demo`, which written recipes extend."""


def build_recipe_text(inspection: Inspection, path: Path, model: ModelKind, command: str) -> str:
    """The recipe with the settings that were found, how to launch it, and why each was chosen.

    Raises DataError where the tables are not good enough for any.
    """
    if inspection.config is None or inspection.list_open_problems():
        raise DataError(f"{path}: no recipe was written, because a run on these tables would stop; see the problems.")
    data = inspection.config.dump_given_keys()
    for key in ("interactions", "items"):
        data[key] = str(Path(data[key]).absolute())
    whys = {proposal.key: proposal.why for proposal in inspection.proposals}
    lines = [f"# Written by `{command}`; launch it with", f"#   thinkrec run {path}"]
    lines += ["extends: demo"] if model == "thinkrec" else []
    lines += [f"name: {path.stem}", "data:"]
    for key, value in data.items():
        why = f" # {whys[key]}" if key in whys else ""
        lines.append(f"  {key}: {_dump_value(value)}{why}")
    if model == "thinkrec" and inspection.facts is not None and inspection.facts.train_users < DEMO_GROUPS:
        groups = max(1, inspection.facts.train_users)
        lines += ["model:", f"  groups: {{n_groups: {groups}}} # no more than users with a train row"]
    if model != "thinkrec":
        lines += ["model:", f"  kind: {model}"]
    return "\n".join(lines) + "\n"


def _dump_value(value: Any) -> str:
    """A value on one line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")
