"""The cache: appended at once, resumed after a kill, never asked twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from thinkrec.errors import CheckpointError
from thinkrec.io.hashing import hash_content
from thinkrec.keywords import offline
from thinkrec.keywords.asked import TeacherExtractor
from thinkrec.keywords.cache import KeywordCache
from thinkrec.keywords.config import TeacherExtractorConfig, YakeExtractorConfig

ENTRIES = {"a": ("sea", "Grüße"), "b": (), "c": ("x\ny", '"quoted"')}


def fill(path: Path, entries: dict[str, tuple[str, ...]]) -> None:
    with KeywordCache(path) as cache:
        for key, phrases in entries.items():
            cache.add(key, phrases)


def test_what_was_added_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "cache.jsonl"
    fill(path, ENTRIES)
    cache = KeywordCache(path)
    assert {key: cache.get(key) for key in ENTRIES} == ENTRIES
    assert len(cache) == 3
    assert cache.get("d") is None
    assert "d" not in cache


def test_keys_are_those_of_the_first_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking a language model again would cost as much again, whatever the settings are called today."""
    pytest.importorskip("yake")
    monkeypatch.setattr(offline.importlib.metadata, "version", lambda name: "0.6.0")
    settings = offline.YakeExtractor(YakeExtractorConfig(max_words=2)).get_settings()
    assert hash_content(settings, "a text") == "6d0a4ded525d694b8e7de2b49d166f549ec25625b9baf973ef22bf5d15f0a88b"
    teacher: Any = SimpleNamespace(name="api:x")
    asking = TeacherExtractor(teacher, TeacherExtractorConfig(item_noun="film", max_keywords=7))
    expected = "d74558aab9b9c85e0be9698b1a59b7991c1c942d763fd55466253d91e436d40f"
    assert asking.build_question("a text").key == hash_content(asking.get_settings(), "a text") == expected


def test_entries_are_on_disk_before_the_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "cache.jsonl"
    with KeywordCache(path) as cache:
        cache.add("a", ["sea"])
        assert KeywordCache(path).get("a") == ("sea",)


def test_a_last_line_that_only_lacks_its_end_counts_and_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "cache.jsonl"
    fill(path, ENTRIES)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    assert KeywordCache(path).get("c") == ENTRIES["c"]
    fill(path, {"d": ("sea",)})
    assert path.read_bytes().startswith(content)
    assert len(KeywordCache(path)) == 4


@pytest.mark.parametrize("cut", range(2, 12))
def test_a_torn_last_line_is_dropped_and_overwritten(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cache.jsonl"
    fill(path, ENTRIES)
    content = path.read_bytes()
    path.write_bytes(content[:-cut])
    cache = KeywordCache(path)
    assert len(cache) == 2
    assert "c" not in cache
    fill(path, {"c": ENTRIES["c"]})
    assert path.read_bytes() == content


def test_a_broken_line_before_the_end_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "cache.jsonl"
    fill(path, ENTRIES)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b'{"key": 7, "phrases": []}\n' + lines[2])
    with pytest.raises(CheckpointError, match=r"cache\.jsonl: line 2"):
        KeywordCache(path)


def test_what_another_process_adds_in_between_stays(tmp_path: Path) -> None:
    path = tmp_path / "cache.jsonl"
    fill(path, {"a": ENTRIES["a"]})
    late = KeywordCache(path)
    fill(path, {"b": ENTRIES["b"]})
    path.write_bytes(path.read_bytes() + b'{"key": "torn')
    with late:
        assert "b" in late
        late.add("c", ENTRIES["c"])
    assert {key: KeywordCache(path).get(key) for key in ENTRIES} == ENTRIES


def test_phrases_with_other_line_ends_stay_one_entry(tmp_path: Path) -> None:
    path, odd = tmp_path / "cache.jsonl", ("a\u2028b", "c\u0085d", "e\x1cf")
    fill(path, {"a": odd, "b": ("sea",)})
    text = path.read_text(encoding="utf-8").replace("\\u2028", "\u2028").replace("\\u0085", "\u0085")
    path.write_text(text, encoding="utf-8")
    assert KeywordCache(path).get("a") == odd and len(KeywordCache(path)) == 2


def test_single_quotes_and_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    path = tmp_path / "cache.jsonl"
    path.write_text("{'key': 'a', 'phrases': []}\n")
    with pytest.raises(CheckpointError, match=r"line 1.*double quotes, and this line single ones"):
        KeywordCache(path)
    with (
        pytest.raises(CheckpointError, match=r"cannot be opened.*choose another --cache"),
        KeywordCache(path / "c.jsonl"),
    ):
        pass


def test_kill_minus_nine_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    path, count = tmp_path / "cache.jsonl", tmp_path / "count"
    code = f"""
import sys, time
from pathlib import Path
from thinkrec.keywords.extractor import extract_keywords
from thinkrec.keywords.cache import KeywordCache
class Slow:
    name, language = "slow", "en"
    def get_settings(self): return {{}}
    def extract(self, texts, done):
        for place, text in enumerate(texts):
            with open({str(count)!r}, "a") as file: file.write(text + "\\n")
            done(place, [text])
            time.sleep(0.01 if len(sys.argv) > 1 else 0)
found = extract_keywords([f"word{{i}} sea" for i in range(300)], Slow(), cache=KeywordCache(Path({str(path)!r})))
assert found == [(f"word{{i}} sea",) for i in range(300)]
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = subprocess.Popen([sys.executable, "-c", code, "slowly"], env=environment)
    until = time.monotonic() + 30
    while not (path.is_file() and path.stat().st_size > 2000):
        assert time.monotonic() < until
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    done = len(KeywordCache(path))
    assert 0 < done < 300
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    asked = count.read_text().splitlines()
    assert len(set(asked)) == 300
    assert len(asked) <= 301, "at most the one text that was under way is read twice"
