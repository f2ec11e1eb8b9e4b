"""The store survives a kill at any byte."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from thinkrec.errors import DataError
from thinkrec.reasons.store import Attempt, AttemptStore, make_attempt
from thinkrec.teacher.client import Answer, Message, Usage, make_question

ODD = 'a line\u2028that is\u0085 one,\r\nwith "quotes" and half a pair: \ud800 ... \U0001f600'


def made(n: int, failure: str | None = None, text: str = "Yes. " + ODD) -> Attempt:
    ask = make_question(n, (Message("user", "?"),), "t", "again")
    answer = Answer("" if failure else text, "r", Usage(10, 2, 0.5, 1), 0.25, failure)
    about = {"order": n, "user_id": "u", "item_id": 3, "teacher": "t", "policy": "retry", "kind": "first"}
    return make_attempt(ask, answer, "2026-01-01T00:00:00Z", hinted=False, **about)


def fill(path: Path, n: int) -> list[Attempt]:
    with AttemptStore(path) as store:
        for i in range(n):
            store.add(made(i))
        return list(store.attempts)


def test_what_was_added_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.jsonl"
    found = fill(path, 3)
    with AttemptStore(path) as store:
        assert store.attempts == found
        assert store.get_answer(found[1].key) == found[1] and store.get_answer("other") is None
        assert store.sum_usage("t") == Usage(30, 6, 1.5, 3) and store.sum_usage("else").requests == 0
    assert path.read_bytes().count(b"\n") == 3


def test_lines_of_an_older_version_have_the_names_of_today(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    line = json.dumps(dataclasses.asdict(made(0)))
    for policy, kind in (("again", "again"), ("hint", "hint"), ("drop", "first"), ("hint", "form")):
        older = json.loads(line) | {"policy": policy, "kind": kind}
        with path.open("a") as file:
            file.write(json.dumps(older) + "\n")
    found = [(attempt.policy, attempt.kind) for attempt in AttemptStore(path, write=False).attempts]
    assert found == [("retry", "retry"), ("retry_with_label",) * 2, ("discard", "first"), ("retry_with_label", "form")]
    path.write_text(json.dumps({name: value for name, value in json.loads(line).items() if name != "policy"}) + "\n")
    with pytest.raises(DataError, match="policy"):
        AttemptStore(path, write=False)


def test_a_kill_at_any_byte_costs_at_most_the_line_being_written(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    found = fill(path, 3)
    whole = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == 10]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        complete = sum(cut >= end - 1 for end in ends)  # the newline itself may lack
        with AttemptStore(path, write=False) as reading:
            assert reading.attempts == found[:complete]
        assert path.read_bytes() == whole[:cut], "reading repairs nothing"
        if cut % 5 and cut not in {end + d for end in ends for d in (-2, -1, 0, 1)}:
            continue  # every write is synced; a fifth of them will do
        with AttemptStore(path) as store:
            assert store.attempts == found[:complete]
            store.add(made(9))
        assert (
            path.read_bytes()
            == b"".join(line + b"\n" for line in whole[: cut + 1].split(b"\n")[:complete])
            + (path.read_bytes()[ends[complete - 1] if complete else 0 :])
        )
        with AttemptStore(path) as store:
            assert store.attempts == [*found[:complete], made(9)]


def test_damage_in_the_middle_is_told_and_touches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    fill(path, 3)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], lines[1][:20], lines[2], b""]))
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(DataError, match="line 2 is no attempt"):
            AttemptStore(path)
    assert path.read_bytes() == before
    path.write_bytes(b"[1, 2]\n")
    with pytest.raises(DataError, match="line 1"):
        AttemptStore(path)


def test_a_failure_is_no_answer_and_the_first_answer_counts(tmp_path: Path) -> None:
    with AttemptStore(tmp_path / "a.jsonl") as store:
        store.add(made(1, failure="500"))
        assert store.get_answer(made(1).key) is None
        store.add(made(1, text="Yes."))
        store.add(made(1, text="No."))
        assert store.get_answer(made(1).key) == made(1, text="Yes.")
    with AttemptStore(tmp_path / "a.jsonl") as store:
        assert store.get_answer(made(1).key) == made(1, text="Yes.")


def test_a_refusal_is_no_answer_and_stays(tmp_path: Path) -> None:
    refused = dataclasses.replace(made(1, failure="the content was refused"), refused="content_filter")
    with AttemptStore(tmp_path / "a.jsonl") as store:
        store.add(refused)
        assert store.get_answer(refused.key) is None and store.get_refusal(refused.key) == refused
    with AttemptStore(tmp_path / "a.jsonl") as store:
        assert store.get_refusal(refused.key) == refused and store.get_refusal("other") is None


def test_a_store_from_before_refusals_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    fill(path, 1)
    path.write_bytes(path.read_bytes().replace(b', "refused": null', b""))
    assert b"refused" not in path.read_bytes()
    assert AttemptStore(path, write=False).attempts == [made(0)]


def test_single_quotes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(repr(dataclasses.asdict(made(1))) + "\n")
    with pytest.raises(DataError, match=r"line 1 is no attempt.*double quotes, and this line single ones"):
        AttemptStore(path)


def test_a_store_in_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"the store cannot be opened.*choose another --store"):
        AttemptStore(tmp_path / "file" / "a.jsonl")


def test_one_process_at_a_time(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="no file locks on this system")
    with AttemptStore(tmp_path / "a.jsonl"):
        with pytest.raises(DataError, match="another run"):
            AttemptStore(tmp_path / "a.jsonl")
        AttemptStore(tmp_path / "a.jsonl", write=False).close()
    AttemptStore(tmp_path / "a.jsonl").close()


def test_reading_makes_no_file(tmp_path: Path) -> None:
    assert AttemptStore(tmp_path / "none.jsonl", write=False).attempts == []
    assert not (tmp_path / "none.jsonl").exists()
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(DataError, match="cannot be opened"):
        AttemptStore(tmp_path / "folder.jsonl")
