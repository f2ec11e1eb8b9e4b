"""The protobuf wire format, as far as two kinds of model files need it."""

from __future__ import annotations

from collections.abc import Iterator


def read_varint(data: bytes, offset: int) -> tuple[int, int]:
    """Value of the variable-length integer at `offset`, and the offset behind it. Raises ValueError at an early end."""
    value = shift = 0
    while True:
        if offset >= len(data) or shift > 63:
            raise ValueError("the data ends in the middle of a number")
        byte = data[offset]
        value |= (byte & 0x7F) << shift
        offset, shift = offset + 1, shift + 7
        if not byte & 0x80:
            return value, offset


def read_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field number, value) of a message: integers as int, everything else as bytes. Raises ValueError."""
    offset = 0
    while offset < len(data):
        tag, offset = read_varint(data, offset)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, offset = read_varint(data, offset)
            yield number, value
            continue
        if kind == 2:
            size, offset = read_varint(data, offset)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind} is not known")
        if offset + size > len(data):
            raise ValueError("the data ends in the middle of a field")
        yield number, data[offset : offset + size]
        offset += size
