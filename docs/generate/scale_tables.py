"""Writes the tables of docs/scale.md, between its marks, from the cost model.

    python docs/generate/scale_tables.py            writes them (seconds)
    python docs/generate/scale_tables.py --check    only says whether they are what the model gives

The prompts are those of the recipe `demo`, whose catalogue is simulated and the same everywhere.
"""

from __future__ import annotations

import sys

from pages import ROOT, fill_mark, finish_files, parse_check

from thinkrec.run.recipe_files import load_recipe
from thinkrec.scale.cost_model import DEVICES, Workload
from thinkrec.scale.estimate import CostEstimate, estimate_recipe_cost

PAGE = ROOT / "docs/scale.md"
SHAPES = ("nano", "SmolLM2-135M", "Qwen3-0.6B", "Llama-3-8B")
UTILISATION, HOST, ITEMS, SAMPLE = 0.3, 512e9, 3_000_000, 200
WORKLOADS = {
    "million": Workload(users=1_000_000, candidates=500),
    "hundred-million": Workload(users=100_000_000, candidates=500),
}
HEAD = (
    "| backbone | tokens a user | operations a user | seconds per 1,000 users | H200s | weights, bfloat16 |"
    " prefix a user | ratings | vectors | what breaks first |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n"
)


def estimate_cost(shape: str, workload: Workload) -> CostEstimate:
    """The demo's prompts on a backbone of a known shape."""
    return estimate_recipe_cost(
        load_recipe("demo"),
        workload,
        shape_name=shape,
        device=DEVICES["h200"],
        utilisation=UTILISATION,
        tokens_per_second=None,
        host_memory=HOST,
        n_items=ITEMS,
        sample=SAMPLE,
    )


def format_row(estimate: CostEstimate) -> str:
    """One line of a table."""
    cost = estimate.cost
    cells = (
        estimate.shape.name,
        f"{cost.tokens:,.0f}",
        f"{cost.operations:.2g}",
        f"{cost.device_seconds:,.2f}",
        f"{cost.devices:,}",
        f"{cost.weights['bfloat16'] / 1e9:,.2f} GB",
        f"{cost.prefix_bytes / 1e6:,.1f} MB",
        f"{cost.ratings_bytes / 1e9:,.0f} GB",
        f"{cost.vectors_bytes / 1e9:,.1f} GB",
        "; ".join(estimate.limits) or "-",
    )
    return f"| {' | '.join(cells)} |\n"


def main() -> int:
    check = parse_check(__doc__)
    page = PAGE.read_text(encoding="utf-8")
    for name, workload in WORKLOADS.items():
        rows = [format_row(estimate_cost(shape, workload)) for shape in SHAPES]
        page = fill_mark(page, name, HEAD + "".join(rows), ("begin", "end"))
    return finish_files({PAGE: page}, check)


if __name__ == "__main__":
    sys.exit(main())
