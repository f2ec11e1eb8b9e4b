"""Claims: one holder at a time, and the dead are followed, by one only."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from pathlib import Path

import pytest

from thinkrec.study import claims
from thinkrec.study.claims import CLAIMS, _describe_holder, _has_ended_here, find_holder, take_claim


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def take_and_wait(folder: Path, results) -> None:
    results.put(take_claim(folder) is not None)
    time.sleep(60)


def test_one_holds_it_until_it_lets_go(tmp_path: Path) -> None:
    claim = take_claim(tmp_path)
    assert claim is not None and claim.refresh_heartbeat()
    assert find_holder(tmp_path) == f"process {os.getpid()} on {os.uname().nodename}"
    assert take_claim(tmp_path) is None
    claim.release()
    assert find_holder(tmp_path) is None
    second = take_claim(tmp_path)
    assert second is not None and second.path.stem == "000002"
    assert not claim.refresh_heartbeat(), "the first one is told that it is not its turn any more"
    claim.release()
    assert find_holder(tmp_path) is not None, "letting go of what one does not hold changes nothing"
    assert [path.name for path in (tmp_path / CLAIMS).iterdir()] == ["000002.json"]


def test_a_claim_without_a_heartbeat_is_followed(tmp_path: Path) -> None:
    claim = take_claim(tmp_path)
    assert claim is not None
    claim.path.write_text(json.dumps({"host": "far", "machine": "another", "pid": 1, "began": "1"}))
    age(claim.path, 100)
    assert find_holder(tmp_path) == "process 1 on far" and take_claim(tmp_path) is None
    age(claim.path, 130)
    assert find_holder(tmp_path) is None
    assert take_claim(tmp_path) is not None
    assert not claim.refresh_heartbeat(), "a machine that was only asleep sees it"


def test_the_heartbeat_keeps_it(tmp_path: Path) -> None:
    claim = take_claim(tmp_path)
    assert claim is not None
    age(claim.path, 1000)
    assert claim.refresh_heartbeat()
    assert find_holder(tmp_path) is not None


def test_a_killed_process_of_this_machine_is_followed_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    holder = context.Process(target=take_and_wait, args=(tmp_path, results))
    holder.start()
    assert results.get(timeout=30) and take_claim(tmp_path) is None
    holder.kill()
    holder.join()
    assert take_claim(tmp_path) is not None


def test_a_number_that_another_process_has_now_is_not_the_holder() -> None:
    me = _describe_holder()
    assert not _has_ended_here(me)
    assert _has_ended_here({**me, "began": "1"})
    assert not _has_ended_here({**me, "machine": "another", "began": "1"}), "of other machines nothing is known"
    assert not _has_ended_here({**me, "machine": None, "began": "1"})


def test_a_claim_just_created_and_still_empty_is_held(tmp_path: Path) -> None:
    (tmp_path / CLAIMS).mkdir()
    (tmp_path / CLAIMS / "000001.json").touch()
    assert take_claim(tmp_path) is None


def test_of_many_at_once_one_gets_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    processes = [context.Process(target=take_and_wait, args=(tmp_path, results)) for _ in range(6)]
    for process in processes:
        process.start()
    taken = [results.get(timeout=30) for _ in processes]
    for process in processes:
        process.kill()
        process.join()
    assert sum(taken) == 1


def test_two_that_saw_the_same_number_cannot_both_create_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = take_claim(tmp_path)
    assert first is not None
    # The second one looked before the first had created its number.
    monkeypatch.setattr(claims, "find_holder", lambda *_, **__: None)
    lists = [[], [first.path]]
    monkeypatch.setattr(claims, "_list_claims", lambda place: lists.pop(0))
    assert take_claim(tmp_path) is None


def test_a_number_that_was_free_again_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / CLAIMS
    place.mkdir()
    later = place / "000007.json"
    later.write_text("{}")
    monkeypatch.setattr(claims, "find_holder", lambda *_, **__: None)
    lists = [[place / "000002.json"], [place / "000003.json", later]]
    monkeypatch.setattr(claims, "_list_claims", lambda place: lists.pop(0))
    assert take_claim(tmp_path) is None
    assert [path.name for path in place.iterdir()] == ["000007.json"]


def test_the_heartbeat_stops_whoever_was_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "BEAT", 0.01)
    given_up, asleep = threading.Event(), take_claim(tmp_path)
    assert asleep is not None
    asleep.keep_heartbeat(given_up.set)
    assert not given_up.wait(0.2)
    (tmp_path / CLAIMS / "000002.json").write_text("{}")
    assert given_up.wait(30)
    ended = take_claim(tmp_path / "other")
    assert ended is not None
    ended.keep_heartbeat(lambda: pytest.fail("it was let go of"))
    ended.release()
    then = ended.path.stat().st_mtime_ns
    time.sleep(0.1)
    assert ended.path.stat().st_mtime_ns == then
