"""The folders of an export: a bare or merged backbone with extra rows, adapters beside it, and its scored pairs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from thinkrec.data.query import Query
from thinkrec.errors import DataError
from thinkrec.export.extra_tokens import ExtraTokens, add_extra_tokens, build_extra_tokens
from thinkrec.export.mixtures import build_peft_files, merge_mixture
from thinkrec.export.prototypes import PrototypeError, build_bank, compute_user_gates, format_errors, measure_banks
from thinkrec.export.scored_pairs import (
    PAIRS,
    ScoredPair,
    choose_pairs,
    render_query,
    score_with_gates,
    split_prompt,
    write_pairs,
)
from thinkrec.export.usage import write_usage
from thinkrec.io.files import write_json, write_tensors, write_text
from thinkrec.model.backbone import Backbone, load_backbone
from thinkrec.score.predictor import Predictor

Target = Literal["peft", "cross-encoder", "vllm", "merged"]
BASE, ADAPTERS, ASSIGNMENT, ERRORS = "base", "adapters", "prototype-of-user.json", "prototype-errors.json"
TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
"""A chat template that adds nothing: the query's text and then the document's."""


@dataclass(frozen=True)
class ExportReport:
    """What was written."""

    folder: Path
    adapters: tuple[str, ...]
    extra_tokens: int
    retokenized: int
    """Pairs whose text gives other token ids than the prompt has; 0 means that text serves as well as ids."""
    errors: tuple[PrototypeError, ...] = ()


def export_model(
    predictor: Predictor,
    folder: Path,
    target: Target,
    *,
    mixture: str = "mean",
    prototypes: int = 16,
    sizes: tuple[int, ...] = (),
) -> ExportReport:
    """Write what a predictor learned for another program.

    Args:
        predictor: of the trained variant.
        folder: new, empty, or an earlier export, which is replaced.
        target: for whom; `docs/how-to/export.md` says what each folder holds.
        mixture: of `merged` and `cross-encoder`: mean (of all users' mixtures), global, expert_1 and so on, or user:ID.
        prototypes: size of the bank of `vllm`.
        sizes: of banks whose error is measured too.

    Raises:
        DataError: where the run cannot be exported so (a prior on the score, several answer words, weights in few bits)
            or `folder` holds something else.
    """
    _check_exportable(predictor, target)
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / PAIRS).is_file())):
        raise DataError(f"{folder} holds something else than an export; give another folder, or remove it first")
    gates = _list_gates(predictor, target, mixture, prototypes)
    extra = build_extra_tokens(predictor)
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        report = _write_folder(predictor, beside, target, gates, extra, sizes)
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return ExportReport(folder, tuple(gates), len(extra.names), *report)


def _check_exportable(predictor: Predictor, target: Target) -> None:
    answers = predictor.recommender.answers
    if predictor.prior is not None:
        raise DataError("this run adds a prior to the model's score (score_prior), which no other program would add")
    if len(answers.positive) > 1:
        raise DataError("this run's template pools several answer words, and other programs compare one token with one")
    if predictor.option == "yes" and target == "vllm":
        raise DataError(
            "this run scores by logit(Yes) alone, which a server that gives log-probabilities cannot return"
        )
    if predictor.recommender.backbone.config.bits is not None:
        raise DataError("weights in few bits cannot be written as a folder for others; export from a run without bits")


def _list_gates(predictor: Predictor, target: Target, mixture: str, prototypes: int) -> dict[str, np.ndarray]:
    """Name of an adapter of the folder -> its mixture."""
    n = predictor.recommender.adapters.n_adapters
    plain = {("global" if k == 0 else f"expert_{k}"): np.eye(n)[k] for k in range(n)}
    if predictor.router is None:
        plain = {"global": np.eye(n)[0]}
    if target in ("peft", "vllm"):
        own = compute_user_gates(predictor)
        if target == "peft":
            return plain if len(plain) == 1 else {**plain, "mean": own.mean(axis=0)}
        bank = build_bank(own, prototypes)
        return plain | {f"prototype_{k}": gate for k, gate in enumerate(bank.gates)}
    if mixture == "mean":
        return {mixture: compute_user_gates(predictor).mean(axis=0)}
    if mixture in plain:
        return {mixture: plain[mixture]}
    users = {str(user): code for code, user in enumerate(predictor.ds.user_ids)}
    if mixture.startswith("user:") and (user := mixture.removeprefix("user:")) in users:
        return {mixture: predictor.compute_query_gate(Query.from_dataset(predictor.ds, users[user]))}
    raise DataError(
        f"there is no mixture {mixture!r}; choose mean, {', '.join(plain)}, or user:ID of a user in the data"
    )


def _write_folder(
    predictor: Predictor,
    folder: Path,
    target: Target,
    gates: Mapping[str, np.ndarray],
    extra: ExtraTokens,
    sizes: tuple[int, ...],
) -> tuple[int, tuple[PrototypeError, ...]]:
    """Write everything; returns how many pairs read otherwise as text, and the errors measured."""
    has_adapters = target in ("peft", "vllm")
    base_folder = folder / BASE if has_adapters else folder
    adapters = predictor.recommender.adapters
    base = load_backbone(predictor.recommender.backbone.config)
    if not has_adapters:
        merge_mixture(base.model, adapters, next(iter(gates.values())))
    token_ids = add_extra_tokens(base.model, base.tokenizer, extra)
    base.tokenizer.chat_template = TEMPLATE
    _save_base(base, base_folder)
    if has_adapters:
        for name, gate in gates.items():
            tensors, config = build_peft_files(adapters, gate, BASE)
            write_tensors(folder / ADAPTERS / name / "adapter_model.safetensors", tensors, metadata={"format": "pt"})
            write_json(folder / ADAPTERS / name / "adapter_config.json", config)
    pairs, retokenized = _build_pairs(predictor, gates, extra, token_ids, base, named=has_adapters)
    about = {
        "target": target,
        "answers": list(predictor.recommender.answers.written_pair),
        "option": predictor.option,
        "mixtures": {name: np.asarray(gate).tolist() for name, gate in gates.items()},
        "extra_tokens": len(extra.names),
    }
    errors: list[PrototypeError] = []
    if target == "vllm":
        own = compute_user_gates(predictor)
        banked = np.stack([gate for name, gate in gates.items() if name.startswith("prototype_")])
        nearest = ((own[:, None] - banked[None]) ** 2).sum(-1).argmin(axis=1)
        users = {str(u): f"prototype_{k}" for u, k in zip(predictor.ds.user_ids, nearest, strict=True)}
        write_json(folder / ASSIGNMENT, users)
        errors = measure_banks(predictor, own, tuple(sorted({len(banked), *sizes})))
        write_json(folder / ERRORS, {"errors": [asdict(error) for error in errors]})
    if target == "cross-encoder":
        write_modules(folder, about["answers"], predictor.option)
    write_usage(folder, about, pairs, format_errors(errors) if errors else "")
    write_pairs(folder, pairs, about)
    return retokenized, tuple(errors)


def _save_base(base: Backbone, folder: Path) -> None:
    base.model.save_pretrained(folder)
    base.tokenizer.save_pretrained(folder)


def _build_pairs(
    predictor: Predictor,
    gates: Mapping[str, np.ndarray],
    extra: ExtraTokens,
    token_ids: list[int],
    base: Backbone,
    *,
    named: bool,
) -> tuple[list[ScoredPair], int]:
    """Pairs scored in turns by the folder's mixtures, and how many read otherwise as text."""
    queries = choose_pairs(predictor)
    prompts = [render_query(predictor, query)[0] for query in queries]
    names = [list(gates)[place % len(gates)] for place in range(len(queries))]
    scores = score_with_gates(predictor, prompts, np.stack([gates[name] for name in names]))
    pairs, retokenized = [], 0
    for query, prompt, name, score in zip(queries, prompts, names, scores, strict=True):
        ids = extra.replace_placeholders(prompt, token_ids)
        text = base.tokenizer.decode(ids.tolist(), skip_special_tokens=False, clean_up_tokenization_spaces=False)
        assert isinstance(text, str)
        again = base.tokenizer(text, add_special_tokens=False)["input_ids"]
        retokenized += list(again) != ids.tolist()
        before, line = split_prompt(text)
        item = predictor.ds.items.ids[int(query.candidates[0])]
        adapter = name if named else ""
        pairs.append(ScoredPair(str(query.user), str(item), adapter, before, line, tuple(ids.tolist()), float(score)))
    return pairs, retokenized


def write_modules(folder: Path, answers: list[int], option: str) -> None:
    """What makes a merged model a sentence-transformers `CrossEncoder` whose score is logit(Yes) - logit(No)."""
    kind = "sentence_transformers"
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": f"{kind}.base.modules.transformer.Transformer"},
        {"idx": 1, "name": "1", "path": "1_LogitScore", "type": f"{kind}.cross_encoder.modules.logit_score.LogitScore"},
    ]
    write_text(folder / "modules.json", json.dumps(modules, indent=2) + "\n")
    read = {"method": "forward", "method_output_name": "logits"}
    written: dict[str, Any] = {
        "transformer_task": "text-generation",
        "modality_config": {"text": read, "message": {**read, "format": "flat"}},
        "module_output_name": "causal_logits",
    }
    write_json(folder / "sentence_bert_config.json", written)
    score = {
        "true_token_id": answers[0],
        "false_token_id": answers[1] if option == "difference" else None,
        "module_input_name": "causal_logits",
    }
    write_json(folder / "1_LogitScore" / "config.json", score)
    config = {
        "model_type": "CrossEncoder",
        "prompts": {},
        "default_prompt_name": None,
        "activation_fn": "torch.nn.modules.linear.Identity",
    }
    write_json(folder / "config_sentence_transformers.json", config)
