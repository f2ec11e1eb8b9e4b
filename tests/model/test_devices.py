"""Apple's GPUs have no 64-bit numbers: results become doubles on the CPU."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from support.tiny_lm import make_prompts, make_recommender
from torch.overrides import TorchFunctionMode

from thinkrec.engine.frozen_cache import FrozenActivationCache
from thinkrec.engine.parts import set_trainable_parts
from thinkrec.score.ranker import score_prompts, score_shared_prefixes

SOURCE = Path(__file__).resolve().parents[2] / "src"
DOUBLES = {"float64", "double"}
ON_CPU = {"src/thinkrec/collab/features/slot_encoder.py", "src/thinkrec/engine/capabilities.py"}
"""Files that name torch.float64 for tensors of the CPU: what a file holds, and the key of a tolerance."""


def on_device(node: ast.AST) -> bool:
    """Whether an expression makes a double of a tensor that may be on any device."""
    if isinstance(node, ast.Attribute) and node.attr == "double":
        held = node.value
        return not (isinstance(held, ast.Call) and isinstance(held.func, ast.Attribute) and held.func.attr == "cpu")
    return isinstance(node, ast.Attribute) and node.attr == "float64" and ast.unparse(node.value) == "torch"


def test_the_rule_finds_what_it_should() -> None:
    wrong = ("x.double()", "x.double().cpu()", "f(x[0]).double()", "x.to(torch.float64)", "x.to(torch.double)")
    right = ("x.cpu().double()", "x.detach().cpu().double()", "np.float64(x)", "x.astype(np.float64)")
    for code, found in [*((c, True) for c in wrong), *((c, False) for c in right)]:
        assert any(map(on_device, ast.walk(ast.parse(code)))) is found, code


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.stem)
def test_no_code_makes_doubles_on_a_device(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node.lineno for node in ast.walk(tree) if on_device(node)]  # type: ignore[attr-defined]
    if path.relative_to(SOURCE.parent).as_posix() in ON_CPU:
        found = found[1:]
    assert not found, f"{path}, lines {found}: write .cpu().double(), since Apple's GPUs have no doubles"


class NoDoubles(TorchFunctionMode):
    """Takes every tensor for one of an Apple GPU until its `cpu` is called."""

    def __init__(self) -> None:
        super().__init__()
        self.home: dict[int, torch.Tensor] = {}

    def __torch_function__(self, func: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None):
        if func is torch.Tensor.double and id(args[0]) not in self.home:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64")
        found = func(*args, **(kwargs or {}))
        if func is torch.Tensor.cpu:
            found = found.clone()
            self.home[id(found)] = found  # kept, so that no other tensor gets its number
        return found


def test_scores_and_probes_need_no_doubles_on_the_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thinkrec.score.ranker.count_workers", lambda recommender: 0)  # the mode knows one thread
    prompts = make_prompts()
    with NoDoubles():
        rec = make_recommender()
        assert rec.supports_shared_prefix and rec.supports_last_layer_pruning
        scores = score_prompts(rec, prompts.__getitem__, len(prompts))
        assert scores.dtype == np.float64 and np.isfinite(scores).all()
        assert score_shared_prefixes(rec, [], 0).shape == (0,)
        set_trainable_parts(rec, ("experts",))
        below = FrozenActivationCache.build(rec, tmp_path / "below.bin", 10**7, prompts[:2])
        assert below is not None
        below.close()
        with pytest.raises(TypeError, match="MPS"):
            torch.ones(1).double()
