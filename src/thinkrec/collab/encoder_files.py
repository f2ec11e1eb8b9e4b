"""A fitted scorer on disk: `config.json` and `state.safetensors`, with the ids that its tables are about."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from thinkrec.collab.trained_ids import TrainedIds
from thinkrec.errors import CheckpointError
from thinkrec.io.config import OLDER_VERSION

Config = TypeVar("Config", bound=BaseModel)

CONFIG, STATE = "config.json", "state.safetensors"


def write_scorer(folder: Path, config: BaseModel, arrays: dict[str, np.ndarray], ids: TrainedIds | None = None) -> None:
    """Write the files, each beside its place and then renamed, so that a kill leaves no half file.

    `ids`: whom and what the arrays are about; None for a scorer that holds nothing of any user or item.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if ids is not None:
        ids.save(folder)
    beside = folder / (STATE + ".part")
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, beside)
    os.replace(beside, folder / STATE)
    beside = folder / (CONFIG + ".part")
    beside.write_text(json.dumps(config.model_dump(mode="json"), indent=2) + "\n", encoding="utf-8")
    os.replace(beside, folder / CONFIG)


def read_scorer(folder: Path, config: type[Config]) -> tuple[Config, dict[str, np.ndarray]]:
    """Read both files. Raises CheckpointError if one is missing, broken or of another kind of scorer."""
    folder = Path(folder)
    try:
        text = (folder / CONFIG).read_text(encoding="utf-8")
        found = config.model_validate_json(text, context=OLDER_VERSION)
        return found, load_file(folder / STATE)
    except FileNotFoundError as error:
        raise CheckpointError(f"{error.filename or folder / STATE} is missing. Fit the scorer again.") from error
    except ValidationError as error:
        raise CheckpointError(
            f"{folder / CONFIG} is not a {config.__name__}: {error.errors()[0]['msg']} (key"
            f" {error.errors()[0]['loc']}). Load it with the class that wrote it, or fit again."
        ) from error
    except SafetensorError as error:
        raise CheckpointError(f"{folder / STATE} is truncated or damaged ({error}). Fit the scorer again.") from error
