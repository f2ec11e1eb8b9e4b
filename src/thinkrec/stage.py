"""One stage of a run: a folder that is either finished, with the hash of its inputs, or gone on with."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from thinkrec.errors import CheckpointError
from thinkrec.model.disk import plain, write_json
from thinkrec.train.processes import on_main

DONE, BEGUN = "done.json", "begun.json"


def digest(value: Any) -> str:
    """Short hash of any JSON value."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Stages:
    """Runs stages inside one run folder."""

    folder: Path
    progress: bool

    def run(
        self, name: str, inputs: Mapping[str, Any], work: Callable[[Path], Mapping[str, Any]], *, shared: bool = False
    ) -> str:
        """Do `work(stage folder)` unless it was done on the same inputs; returns the hash to hand to later stages.

        A folder left by other inputs is emptied first; one left by an interrupted run of the same inputs is kept for
        `work` to go on from. What `work` returns is kept in done.json. Of several processes the main one works and the
        others wait; with `shared` all work. The main one alone looks after the folder.
        """
        folder, key = self.folder / name, digest([name, inputs])
        if on_main(lambda: self._begin(folder, key)):
            return key
        began = time.time()
        found = work(folder) if shared else on_main(lambda: work(folder))
        on_main(lambda: self._end(folder, key, found, round(time.time() - began, 1)))
        return key

    def _begin(self, folder: Path, key: str) -> bool:
        """Prepare a stage's folder; whether the stage is done already."""
        if _key(folder / DONE) == key:
            return True
        if _key(folder / BEGUN) != key and folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / BEGUN, {"inputs": key})
        return False

    def _end(self, folder: Path, key: str, found: Mapping[str, Any], seconds: float) -> None:
        write_json(folder / DONE, {"inputs": key, "seconds": seconds, **found})
        name = folder.relative_to(self.folder).as_posix()
        self.log({"stage": name, "seconds": seconds})
        if self.progress:
            Console(stderr=True).print(f"  {name}: {seconds:.0f} s", style="dim", highlight=False)

    def log(self, record: Mapping[str, Any]) -> None:
        """Append one line to log.jsonl."""
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(
                json.dumps(plain({"time": time.strftime("%Y-%m-%dT%H:%M:%S"), **record}), allow_nan=False) + "\n"
            )

    def seconds(self) -> float:
        """Time that all finished stages took together."""
        return sum(read_done(path.parent)["seconds"] for path in self.folder.rglob(DONE))


def read_done(folder: Path) -> dict[str, Any]:
    """What a finished stage left. Raises CheckpointError if it is not finished."""
    path = folder / DONE
    if not path.is_file():
        raise CheckpointError(f"stage {folder.name} of {folder.parent} is not finished; run the recipe again to go on")
    return json.loads(path.read_text(encoding="utf-8"))


def _key(path: Path) -> str | None:
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8")).get("inputs")
    except ValueError:
        return None
