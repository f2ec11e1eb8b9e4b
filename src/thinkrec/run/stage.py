"""One stage of a run: a folder that is either finished, with the hash of its inputs, or gone on with."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from thinkrec.errors import CheckpointError
from thinkrec.io.append_log import append_record, read_records
from thinkrec.io.files import to_json_value, write_json
from thinkrec.io.hashing import hash_json
from thinkrec.io.processes import run_on_main
from thinkrec.io.progress import LOGGER, is_logging
from thinkrec.run.older_inputs import translate_stage_inputs
from thinkrec.run.provenance import hash_code
from thinkrec.run.reused_stages import copy_finished_stage

DONE, BEGUN, LOG = "done.json", "begun.json", "log.jsonl"
CODE = "code"


@dataclass(frozen=True)
class StageRunner:
    """Runs stages inside one run folder."""

    folder: Path
    progress: bool
    ignore_code_changes: bool = False
    """Whether a finished stage counts although the code of its rooms has changed since; it is said."""
    reuse: tuple[Path, ...] = ()
    """Folders of other runs: what one of them has finished on the same inputs is copied; it is said."""

    def run(
        self,
        name: str,
        inputs: Mapping[str, Any],
        work: Callable[[Path], Mapping[str, Any]],
        rooms: tuple[str, ...] = (),
        *,
        shared: bool = False,
        ignored: tuple[str, ...] = (),
    ) -> str:
        """Do `work(stage folder)` unless it was done on the same inputs; returns the hash to hand to later stages.

        Where another run of `reuse` has done it on the same inputs, its folder is copied. A folder left by other inputs
        is emptied first; one left by an interrupted run of the same inputs is kept for `work` to go on from. What
        `work` returns is kept in done.json. Of several processes the main one alone looks after the folder, and works
        while the others wait.

        Args:
            name: of the stage: its folder inside the run's.
            inputs: everything that decides the result, as JSON values: contents (digests), not names of files.
            work: is given the stage's folder and returns what done.json says of the result, as JSON values.
            rooms: folders and files of the package whose code does the work; their digest is one more input.
            shared: whether all processes work.
            ignored: inputs that do not decide the result where they are not in `inputs`; a finished stage that names
                them counts all the same.
        """
        folder = self.folder / name
        wanted = {**json.loads(json.dumps(inputs, default=str)), CODE: hash_code(rooms)}
        key = hash_json([name, wanted])
        idle = frozenset(ignored) - wanted.keys()
        finished_key = run_on_main(lambda: self._prepare_folder(folder, name, key, wanted, idle))
        if finished_key is not None:
            return finished_key
        began = time.time()
        result = work(folder) if shared else run_on_main(lambda: work(folder))
        seconds = round(time.time() - began, 1)
        run_on_main(lambda: write_json(folder / DONE, {"key": key, "inputs": wanted, "seconds": seconds, **result}))
        run_on_main(lambda: self.append_log({"stage": name, "seconds": seconds}))
        self.print_line(f"{name}: {seconds:.0f} s")
        return key

    def _prepare_folder(
        self, folder: Path, name: str, key: str, wanted: Mapping[str, Any], idle: frozenset[str]
    ) -> str | None:
        """Prepare a stage's folder; the key of what is finished there, None where there is work to do.

        `idle`: inputs that do not count in what stands there.
        """
        done, begun = _read_stage_file(folder / DONE, idle), _read_stage_file(folder / BEGUN, idle)
        if done is not None:
            changed = find_changed_inputs(done.get("inputs", {}), wanted)
            if self._is_usable(changed):
                if changed:
                    self.print_line(f"{name}: finished by other code, taken as it is (asked for)")
                return done["key"]
            self.print_line(f"{name}: done again, since {', '.join(changed)} changed")
        if (copied := self._copy_from_other_runs(folder, name, wanted, idle)) is not None:
            return copied
        if folder.exists() and (
            done is not None or begun is None or find_changed_inputs(begun.get("inputs", {}), wanted)
        ):
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / BEGUN, {"key": key, "inputs": wanted})
        return None

    def _is_usable(self, changed: Sequence[str]) -> bool:
        """Whether a finished stage counts, of whose inputs these have changed."""
        return not changed or (self.ignore_code_changes and list(changed) == [CODE])

    def _copy_from_other_runs(
        self, folder: Path, name: str, wanted: Mapping[str, Any], idle: frozenset[str]
    ) -> str | None:
        """The key of what another run has finished on the same inputs, copied into the stage's folder; else None."""

        def is_equal(source: Path) -> bool:
            done = _read_stage_file(source / DONE, idle)
            return done is not None and self._is_usable(find_changed_inputs(done.get("inputs", {}), wanted))

        run = copy_finished_stage(name, folder, self.reuse, is_equal)
        if run is None:
            return None
        self.append_log({"stage": name, "seconds": 0.0, "from": str(run)})
        self.print_line(f"{name}: taken from {run}, which finished it on the same inputs")
        return read_stage_result(folder)["key"]

    def print_line(self, text: str) -> None:
        """A line in the program's log, where it has set one up (`io.progress.LOGGER`).

        Else on the terminal, where progress is shown.
        """
        if is_logging():
            LOGGER.info(text)
        elif self.progress:
            Console(stderr=True).print(f"  {text}", style="dim", highlight=False, markup=False, soft_wrap=True)

    def append_log(self, record: Mapping[str, Any]) -> None:
        """Append one line with the time to log.jsonl."""
        time_stamp = time.strftime("%Y-%m-%dT%H:%M:%S")
        append_record(self.folder / LOG, to_json_value({"time": time_stamp, **record}))

    def sum_seconds(self) -> float:
        """Time that all finished stages took together, wherever they were made."""
        return sum(read_stage_result(path.parent)["seconds"] for path in self.folder.rglob(DONE))

    def sum_own_seconds(self) -> float:
        """The same without stages that were taken from another run: what this one took."""
        spent = {record["stage"]: record["seconds"] for record in read_records(self.folder / LOG) if "stage" in record}
        return sum(spent.values())


def find_changed_inputs(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The inputs, in dotted keys, that differ between two stages; empty where none does.

    >>> find_changed_inputs({"seed": 0, "config": {"lr": 0.1, "dim": 8}}, {"seed": 0, "config": {"lr": 0.2, "dim": 8}})
    ['config.lr']
    """
    old, new = dict(_flatten_values(before)), dict(_flatten_values(after))
    return [key for key in {**new, **old} if old.get(key, ...) != new.get(key, ...)]


def _flatten_values(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flatten_values(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def read_stage_result(folder: Path) -> dict[str, Any]:
    """What a finished stage left. Raises CheckpointError if it is not finished."""
    result = _read_stage_file(folder / DONE)
    if result is None:
        raise CheckpointError(f"stage {folder.name} of {folder.parent} is not finished; run the recipe again to go on")
    return result


def _read_stage_file(path: Path, idle: frozenset[str] = frozenset()) -> dict[str, Any] | None:
    """A stage's JSON file without the inputs `idle`; None where there is none, or none of this version's."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(content, dict) or "key" not in content:
        return None
    inputs = translate_stage_inputs(content.get("inputs", {}))
    return {**content, "inputs": {name: value for name, value in inputs.items() if name not in idle}}
