"""A coroutine runs to its end, inside a running loop too, and its error comes out."""

from __future__ import annotations

import asyncio
import threading

import pytest

from thinkrec.teacher.event_loop import run_coroutine


def test_without_a_loop_it_runs_in_this_thread() -> None:
    threads: list[threading.Thread] = []

    async def work() -> None:
        await asyncio.sleep(0)
        threads.append(threading.current_thread())

    run_coroutine(work)
    assert threads == [threading.current_thread()]


def test_inside_a_running_loop_it_runs_in_another_and_is_waited_for() -> None:
    threads: list[threading.Thread] = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        threads.append(threading.current_thread())

    async def notebook() -> None:
        run_coroutine(work)
        assert len(threads) == 1

    asyncio.run(notebook())
    assert threads[0] is not threading.current_thread()


@pytest.mark.parametrize("nested", [False, True], ids=["no loop", "a loop"])
def test_an_error_comes_out(nested: bool) -> None:
    async def work() -> None:
        raise LookupError("nobody there")

    async def notebook() -> None:
        run_coroutine(work)

    with pytest.raises(LookupError, match="nobody there"):
        if nested:
            asyncio.run(notebook())
        else:
            run_coroutine(work)
