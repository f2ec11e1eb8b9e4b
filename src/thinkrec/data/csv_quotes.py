"""Diagnosis of quotes in files of separated values: the position of a wrong one, and rows swallowed by one."""

from __future__ import annotations

import csv
import re


def is_possible_record(line: str, model: str, names: list[str], separator: str) -> bool:
    """Whether a line has the header's number of fields and begins like the first line of its record."""
    fields = line.rstrip("\r\n").split(separator)
    if len(fields) != len(names):
        fields = next(csv.reader([line], delimiter=separator), [])
    return len(fields) == len(names) and compute_text_shape(fields[0]) == compute_text_shape(
        model.split(separator, 1)[0]
    )


def compute_text_shape(text: str) -> str:
    """Digits as 9, letters as a, runs of either once: "b17" and "c2" are alike."""
    return re.sub(r"(.)\1+", r"\1", re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", text.strip().strip('"'))))


def describe_quote_error(lines: list[str], first: int, separator: str) -> str:
    """A sentence on why a record with quotes cannot be read, with line, column and text."""
    text = "".join(lines)
    position, quoted, starts_field, column, line = 0, False, True, 1, 0
    opened = (0, 1, 0)
    while position < len(text):
        character = text[position]
        if quoted and character == '"':
            if text[position + 1 : position + 2] == '"':
                position += 1
            elif text[position + 1 : position + 2] in ("", separator, "\n", "\r"):
                quoted = False
            else:
                return (
                    f"line {first + line}: a quote closes the field that the quote in line {first + opened[0]}, "
                    f"column {opened[1]} opened ({format_excerpt(text[opened[2] :])}), and then comes more "
                    f"({format_excerpt(text[position:])}). Remove stray quotes, and double those that belong to the "
                    "text of a field in quotes."
                )
        elif not quoted and character == '"' and starts_field:
            quoted, opened = True, (line, column, position)
        elif not quoted and character == separator:
            column += 1
        line += character == "\n"
        starts_field = not quoted and character in (separator, "\n", "\r")
        position += 1
    return (
        f"the quote in line {first + opened[0]}, column {opened[1]} ({format_excerpt(text[opened[2] :])}) is never "
        "closed. Close it, or double it and put the field in quotes."
    )


def find_opening_quote(text: str, separator: str) -> tuple[int, int, str]:
    """Line (from 0), column (from 1) and text of the first quoted field that runs over a line end."""
    position, column = 0, 1
    while position < len(text):
        if text[position] == '"':
            end = position + 1
            while end < len(text) and not (text[end] == '"' and text[end + 1 : end + 2] != '"'):
                end += 2 if text[end] == '"' else 1
            if any(mark in text[position:end] for mark in "\r\n"):
                return text.count("\n", 0, position), column, text[position:]
            position = end + 1
        while position < len(text) and text[position] != separator:
            position += 1
        position, column = position + 1, column + 1
    return 0, 1, text


def format_excerpt(text: str) -> str:
    """The first line of a text as Python writes it, at most 70 characters."""
    excerpt = repr(text.splitlines()[0] if text.splitlines() else text)
    return excerpt if len(excerpt) <= 70 else excerpt[:67] + "..."
