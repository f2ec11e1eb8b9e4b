"""docs/how-to/baselines.md: its table of what each recipe is told says what the recipes say."""

from __future__ import annotations

from pathlib import Path

from thinkrec.prompts.templates import get_template
from thinkrec.prompts.two_lists import TwoLists
from thinkrec.run.recipe_files import list_recipes, load_recipe
from thinkrec.train.model_config import ThinkRecConfig

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "baselines.md"
HEAD = "| recipe, under `ml1m/` | template | history | labels | keywords | vectors | step 1 trains | last step trains |"
OURS = ("thinkrec-nano-short", "thinkrec-nano-complete", "tallrec-nano", "collm-nano")


def describe_labels(template: str) -> str:
    """How the labels of earlier items stand in prompts."""
    history = get_template(template).history
    if isinstance(history, TwoLists):
        return "two lists"
    if history.before_label is not None:
        return "behind each item"
    return "those of liked items" if history.liked_only else "none"


def describe_vectors(model: ThinkRecConfig) -> str:
    """What stands behind the prompt's vectors."""
    if model.vector_stage is None:
        return "none"
    parts = [model.encoder.kind] * model.embeddings + ["numbers"] * model.target_encoding  # pyright: ignore
    parts += ["neighbours"] * model.neighbourhood_residual
    return ", ".join(parts)


def build_row(name: str) -> str:
    """One line of the table."""
    recipe = load_recipe(f"ml1m/{name}")
    model = recipe.model
    assert isinstance(model, ThinkRecConfig) and recipe.data.kind == "ml1m"
    history = get_template(model.prompt.template).history
    last = model.vector_stage
    cells = (
        f"`{name}`",
        model.prompt.template,
        "liked items" if history.liked_only else "all items",
        describe_labels(model.prompt.template),
        recipe.data.keywords if history.with_keywords else "none",
        describe_vectors(model),
        ", ".join(model.global_stage.train),
        "" if last is None else ", ".join(last.train),
    )
    return f"| {' | '.join(cells)} |"


def list_names() -> list[str]:
    """ThinkRec, the two older recipes, then the baselines of both kinds."""
    names = [name.removeprefix("ml1m/") for name in list_recipes()]
    return [*OURS, *(n for n in names if n.endswith("as-published")), *(n for n in names if n.endswith("-information"))]


def test_the_table_says_what_the_recipes_say() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = text[text.index(HEAD) :].split("\n\n")[0].splitlines()
    assert [row.replace(" |  |", " | |") for row in map(build_row, list_names())] == rows[2:]


def test_the_page_names_every_ablation() -> None:
    text = PAGE.read_text(encoding="utf-8")
    ablations = [name.rpartition("/")[2] for name in list_recipes() if name.startswith("ml1m/ablations/")]
    assert [name for name in ablations if f"`{name}`" not in text] == []


if __name__ == "__main__":
    print(HEAD, "| " + "--- | " * 8, *(build_row(name).replace(" |  |", " | |") for name in list_names()), sep="\n")
