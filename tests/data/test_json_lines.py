"""JSON lines: no line is lost, and a wrong one is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from thinkrec.data.json_lines import read_jsonl
from thinkrec.errors import DataError, DataWarning


def write_lines(folder: Path, text: str) -> Path:
    path = folder / "t.jsonl"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_values_keep_their_types_and_line_ends_inside_texts(tmp_path: Path) -> None:
    rows = [{"item_id": 1, "title": "Oak\u2028tree", "tags": ["a", "b"]}, {"item_id": 2, "title": "Elm", "tags": []}]
    text = "\ufeff" + "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in rows) + "\n\n"
    assert read_jsonl(write_lines(tmp_path, text)).to_dicts() == rows


def test_keys_that_lack_and_empty_lines_are_counted(tmp_path: Path) -> None:
    path = write_lines(tmp_path, '{"a": 1}\n\n{"a": 2, "b": "x"}\n{"b": "y"}\n')
    with pytest.warns(DataWarning) as caught:
        table = read_jsonl(path)
    assert table.to_dicts() == [{"a": 1, "b": None}, {"a": 2, "b": "x"}, {"a": None, "b": "y"}]
    texts = [str(warning.message) for warning in caught]
    assert f"{path}: 1 empty line is left out (the first: line 2)." in texts
    assert any("'a' in 1 (the first: line 4), 'b' in 1 (the first: line 1)" in text for text in texts)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ('{"a": 1}\n[1, 2]\n', r"line 2 is no object \(\[1, 2\]\)\. Write one object a line, without brackets"),
        ('{"a": 1}\n3\n', r"line 2 is no object \(3\)\. Write an object"),
        ('{"a": 1, "b": 2, "a": 3}\n', "line 1 has the key 'a' twice"),
        ("{'a': 1}\n", "line 1 is written as Python prints it"),
        ('[\n{"a": 1}\n]\n', r"line 1 is only '\[': the objects stand over several lines"),
        ('{"a": 1}\n{"a": oops}\n', "line 2, character 7 is not JSON"),
        ('{"a": 1}\n{"a": "cut', "The file ends here without a line end: was it cut off"),
    ],
)
def test_a_wrong_line_is_named_with_what_to_do(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_jsonl(write_lines(tmp_path, text))
