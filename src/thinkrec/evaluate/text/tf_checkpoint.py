"""Variables of a TensorFlow checkpoint (variables.index and variables.data-*), read without TensorFlow.

The index is a table of sorted strings as LevelDB writes it, from a variable's name to a BundleEntryProto that says
where its bytes lie (tensorflow/core/util/tensor_bundle, tensorflow/core/lib/io/table_format).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from thinkrec.errors import CheckpointError
from thinkrec.evaluate.text.protobuf import read_fields, read_varint

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TYPES = {1: np.dtype("<f4"), 2: np.dtype("<f8"), 3: np.dtype("<i4"), 9: np.dtype("<i8"), 19: np.dtype("<f2")}


def read_tensor_bundle(prefix: Path) -> dict[str, np.ndarray]:
    """Variable name -> array, mapped from the files, of the checkpoint `prefix`.index.

    Variables of other types than floats and whole numbers are left out. Raises CheckpointError.
    """
    index = prefix.with_name(prefix.name + ".index")
    try:
        entries = dict(_parse_table(index.read_bytes()))
        header = dict(read_fields(entries.pop(b"", b"")))
        shards = int(header.get(1, 1))
        if header.get(2, 0) != 0:
            raise ValueError("its numbers are big-endian")
        variables = (
            (name.decode(), _read_variable(name.decode(), value, prefix, shards)) for name, value in entries.items()
        )
        return {name: array for name, array in variables if array is not None}
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{index} cannot be read as a TensorFlow checkpoint ({error}); copy it again") from error


def _read_variable(name: str, value: bytes, prefix: Path, shards: int) -> np.ndarray | None:
    kind = shard = offset = size = 0
    shape: list[int] = []
    for number, content in read_fields(value):
        if number == 2 and isinstance(content, bytes):
            shape = [
                int(dict(read_fields(dim)).get(1, 0))
                for field, dim in read_fields(content)
                if field == 2 and isinstance(dim, bytes)
            ]
        elif number == 7:
            raise ValueError(f"the variable {name} is cut into slices")
        elif isinstance(content, int):
            kind, shard = (content if number == 1 else kind), (content if number == 3 else shard)
            offset, size = (content if number == 4 else offset), (content if number == 5 else size)
    if kind not in _TYPES:
        return None
    dtype, path = _TYPES[kind], prefix.with_name(f"{prefix.name}.data-{shard:05d}-of-{shards:05d}")
    count = int(np.prod(shape, dtype=np.int64))
    if size != count * dtype.itemsize:
        raise ValueError(f"the variable {name} has {size} bytes where its shape {shape} asks for another number")
    if path.stat().st_size < offset + size:
        raise ValueError(f"{path.name} is truncated")
    if not count:
        return np.zeros(shape, dtype)
    return np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=tuple(shape) if shape else (1,)).reshape(shape)


def _parse_table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(data) < _FOOTER or int.from_bytes(data[-8:], "little") != _MAGIC:
        raise ValueError("its end is not that of an index")
    position = len(data) - _FOOTER
    for _ in range(2):  # offset and size of a block about the table, which is not needed
        _, position = read_varint(data, position)
    for _, handle in _parse_block(data, data[position:]):
        yield from _parse_block(data, handle)


def _parse_block(data: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    offset, position = read_varint(handle, 0)
    size, _ = read_varint(handle, position)
    if offset + size >= len(data):
        raise ValueError("a block lies behind its end")
    if data[offset + size] != 0:
        raise ValueError("its blocks are compressed")
    block = data[offset : offset + size]
    restarts = int.from_bytes(block[-4:], "little")
    end, position, key = len(block) - 4 - 4 * restarts, 0, b""
    while position < end:
        shared, position = read_varint(block, position)
        own, position = read_varint(block, position)
        length, position = read_varint(block, position)
        key = key[:shared] + block[position : position + own]
        position += own
        yield key, block[position : position + length]
        position += length
