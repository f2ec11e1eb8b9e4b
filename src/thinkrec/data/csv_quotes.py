"""Where a quote stands wrongly in a file of separated values, and whether lines inside one look like rows."""

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
    """Why a record with quotes cannot be read, and where."""
    text = "".join(lines)
    at, quoted, begins, column, line = 0, False, True, 1, 0
    opened = (0, 1, 0)
    while at < len(text):
        letter = text[at]
        if quoted and letter == '"':
            if text[at + 1 : at + 2] == '"':
                at += 1
            elif text[at + 1 : at + 2] in ("", separator, "\n", "\r"):
                quoted = False
            else:
                return (
                    f"line {first + line}: a quote closes the field that the quote in line {first + opened[0]}, "
                    f"column {opened[1]} opened ({format_excerpt(text[opened[2] :])}), and then comes more ({format_excerpt(text[at:])}). "
                    "Remove stray quotes, and double those that belong to the text of a field in quotes."
                )
        elif not quoted and letter == '"' and begins:
            quoted, opened = True, (line, column, at)
        elif not quoted and letter == separator:
            column += 1
        line += letter == "\n"
        begins = not quoted and letter in (separator, "\n", "\r")
        at += 1
    return (
        f"the quote in line {first + opened[0]}, column {opened[1]} ({format_excerpt(text[opened[2] :])}) is never closed. "
        "Close it, or double it and put the field in quotes."
    )


def find_opening_quote(text: str, separator: str) -> tuple[int, int, str]:
    """Line (from 0), column (from 1) and text of the first quoted field that runs over a line end."""
    at, column = 0, 1
    while at < len(text):
        if text[at] == '"':
            end = at + 1
            while end < len(text) and not (text[end] == '"' and text[end + 1 : end + 2] != '"'):
                end += 2 if text[end] == '"' else 1
            if any(mark in text[at:end] for mark in "\r\n"):
                return text.count("\n", 0, at), column, text[at:]
            at = end + 1
        while at < len(text) and text[at] != separator:
            at += 1
        at, column = at + 1, column + 1
    return 0, 1, text


def format_excerpt(text: str) -> str:
    shown = repr(text.splitlines()[0] if text.splitlines() else text)
    return shown if len(shown) <= 70 else shown[:67] + "..."
