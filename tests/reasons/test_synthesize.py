"""One start of a synthesis: states, summary, and why the teacher stopped."""

from __future__ import annotations

from pathlib import Path

from support.asking import DS, PROSE, config
from support.scripted_server import fails, says, serve

from thinkrec.reasons.choose import choose_rows
from thinkrec.reasons.synthesize import read_row_states, synthesize_reasons
from thinkrec.teacher.config import Budget


def test_a_start_goes_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    with serve(lambda request: says(f"Yes. {PROSE}")) as served:
        settings = config(served.url, n_rows=6, policy="discard", teacher={"budget": Budget(max_requests=2)})
        rows = choose_rows(DS, settings)
        before = read_row_states(DS, rows, settings, tmp_path / "a.jsonl")
        assert {state.outcome for state in before} == {"not asked"} and not served.requests
        assert not (tmp_path / "a.jsonl").exists(), "reading leaves nothing behind"
        _, first, stop = synthesize_reasons(DS, rows, settings, tmp_path / "a.jsonl")
        assert stop is not None and stop.budget and first.first_answers == 2
        further = settings.model_copy(
            update={"teacher": settings.teacher.model_copy(update={"budget": Budget(max_requests=9)})}
        )
        states, second, stop = synthesize_reasons(DS, rows, further, tmp_path / "a.jsonl")
        assert stop is None and second.first_answers == 6 and len(served.requests) == 6
        assert read_row_states(DS, rows, further, tmp_path / "a.jsonl") == states


def test_a_refusal_is_handed_back(tmp_path: Path) -> None:
    with serve(lambda request: fails(402, "no credit")) as served:
        settings = config(served.url, n_rows=3)
        _, summary, stop = synthesize_reasons(DS, choose_rows(DS, settings), settings, tmp_path / "a.jsonl")
    assert stop is not None and not stop.budget and "no credit" in str(stop)
    assert summary.first_answers == 0
