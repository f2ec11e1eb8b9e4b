"""Open an export as its users will, and compare its scores with those it carries."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from thinkrec.errors import CheckpointError, RecipeError
from thinkrec.export.folders import ADAPTERS, BASE
from thinkrec.export.scored_pairs import PAIRS, TOLERANCE, ScoredPair, compare_scores


def read_pairs(folder: Path) -> tuple[dict[str, Any], list[ScoredPair]]:
    """What an export says it is, and its pairs. Raises CheckpointError where they are missing or unreadable."""
    path = folder / PAIRS
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        pairs = [ScoredPair(**{**entry, "ids": tuple(entry["ids"])}) for entry in about.pop("pairs")]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is no readable list of scored pairs ({error}); export again") from error
    if not pairs:
        raise CheckpointError(f"{path} holds no pairs, so that nothing can be compared; export again")
    return about, pairs


def check_export(folder: Path, tolerance: float = TOLERANCE) -> dict[str, float]:
    """Way of asking (token ids, text, predict, rank) -> the largest difference to the exported scores, in logits.

    Raises CheckpointError naming the worst pair where one is above `tolerance`, or where the folder cannot be opened;
    RecipeError where the program it is for is not installed.
    """
    about, pairs = read_pairs(folder)
    scorers = {"cross-encoder": _score_by_cross_encoder, "merged": _score_merged}
    score = scorers.get(about.get("target", ""), _score_by_adapters)
    try:
        answers = score(folder, about, pairs)
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{folder} cannot be opened: {error}; export again") from error
    return {way: compare_scores(pairs, np.array(s), tolerance, f"{folder} ({way})") for way, s in answers.items()}


def _score_by_cross_encoder(folder: Path, about: dict[str, Any], pairs: Sequence[ScoredPair]) -> dict[str, list[float]]:
    module = _load_package("sentence_transformers")
    model = module.CrossEncoder(str(folder), device="cpu", local_files_only=True)
    predicted = model.predict([(pair.query, pair.document) for pair in pairs], show_progress_bar=False)
    ranked = []
    for place, pair in enumerate(pairs):
        # With another pair's line as second document, so that `rank` has something to order.
        other = pairs[(place + 1) % len(pairs)].document
        results = model.rank(pair.query, [pair.document, other], show_progress_bar=False)
        ranked.append(next(float(result["score"]) for result in results if result["corpus_id"] == 0))
    return {"predict": [float(s) for s in predicted], "rank": ranked}


def _score_merged(folder: Path, about: dict[str, Any], pairs: Sequence[ScoredPair]) -> dict[str, list[float]]:
    model, tokenizer = _open_base(folder)
    return _score_both_ways(model, tokenizer, about, pairs, lambda pair: None)


def _score_by_adapters(folder: Path, about: dict[str, Any], pairs: Sequence[ScoredPair]) -> dict[str, list[float]]:
    peft = _load_package("peft")
    base, tokenizer = _open_base(folder / BASE)
    names = list(dict.fromkeys(pair.adapter for pair in pairs))
    model = peft.PeftModel.from_pretrained(base, str(folder / ADAPTERS / names[0]), adapter_name=names[0])
    for name in names[1:]:
        model.load_adapter(str(folder / ADAPTERS / name), adapter_name=name)
    model.eval()
    return _score_both_ways(model, tokenizer, about, pairs, lambda pair: model.set_adapter(pair.adapter))


def _load_package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.replace("_", "-")
        raise RecipeError(f"the export is compared by means of {package}; pip install {package}") from error


def _open_base(folder: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    return model.eval(), AutoTokenizer.from_pretrained(folder, local_files_only=True)


@torch.no_grad()
def _score_both_ways(
    model: Any, tokenizer: Any, about: dict[str, Any], pairs: Sequence[ScoredPair], choose: Callable[[ScoredPair], None]
) -> dict[str, list[float]]:
    yes, no = about["answers"]
    scores: dict[str, list[float]] = {"token ids": [], "text": []}
    for pair in pairs:
        choose(pair)
        read = tokenizer(pair.query + pair.document, add_special_tokens=False)["input_ids"]
        for way, ids in (("token ids", list(pair.ids)), ("text", list(read))):
            logits = model(input_ids=torch.tensor([ids])).logits[0, -1].float()
            score = logits[yes] - logits[no] if about["option"] == "difference" else logits[yes]
            scores[way].append(float(score))
    return scores
