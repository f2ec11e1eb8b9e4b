"""The card of a saved model: what it was trained on, how well it ranks, what it cannot do; read from the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, TRAIN, VALID
from thinkrec.run.recipe import Recipe
from thinkrec.run.variants import find_row, get_final_variant
from thinkrec.train.model_config import ThinkRecConfig

CARD = "README.md"
_METRICS = {"auc": "AUC", "uauc": "UAUC", "ndcg": "NDCG@{k}", "map": "MAP@{k}"}


def build_model_card(recipe: Recipe, ds: Dataset, folder: Path, licence: str = "unknown") -> str:
    """Markdown with YAML in front, as the Hugging Face hub reads it.

    Args:
        recipe: of the run.
        ds: the data of the training.
        folder: of the run; its metrics.json and environment.json are read where they are there.
        licence: as the hub abbreviates it, of what is passed on; nothing in a run says it.
    """
    metrics, environment = _read_json(folder / "metrics.json"), _read_json(folder / "environment.json")
    assert isinstance(recipe.model, ThinkRecConfig), "only a language model is saved"
    front = {"library_name": "thinkrec", "license": licence, "tags": ["recommender", "explanations", "lora"]}
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---",
        f"# {recipe.name}",
        "A recommender of the package thinkrec: it ranks items for a user and says why. "
        "This card was generated from the run.",
        "## How to use it",
        '```python\nfrom thinkrec import ThinkRec\n\nmodel = ThinkRec.from_pretrained("FOLDER or hub id")\n'
        f"model.rank(user={ds.user_ids[0]!r}, top=3, reasons=True)\n```",
        "The folder holds user and item ids, and the ratings unless they were left out; `from_pretrained` then needs "
        "`data=`. It compares the scores of the pairs in `scored-pairs.json` with those that were saved.",
        "## Data",
        _describe_data(ds),
        "## Metrics",
        _describe_metrics(recipe, metrics),
        "## Model",
        _describe_model(recipe.model, environment),
        "## Licence",
        f"Of this folder: {licence}. The backbone `{recipe.model.backbone.source}` and the data keep their own "
        "licences; the run does not record them.",
        "## Limits",
        _describe_limits(metrics),
    ]
    return "\n\n".join(parts) + "\n"


def _describe_data(ds: Dataset) -> str:
    interactions, domain = ds.interactions, ds.domain
    counts = {
        name: len(interactions.get_split_rows(s)) for name, s in (("train", TRAIN), ("valid", VALID), ("test", TEST))
    }
    liked = float(interactions.label.mean()) if len(interactions) else 0.0
    threshold = "labels as given" if ds.threshold is None else f"liked means rating > {ds.threshold:g}"
    rows = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    return (
        f"{len(ds.user_ids):,} {domain.user}s, {len(ds.items):,} {domain.items}, {len(interactions):,} rows ({rows}); "
        f"{liked:.1%} liked ({threshold}). Fingerprint `{ds.compute_fingerprint()}`."
    )


def _describe_metrics(recipe: Recipe, metrics: dict[str, Any] | None) -> str:
    if metrics is None:
        return "None were measured: the model was fitted, and no test rows were scored."
    assert isinstance(recipe.model, ThinkRecConfig)
    own = find_row(recipe, get_final_variant(recipe.model))
    names = [key for key in _METRICS if any(key in row["estimates"] for row in metrics["rows"])]
    lines = [
        "| model | " + " | ".join(_METRICS[key].format(k=metrics["k"]) for key in names) + " |",
        "| --- |" + " ---: |" * len(names),
    ]
    for row in metrics["rows"]:
        mark = "**" if row["name"] == own else ""
        cells = [_format_estimate(row["estimates"].get(key)) for key in names]
        lines.append(f"| {mark}{row['name']}{mark} | " + " | ".join(cells) + " |")
    about = (
        f"{metrics['n_rows']:,} test rows of {metrics['n_users']:,} users; brackets are {metrics['level']:.0%} "
        f"intervals from {metrics['draws']:,} bootstrap draws over users. This model is the row in bold."
    )
    return about + "\n\n" + "\n".join(lines)


def _format_estimate(estimate: dict[str, float] | None) -> str:
    if estimate is None or estimate.get("value") is None:
        return "undefined"
    low, high = estimate.get("low"), estimate.get("high")
    between = "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"
    return f"{estimate['value']:.3f}{between}"


def _describe_model(model: ThinkRecConfig, environment: dict[str, Any] | None) -> str:
    lora = model.adapters
    text = (
        f"Backbone `{model.backbone.source}`, LoRA of rank {lora.rank} on {', '.join(lora.targets)}, "
        f"{model.groups.n_groups} groups of users, prompt `{model.prompt.template}`."
    )
    if environment:
        known = [
            f"{key} {environment[key]}" for key in ("thinkrec", "commit", "torch", "device") if environment.get(key)
        ]
        text += f" Trained with {', '.join(known)}."
    return text


def _describe_limits(metrics: dict[str, Any] | None) -> str:
    lines = [
        "- Users and items that came after the training have the vector of the unknown; their past and texts are read.",
        "- A reason may be worse than the ranking it stands beside: by default its text is shown only where nothing "
        "untrue can be read in it, else rules write one, marked as theirs.",
        "- Ratings of users lie in the folder, unless left out, and what was learned of them lies in the weights.",
    ]
    for remark in (metrics or {}).get("remarks", []):
        lines.append(f"- {remark if isinstance(remark, str) else remark.get('text', remark)}")
    sentence = ((metrics or {}).get("verdict") or {}).get("sentence")
    if sentence:
        lines.append(f"- {sentence}")
    return "\n".join(lines)


def _read_json(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
