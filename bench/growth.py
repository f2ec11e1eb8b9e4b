"""How the cost of ranking grows: with candidates, with history, with experts, with users in a batch.

    python bench/growth.py            (writes bench/results/growth.json and docs/growth.svg)

Beside every measured curve stands what the arithmetic predicts: multiplications of the linear layers for every token,
of the last layer's queries and MLP for the answers alone, and of attention over what each token sees, at the rate of
multiplications that scoring one long batch of plain prompts reaches.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import arguments, median, times
from models import catalogue, recommender
from ranking import question

from thinkrec.prompts.shared_prefix import SharedPrefix
from thinkrec.run.provenance import describe_environment
from thinkrec.score.ranker import score_prompts, score_shared_prefixes

CANDIDATES, HISTORIES = (1, 10, 50, 100, 200, 500, 1000, 2000), (0, 5, 10, 20, 30, 50)
EXPERTS, USERS = (0, 1, 2, 4, 8, 16), (1, 2, 4, 8, 16, 32, 64)


def work(rec, forks: list[SharedPrefix], whole: bool = False) -> float:
    """Multiplications that ranking these forks needs, adapters of experts included; `whole`: all of the last layer."""
    model = rec.model.config
    width, inner, head = model.hidden_size, model.intermediate_size, model.head_dim
    heads = model.num_attention_heads * head
    reading = 2 * width * model.num_key_value_heads * head
    attending, rest = 2 * width * heads + reading, 3 * width * inner
    layers = rec.adapters.layers.values()
    extra = sum(layer.slots * layer.rank * (layer.base.in_features + layer.base.out_features)
                for layer in layers if layer.n_experts)  # fmt: skip
    total = 0.0
    for fork in forks:
        prefix, lengths = len(fork.prefix), np.array([len(leaf) for leaf in fork.suffixes])
        tokens, seen = prefix + lengths.sum(), prefix**2 / 2 + (lengths * prefix + lengths**2 / 2).sum()
        deep = model.num_hidden_layers - (0 if whole else 1)
        total += deep * (tokens * (attending + rest) + 2 * heads * seen) + tokens * extra
        if not whole:
            total += tokens * reading + len(lengths) * (attending - reading + rest)
    return total


def main() -> None:
    args = arguments(__doc__ or "", "growth")
    ds, plain = catalogue(), recommender(0)
    whole = question(ds, plain, 30, 40)
    long = whole.to_prompts()
    alone = median(times({"one": lambda: score_prompts(plain, long.__getitem__, len(long))}, args.repeats)["one"])
    rate = sum(work(plain, [SharedPrefix(whole.prefix, (leaf,))]) for leaf in whole.suffixes) / alone

    def point(rec, forks: list[SharedPrefix]) -> tuple[float, float]:
        places = np.split(
            np.arange(sum(len(f.suffixes) for f in forks)), np.cumsum([len(f.suffixes) for f in forks])[:-1]
        )
        run = lambda: score_shared_prefixes(rec, zip(places, forks, strict=True), sum(map(len, places)))  # noqa: E731
        return median(times({"one": run}, args.repeats)["one"]), work(rec, forks) / rate

    curves: dict[str, dict] = {}

    def curve(name: str, xs: tuple[int, ...], make) -> None:
        points = [point(*make(x)) for x in xs]
        curves[name] = {"x": xs, "seconds": [p[0] for p in points], "predicted": [p[1] for p in points]}
        for x, (seconds, predicted) in zip(xs, points, strict=True):
            print(f"{name} {x}: {seconds:.3f} s, predicted {predicted:.3f} s", flush=True)

    curve("candidates", CANDIDATES, lambda n: (plain, [question(ds, plain, 10, n)]))
    curve("items of history", HISTORIES, lambda h: (plain, [question(ds, plain, h, 100)]))

    def with_experts(n: int):
        rec = recommender(n)
        fork = question(ds, rec, 10, 100)
        gate = np.full(1 + n, 1 / (1 + n), dtype=np.float32)
        return rec, [SharedPrefix(_gated(fork.prefix, gate), tuple(_gated(leaf, gate) for leaf in fork.suffixes))]

    curve("experts", EXPERTS, with_experts)
    curve("users in a batch, 10 candidates each", USERS,
          lambda users: (plain, [question(ds, plain, 10, 10, user) for user in range(users)]))  # fmt: skip
    held = {"environment": describe_environment(), "multiplications_per_second": rate, "curves": curves}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
    _draw(curves, Path(__file__).parents[1] / "docs" / "growth.svg")


def _gated(prompt, gate: np.ndarray):
    return replace(prompt, gate=gate)


def _draw(curves: dict[str, dict], path: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(9, 6.5))
    for axis, (name, curve) in zip(axes.flat, curves.items(), strict=True):
        axis.plot(curve["x"], curve["predicted"], "-", color="0.6", label="predicted")
        axis.plot(curve["x"], curve["seconds"], "o", color="tab:blue", label="measured")
        axis.set_xlabel(name)
        axis.set_ylabel("seconds")
        axis.set_ylim(bottom=0)
        axis.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
