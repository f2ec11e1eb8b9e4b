"""A fitted scorer on disk: `config.json` and `state.safetensors`, with the ids that its tables are about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from thinkrec.collab.trained_ids import TrainedIds
from thinkrec.errors import CheckpointError
from thinkrec.io.config import OLDER_VERSION
from thinkrec.io.files import write_atomically, write_text

Config = TypeVar("Config", bound=BaseModel)

CONFIG, STATE = "config.json", "state.safetensors"


def write_scorer(folder: Path, config: BaseModel, arrays: dict[str, np.ndarray], ids: TrainedIds | None = None) -> None:
    """Write the files, each under another name and then renamed, so that a kill leaves no half file.

    `ids`: the users and items that the arrays are about; None for a scorer that holds nothing of any of them.
    """
    folder = Path(folder)
    if ids is not None:
        ids.save(folder)
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_atomically(folder / STATE, lambda beside: save_file(contiguous, beside))
    write_text(folder / CONFIG, json.dumps(config.model_dump(mode="json"), indent=2) + "\n")


def read_scorer(folder: Path, config: type[Config]) -> tuple[Config, dict[str, np.ndarray]]:
    """Read both files. Raises CheckpointError if one is missing, broken or of another kind of scorer."""
    folder = Path(folder)
    try:
        text = (folder / CONFIG).read_text(encoding="utf-8")
        scorer_config = config.model_validate_json(text, context=OLDER_VERSION)
        return scorer_config, load_file(folder / STATE)
    except FileNotFoundError as error:
        raise CheckpointError(f"{error.filename or folder / STATE} is missing. Fit the scorer again.") from error
    except ValidationError as error:
        raise CheckpointError(
            f"{folder / CONFIG} is not a {config.__name__}: {error.errors()[0]['msg']} (key"
            f" {error.errors()[0]['loc']}). Load it with the class that wrote it, or fit again."
        ) from error
    except SafetensorError as error:
        raise CheckpointError(f"{folder / STATE} is truncated or damaged ({error}). Fit the scorer again.") from error
