"""Rendered prompts in an Arrow file: written once, then read from a memory map, in any order and by several processes.

A pass over ten million rows then needs no more memory than one over ten thousand, its lengths are known without reading
it, and a run that was stopped does not render it again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from thinkrec.errors import DataError
from thinkrec.io.files import write_atomically
from thinkrec.io.progress import Progress
from thinkrec.prompts.types import PROMPT_FIELDS, Prompt

RECORD_BATCH_SIZE = 4096
"""Prompts in a record batch."""
_SCHEMA = pa.schema({name: pa.list_(pa.from_numpy_dtype(np.dtype(spec.dtype))) for name, spec in PROMPT_FIELDS.items()})
"""One column for each field of a `Prompt`; slot vectors lie one behind the other."""


class LazyPrompts(Sequence[Prompt]):
    """Prompts that are rendered when they are asked for, each time anew."""

    def __init__(self, n: int, render: Callable[[int], Prompt]) -> None:
        """Prompts 0 to n - 1, each `render` of its number."""
        self._n, self._render = n, render

    def __len__(self) -> int:
        """How many prompts there are."""
        return self._n

    def __getitem__(self, index: Any) -> Any:
        """One prompt, or the list of a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._n))]
        return self._render(range(self._n)[index])


class StoredPrompts(Sequence[Prompt]):
    """The prompts of a file that `write_prompts` wrote: views of the file, read-only, and good until `close`."""

    def __init__(self, path: Path) -> None:
        """Raises DataError where the file is not one of these."""
        self.path = path
        self._map = pa.memory_map(str(path))
        try:
            file = pa.ipc.open_file(self._map)
        except pa.ArrowInvalid as error:
            self._map.close()
            raise DataError(f"{path} holds no prompts ({error}); delete it, it is made again") from error
        if file.schema != _SCHEMA:
            self._map.close()
            raise DataError(f"{path} was written by another version of thinkrec; delete it, it is made again")
        self._batches = [_view_columns(file.get_batch(i)) for i in range(file.num_record_batches)]
        lengths = [np.diff(batch["ids"][0]) for batch in self._batches]
        self.lengths: np.ndarray = np.concatenate([np.zeros(0, dtype=np.int64), *lengths]).astype(np.int64)
        """int64 (n,): tokens of each prompt."""

    def __len__(self) -> int:
        """How many prompts the file has."""
        return len(self.lengths)

    def __getitem__(self, index: Any) -> Any:
        """One prompt, or the list of a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        batch, at = self._batches[number // RECORD_BATCH_SIZE], number % RECORD_BATCH_SIZE
        fields = {name: values[offsets[at] : offsets[at + 1]] for name, (offsets, values) in batch.items()}
        for name, spec in PROMPT_FIELDS.items():
            if spec.ndim > 1:
                n = len(fields[spec.of])
                fields[name] = fields[name].reshape(n, -1) if n else spec.make_empty()
        return Prompt(**fields)

    def close(self) -> None:
        """Let go of the file; its prompts must not be used any more."""
        self._batches = []
        self._map.close()


def write_prompts(prompts: Sequence[Prompt], path: Path, *, title: str = "prompts", progress: bool = False) -> None:
    """Write prompts, one at a time as they are asked for, to an Arrow file; nothing is left if that is cut short.

    Raises DataError where the disk has no room for them.
    """
    rest: Iterator[Prompt] = iter(prompts)

    def write_batches(beside: Path) -> None:
        with (
            Progress(title, len(prompts), shown=progress) as bar,
            pa.OSFile(str(beside), "wb") as out,
            pa.ipc.new_file(out, _SCHEMA) as writer,
        ):
            left = len(prompts)
            while chunk := list(islice(rest, RECORD_BATCH_SIZE)):
                batch = _build_record_batch(chunk)
                _check_disk_space(path, batch.nbytes * left / len(chunk))
                writer.write_batch(batch)
                left -= len(chunk)
                bar.advance(len(chunk))

    for left_by_a_kill in path.parent.glob(f"{path.name}.*.tmp"):
        left_by_a_kill.unlink()
    # Gigabytes that can be rendered again: not worth waiting for the disk.
    write_atomically(path, write_batches, sync=False)


def _build_record_batch(prompts: Sequence[Prompt]) -> pa.RecordBatch:
    columns = []
    for field in _SCHEMA:
        parts = [np.ravel(getattr(prompt, field.name)) for prompt in prompts]
        offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int32)
        values = pa.array(np.concatenate(parts), type=field.type.value_type)
        columns.append(pa.ListArray.from_arrays(pa.array(offsets), values))
    return pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)


def _view_columns(batch: pa.RecordBatch) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Offsets and values of every column, without copying."""
    columns = zip(_SCHEMA.names, batch.columns, strict=True)
    return {name: (column.offsets.to_numpy(), column.values.to_numpy()) for name, column in columns}


def _check_disk_space(path: Path, needed: float) -> None:
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise DataError(
            f"the prompts of a pass need another {needed / 1e9:.1f} GB in {path.parent}, where {free / 1e9:.1f} GB are "
            "free; make room, or give the stage a larger stride, so that a pass takes fewer rows"
        )
