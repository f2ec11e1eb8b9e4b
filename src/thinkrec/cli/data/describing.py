"""What is known of a published data set, as plain values and as lines."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thinkrec.data.loaders.source import Source


def describe_source(source: Source) -> dict[str, Any]:
    """Everything that the registry says, and the recipes that read it."""
    from thinkrec.data.loaders.source import NOT_KNOWN

    return {
        "name": source.name,
        "title": source.title,
        "page": source.page,
        "licence": source.licence,
        "remark": source.remark or None,
        "files": [
            {
                "address": file.address,
                "bytes": file.bytes,
                "checksum": None if file.checksum == NOT_KNOWN else file.checksum,
                "checksum_address": file.checksum_address,
            }
            for file in source.files
        ],
        "reader": f"{source.read.__module__}.{source.read.__name__}",
        "recipes": map_sources_to_recipes().get(source.name, []),
        "threshold": source.threshold,
        "split": source.split.model_dump(mode="json", exclude_none=True),
        "activity": source.activity,
        "implicit": source.is_implicit,
        "times": source.has_times,
        "rows": source.full_rows,
        "rows_per_split": None if source.expected_rows is None else dict(source.expected_rows),
    }


@cache
def map_sources_to_recipes() -> dict[str, list[str]]:
    """Name of a source -> names of the shipped recipes whose data it is."""
    from thinkrec.run.recipe_layers import list_recipes, merge_recipe_files

    recipes: dict[str, list[str]] = {}
    for recipe in list_recipes():
        data = merge_recipe_files(recipe).get("data")
        if isinstance(data, dict) and data.get("kind") == "source":
            recipes.setdefault(data["name"], []).append(recipe)
    return recipes


def format_file(file: dict[str, Any]) -> str:
    """One of a source's files for people: address, size, checksum."""
    known = file["checksum"] or ("MD5 beside it" if file["checksum_address"] else "no checksum published")
    size = "size not known" if file["bytes"] is None else f"{file['bytes']:,} bytes"
    return f"{file['address']} ({size}, {known})"
