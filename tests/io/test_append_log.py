"""A log of lines: whatever a kill leaves of the last one is mended, and nothing else is ever touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from thinkrec.errors import DataError
from thinkrec.io.append_log import AppendLog, LogLockedError, append_record

ODD = "a line\u2028that is\u0085 one"
ENTRIES = [{"n": 1}, {"text": ODD}, {"n": 3}]


def parse_entry(line: bytes) -> dict:
    return json.loads(line)


def make_error(number: int, reason: str) -> DataError:
    return DataError(f"line {number} is nothing {reason}")


def open_log(path: Path, **options: bool) -> AppendLog[dict]:
    return AppendLog(path, parse_entry, make_error, **options)


def write_log(path: Path) -> bytes:
    with open_log(path) as log:
        for entry in ENTRIES:
            log.append_line(json.dumps(entry, ensure_ascii=False).encode())
    return path.read_bytes()


@pytest.mark.parametrize("sync", [False, True])
def test_what_was_appended_is_read_again(tmp_path: Path, sync: bool) -> None:
    path = tmp_path / "deep" / "log.jsonl"
    assert open_log(path).read_entries() == [] and not path.parent.exists(), "reading makes nothing"
    with open_log(path, sync=sync) as log:
        log.append_line(b'{"n": 1}')
        assert open_log(path).read_entries() == [{"n": 1}], "handed to the system at once"
        log.append_line(b'{"n": 2}')
    assert path.read_bytes() == b'{"n": 1}\n{"n": 2}\n'


def test_a_kill_at_any_byte_costs_at_most_the_last_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    content = write_log(path)
    ends = [i + 1 for i, byte in enumerate(content) if byte == 10]
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        whole = sum(cut >= end - 1 for end in ends)  # the end of a line may itself be what is missing
        assert open_log(path).read_entries() == ENTRIES[:whole]
        assert path.read_bytes() == content[:cut], "reading mends nothing"
        with open_log(path) as log:
            log.append_line(b'{"n": 9}')
        assert path.read_bytes() == content[: ends[whole - 1] if whole else 0] + b'{"n": 9}\n', cut


def test_damage_before_the_end_is_named_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n"\n{"n": 3')
    with pytest.raises(DataError, match=r"^line 2 is nothing \(.*\)$"):
        open_log(path).read_entries()
    path.write_bytes(b"{'n': 1}\n")
    with pytest.raises(DataError, match=r"line 1 .*double quotes, and this line single ones"):
        open_log(path).read_entries()
    assert path.read_bytes() == b"{'n': 1}\n"


def test_a_line_is_synced_before_it_counts_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_size))
    with open_log(tmp_path / "log.jsonl", sync=True) as log:
        log.append_line(b"{}")
        assert synced[-1] == 3
    synced.clear()
    with open_log(tmp_path / "log.jsonl") as log:
        log.append_line(b"{}")
    assert synced == []


def test_one_process_at_a_time_where_that_was_asked_for(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="no file locks on this system")
    path = tmp_path / "log.jsonl"
    with open_log(path, exclusive=True):
        with pytest.raises(LogLockedError):
            open_log(path, exclusive=True).open()
        open_log(path).read_entries()
        with open_log(path):
            pass
    with open_log(path, exclusive=True):
        pass


def test_a_log_that_cannot_be_opened_is_left_to_the_caller(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError) as raised:
        open_log(tmp_path / "file" / "log.jsonl").open()
    assert not isinstance(raised.value, LogLockedError)


def test_records_go_behind_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    append_record(path, {"stage": "global", "what": "Grüße"})
    path.write_bytes(path.read_bytes() + b'{"stage": "ex')
    append_record(path, {"stage": "experts"})
    assert path.read_bytes() == b'{"stage": "global", "what": "Gr\\u00fc\\u00dfe"}\n{"stage": "experts"}\n'


def test_nothing_heavy_is_imported() -> None:
    code = "import sys, thinkrec.io.append_log, thinkrec.io.files, thinkrec.io.hashing; print('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
