"""One stage of a run: a folder that is either finished, with the hash of its inputs, or gone on with."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from thinkrec.errors import CheckpointError
from thinkrec.io.files import plain, write_json
from thinkrec.io.hashing import digest
from thinkrec.io.processes import on_main
from thinkrec.run.provenance import code_digest

DONE, BEGUN = "done.json", "begun.json"
CODE = "code"


@dataclass(frozen=True)
class Stages:
    """Runs stages inside one run folder."""

    folder: Path
    progress: bool
    any_code: bool = False
    """Whether a finished stage counts although the code of its rooms has changed since; it is said."""

    def run(
        self,
        name: str,
        inputs: Mapping[str, Any],
        work: Callable[[Path], Mapping[str, Any]],
        rooms: tuple[str, ...] = (),
        *,
        shared: bool = False,
    ) -> str:
        """Do `work(stage folder)` unless it was done on the same inputs; returns the hash to hand to later stages.

        A folder left by other inputs is emptied first; one left by an interrupted run of the same inputs is kept for
        `work` to go on from. What `work` returns is kept in done.json. Of several processes the main one alone looks
        after the folder, and works while the others wait.

        Args:
            inputs: everything that decides the result, as JSON values: contents (digests), not names of files.
            rooms: folders and files of the package whose code does the work; their digest is one more input.
            shared: whether all processes work.
        """
        folder = self.folder / name
        wanted = {**json.loads(json.dumps(inputs, default=str)), CODE: code_digest(rooms)}
        key = digest([name, wanted])
        done = on_main(lambda: self._begin(folder, name, key, wanted))
        if done is not None:
            return done
        began = time.time()
        found = work(folder) if shared else on_main(lambda: work(folder))
        seconds = round(time.time() - began, 1)
        on_main(lambda: write_json(folder / DONE, {"key": key, "inputs": wanted, "seconds": seconds, **found}))
        on_main(lambda: self.log({"stage": name, "seconds": seconds}))
        self.say(f"{name}: {seconds:.0f} s")
        return key

    def _begin(self, folder: Path, name: str, key: str, wanted: Mapping[str, Any]) -> str | None:
        """Prepare a stage's folder; the key of what is finished there, None where there is work to do."""
        done = _read(folder / DONE)
        if done is not None:
            changed = changes(done.get("inputs", {}), wanted)
            if not changed or (self.any_code and changed == [CODE]):
                if changed:
                    self.say(f"{name}: finished by other code, taken as it is (asked for)")
                return done["key"]
            self.say(f"{name}: done again, since {', '.join(changed)} changed")
        begun = _read(folder / BEGUN)
        if folder.exists() and (done is not None or begun is None or changes(begun.get("inputs", {}), wanted)):
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / BEGUN, {"key": key, "inputs": wanted})
        return None

    def say(self, text: str) -> None:
        """A line on the terminal, where progress is shown."""
        if self.progress:
            Console(stderr=True).print(f"  {text}", style="dim", highlight=False, markup=False)

    def log(self, record: Mapping[str, Any]) -> None:
        """Append one line to log.jsonl."""
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(
                json.dumps(plain({"time": time.strftime("%Y-%m-%dT%H:%M:%S"), **record}), allow_nan=False) + "\n"
            )

    def seconds(self) -> float:
        """Time that all finished stages took together."""
        return sum(read_done(path.parent)["seconds"] for path in self.folder.rglob(DONE))


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The inputs, in dotted keys, that differ between two stages; empty where none does.

    >>> changes({"seed": 0, "config": {"lr": 0.1, "dim": 8}}, {"seed": 0, "config": {"lr": 0.2, "dim": 8}})
    ['config.lr']
    """
    old, new = dict(_leaves(before)), dict(_leaves(after))
    return [key for key in {**new, **old} if old.get(key, ...) != new.get(key, ...)]


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def read_done(folder: Path) -> dict[str, Any]:
    """What a finished stage left. Raises CheckpointError if it is not finished."""
    found = _read(folder / DONE)
    if found is None:
        raise CheckpointError(f"stage {folder.name} of {folder.parent} is not finished; run the recipe again to go on")
    return found


def _read(path: Path) -> dict[str, Any] | None:
    """A stage's JSON file; None where there is none, or none of this version's."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) and "key" in found else None
