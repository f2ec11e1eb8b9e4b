"""The protobuf wire format, as far as two kinds of model files need it."""

from __future__ import annotations

from collections.abc import Iterator


def read_varint(data: bytes, place: int) -> tuple[int, int]:
    """(value, place behind it) of a variable-length integer. Raises ValueError where the data ends too early."""
    value = shift = 0
    while True:
        if place >= len(data) or shift > 63:
            raise ValueError("the data ends in the middle of a number")
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if not byte & 0x80:
            return value, place


def read_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, value) of a message: integers as int, everything else as bytes. Raises ValueError."""
    place = 0
    while place < len(data):
        tag, place = read_varint(data, place)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, place = read_varint(data, place)
            yield number, value
            continue
        if kind == 2:
            size, place = read_varint(data, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind} is not known")
        if place + size > len(data):
            raise ValueError("the data ends in the middle of a field")
        yield number, data[place : place + size]
        place += size
