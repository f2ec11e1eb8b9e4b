"""Rounds of asking: policies, bounds, faults, and a report that accounts for every row."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from pathlib import Path

import pytest
from support import asking
from support.asking import DS, PROSE, config, data, interactions, labels, right, synthesise, turns
from support.scripted_server import Reaction, Request, fails, says, serve, truncated

from thinkrec.reasons import output, questions
from thinkrec.reasons.choose import choose_rows
from thinkrec.reasons.config import SynthesisConfig
from thinkrec.reasons.store import AttemptStore
from thinkrec.reasons.summary import format_summary_lines, summarise_outcomes
from thinkrec.reasons.synthesis import Synthesis
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.teacher.build import build_teacher, format_teacher_name
from thinkrec.teacher.client import NOTHING, Answer, make_question
from thinkrec.teacher.config import Budget, Prices


def test_all_right_at_once(tmp_path: Path) -> None:
    truth = labels(config())
    with serve(lambda request: right(truth[request.asked])) as served:
        settings = config(served.url, teacher={"prices": Prices(input=1, output=1)})
        cases, report, _ = synthesise(settings, tmp_path / "a.jsonl")
        again, second, _ = synthesise(settings, tmp_path / "a.jsonl")
        _, fewer, _ = synthesise(settings.model_copy(update={"n_rows": 5}), tmp_path / "a.jsonl")
    assert (report.accepted, report.first_right, report.first_accuracy, report.mean_attempts) == (20, 20, 1.0, 1.0)
    assert (report.requests, report.prompt_tokens, report.completion_tokens) == (20, 2000, 400)
    assert report.cost == pytest.approx(2400 / 1e6)
    assert len(served.requests) == 20, "a second start asks nothing"
    assert second.accepted == 20 and [c.answers for c in again] == [c.answers for c in cases]
    assert (fewer.rows, fewer.requests) == (5, 5), "the report is about these rows, not all of the store"


def test_rows_that_stand_elsewhere_are_not_asked_again(tmp_path: Path) -> None:
    table = interactions()
    before, after = data(table), data(table.reverse())
    with serve(lambda request: says(f"Yes. {PROSE}")) as served:
        settings = config(served.url, n_rows=12, policy="discard")
        for ds in (before, after):
            rows = choose_rows(ds, settings)
            with AttemptStore(tmp_path / "a.jsonl") as store:
                teacher = build_teacher(settings.teacher, ds)
                synthesis = Synthesis(ds, settings, teacher.name, store)
                synthesis.run(rows, teacher)
                report = summarise_outcomes(
                    synthesis, [synthesis.get_row_state(int(row)) for row in rows], settings, seconds=0.0
                )
            assert (len(served.requests), report.requests, report.first_answers) == (12, 12, 12)


def test_a_store_whose_keys_hold_the_place_of_a_row_is_taken_up(tmp_path: Path) -> None:
    settings = config(n_rows=3, policy="discard")
    rows = choose_rows(DS, settings)
    with AttemptStore(tmp_path / "a.jsonl") as store:
        synthesis = Synthesis(DS, settings, "t", store)
        for row in map(int, rows):
            case = synthesis.get_row_state(row)
            assert case.next_question is not None and case.next_question.row == row
            it = DS.interactions
            name = [int(it.order[row]), DS.user_ids[it.user[row]], DS.items.ids[it.item[row]]]
            old = make_question(name, case.next_question.messages, "t", "drop")
            synthesis.store_answer(case, old, Answer(f"Yes. {PROSE}", "", NOTHING, 0.0))
        assert [len(synthesis.get_row_state(int(row)).answers) for row in rows] == [1, 1, 1]


@pytest.mark.parametrize(
    ("policy", "key", "legacy"),
    [
        (
            "retry",
            "bb262ce83c4b46f6a5f871139c192177969eebd522e075732405627228d65feb",
            "bebbb07dafc0ea92704b314c49c24d666e86bbc482f25ad10f8e19b4257e492c",
        ),
        (
            "retry_with_label",
            "0bba7b0a7aa0d29dce0096c702ef10bd58584fb7336a519252a316645c9c3dfe",
            "a029a18d61061c28042f6d33c6d70e948fe85696a3edf960b4f5c986d615d2e7",
        ),
        (
            "discard",
            "adcbaf317c05e03173ab3fd2f947e1fb7aecd7885c07b91b3f55f4d525471b16",
            "d1bdc9101bf2d90fb98c30369bb26ab598ed87c9a55544252303d08bd26fd640",
        ),
    ],
)
def test_keys_of_questions_are_those_of_earlier_versions(policy: str, key: str, legacy: str, tmp_path: Path) -> None:
    # What stores hold was paid for: it has to be found again whatever the words of today are.
    world = SimulatorConfig(users=12, items=30, interactions_per_user=(6, 8))
    settings = SynthesisConfig.model_validate({"teacher": {"kind": "rules", "history_length": 4}, "policy": policy})
    store = AttemptStore(tmp_path / "none.jsonl", write=False)
    name = format_teacher_name(settings.teacher)
    synthesis = Synthesis(simulate_catalogue(world, 3).dataset, settings, name, store)
    question = synthesis.get_row_state(20).next_question
    assert question is not None and question.key == key
    assert synthesis._compute_legacy_key(20, question.messages) == legacy


def test_again_says_nothing_of_the_outcome_and_keeps_the_conversation(tmp_path: Path) -> None:
    truth = labels(config())
    with serve(lambda request: right(truth[request.asked] if turns(request) == 2 else not truth[request.asked])) as s:
        cases, report, _ = synthesise(config(s.url, max_attempts=3), tmp_path / "a.jsonl")
    assert report.accepted == 20 and report.hinted == 0 and report.first_accuracy == 0.0
    assert report.attempts == {"3": 20} and len(s.requests) == 60
    for request in s.requests:
        roles = [message["role"] for message in request.messages]
        assert roles == ["system", "user", *["assistant", "user"] * turns(request)]
        for message in request.messages[3:]:
            assert "as it happened" not in message["content"].lower()
    assert {case.first_verdict == case.label for case in cases} == {False}


def test_hint_is_recorded(tmp_path: Path) -> None:
    truth = labels(config())
    wrong = set(list(truth)[:7])

    def react(request: Request) -> Reaction:
        told = "As it happened" in request.messages[-1]["content"]
        assert told == (turns(request) > 0)
        return right(truth[request.asked] == (told or request.asked not in wrong))

    with serve(react) as served:
        settings = config(served.url, policy="retry_with_label")
        cases, report, _ = synthesise(settings, tmp_path / "a.jsonl")
    assert (report.accepted, report.hinted, report.share_hinted) == (20, 7, 7 / 20)
    table = output.build_reason_table(DS, cases, settings)
    assert table["hinted"].sum() == 7 and table.filter(~table["hinted"])["attempts"].to_list() == [1] * 13
    for row in table.iter_rows(named=True):
        assert (row["first_verdict"] == ("Yes" if row["label"] else "No")) == (not row["hinted"])


def test_drop_asks_once(tmp_path: Path) -> None:
    truth = labels(config())
    with serve(lambda request: right(not truth[request.asked])) as served:
        _, report, _ = synthesise(config(served.url, policy="discard", max_attempts=5), tmp_path / "a.jsonl")
    assert report.wrong == 20 and len(served.requests) == 20


@pytest.mark.parametrize("policy", ["retry", "retry_with_label"])
def test_wrong_for_ever_ends(policy: str, tmp_path: Path) -> None:
    truth = labels(config())
    with serve(lambda request: right(not truth[request.asked])) as served:
        settings = config(served.url, policy=policy, max_attempts=4)
        _, report, _ = synthesise(settings, tmp_path / "a.jsonl")
        synthesise(settings, tmp_path / "a.jsonl")
        assert len(served.requests) == 80 and set(served.counts().values()) == {1}
        assert report.wrong == 20 and report.accepted == 0
        # Raising the bound goes on from there.
        synthesise(settings.model_copy(update={"max_attempts": 5}), tmp_path / "a.jsonl")
        assert len(served.requests) == 100


def test_an_answer_without_a_verdict_is_asked_for_its_form_and_never_hinted(tmp_path: Path) -> None:
    truth = labels(config())

    def react(request: Request) -> Reaction:
        return right(truth[request.asked]) if turns(request) else says("Not sure. " + PROSE)

    with serve(react) as served:
        cases, report, _ = synthesise(config(served.url, policy="retry_with_label"), tmp_path / "a.jsonl")
    assert report.accepted == 20 and report.hinted == 0 and report.first_unreadable == 20 and report.first_accuracy == 0
    assert {found.kind for case in cases for found in case.answers} == {"first", "form"}
    with serve(lambda request: says("Novel idea.")) as served:
        _, report, _ = synthesise(config(served.url), tmp_path / "b.jsonl")
    assert report.unreadable == 20 and len(served.requests) == 60


def test_an_answer_that_opens_with_a_title_of_the_row_has_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles = [f"Yes, Madam {number}" for number in range(len(DS.items))]
    monkeypatch.setattr(asking, "DS", dataclasses.replace(DS, items=dataclasses.replace(DS.items, titles=titles)))

    def react(request: Request) -> Reaction:
        return says(f"{re.findall('Yes, Madam [0-9]+', request.asked)[-1]} would do. {PROSE}")

    with serve(react) as served:
        cases, report, _ = synthesise(config(served.url), tmp_path / "a.jsonl")
    assert report.unreadable == 20 and report.first_unreadable == 20 and report.accepted == 0
    assert all(case.first_verdict is None for case in cases)


def test_the_faulty_server_loses_nothing(tmp_path: Path) -> None:
    """Every row meets a trouble of its own; the report says what became of it."""
    truth = labels(config())
    troubles = [
        fails(429, headers={"Retry-After": "0"}),
        fails(500),
        Reaction(hang=5),
        truncated("Yes."),
        says(""),
        says(None, reasoning_content="thoughts alone"),
        fails(503),
    ]
    names = list(truth)
    passing = {name: troubles[i % 7] for i, name in enumerate(names[:14])}
    lasting = dict(zip(names[14:18], (fails(500), says(""), truncated("x"), fails(400, "no")), strict=True))

    def react(request: Request) -> Reaction:
        if request.asked in lasting:
            return lasting[request.asked]
        if request.asked in passing and not request.earlier:
            return passing[request.asked]
        return right(truth[request.asked] != (request.asked in names[18:]))

    with serve(react) as served:
        settings = config(served.url, max_attempts=2, teacher={"timeout": 0.4, "concurrency": 8})
        _, report, stopped = synthesise(settings, tmp_path / "a.jsonl")
        count = Counter(request.asked for request in served.requests)
        first = len(served.requests)
        # What failed is asked again at the next start, what was answered is not.
        lasting.clear()
        _, second, _ = synthesise(settings, tmp_path / "a.jsonl")
    assert stopped is None
    assert (report.accepted, report.wrong, sum(report.failed.values())) == (14, 2, 4)
    assert any("400" in why for why in report.failed) and any("empty" in why for why in report.failed)
    assert [count[name] for name in names] == [2] * 14 + [6, 6, 6, 2] + [2, 2]
    assert (second.accepted, second.wrong, second.failed) == (18, 2, {})
    assert len(served.requests) - first == 4


@pytest.mark.parametrize("status", [401, 402])
def test_a_refusal_in_mid_run_keeps_what_came_before(status: int, tmp_path: Path) -> None:
    truth = labels(config())
    seen: list[str] = []

    def react(request: Request) -> Reaction:
        seen.append(request.asked)
        return right(truth[request.asked]) if len(seen) <= 6 or not closed else fails(status)

    closed = [True]
    with serve(react) as served:
        settings = config(served.url, teacher={"concurrency": 1})
        _, report, stopped = synthesise(settings, tmp_path / "a.jsonl")
        assert stopped is not None and str(status) in stopped
        assert (report.accepted, report.not_asked, report.stopped) == (6, 14, stopped)
        closed.clear()
        _, report, stopped = synthesise(settings, tmp_path / "a.jsonl")
        assert (report.accepted, stopped) == (20, None)
        assert len(served.requests) == 21


def test_a_budget_ends_the_run_and_the_rest_is_accounted_for(tmp_path: Path) -> None:
    truth = labels(config())
    with serve(lambda request: right(truth[request.asked] == bool(turns(request)))) as served:
        settings = config(served.url, teacher={"budget": Budget(max_requests=25)})
        _, report, stopped = synthesise(settings, tmp_path / "a.jsonl")
    assert stopped is not None and "budget" in stopped
    assert (report.accepted, report.unfinished, report.not_asked) == (5, 15, 0) and len(served.requests) == 25


def test_a_refusal_is_asked_once_a_row_and_never_again(tmp_path: Path) -> None:
    """Two kinds of refusal at the first question, one after a wrong answer; the next start asks none of them."""
    truth = labels(config())
    names = list(truth)
    first = {
        names[0]: fails(400, "no", code="content_filter"),
        names[1]: says(None, refusal="I can't."),
        names[2]: fails(400, "no", code="content_filter"),
    }
    later = names[3]

    def react(request: Request) -> Reaction:
        if request.asked in first:
            return first[request.asked]
        if request.asked == later:
            return says("", finish="SAFETY") if turns(request) else right(not truth[later])
        return right(truth[request.asked])

    with serve(react) as served:
        settings = config(served.url, max_attempts=3)
        cases, report, _ = synthesise(settings, tmp_path / "a.jsonl")
        count = Counter(request.asked for request in served.requests)
        asked = len(served.requests)
        _, again, _ = synthesise(settings, tmp_path / "a.jsonl")
        assert len(served.requests) == asked
    assert report.refused == again.refused == {"SAFETY": 1, "content_filter": 2, "refusal": 1}
    assert (report.accepted, report.failed, again.accepted, again.failed) == (16, {}, 16, {})
    assert [count[name] for name in names[:5]] == [1, 1, 1, 2, 1]
    assert [case.outcome for case in cases].count("refused") == 4
    shown = dict(format_summary_lines(report))
    assert shown["refused: content_filter"] == "2" and not any(what.startswith("failed") for what in shown)


def test_many_different_failures_print_as_the_commonest_ones(tmp_path: Path) -> None:
    with serve(lambda request: fails(400, f"odd {request.asked[-60:]}")) as served:
        settings = config(served.url, policy="discard", n_rows=12, teacher={"concurrency": 1})
        _, report, _ = synthesise(settings, tmp_path / "a.jsonl")
    assert sum(report.failed.values()) == 12 == len(report.failed)
    shown = [line for line in format_summary_lines(report) if line[0].startswith("failed")]
    assert len(shown) == 9 and shown[-1] == ("failed: 4 further reasons (see the report)", "4")


def test_the_question_hides_the_outcome_and_the_future() -> None:
    settings = config(max_history=5)
    it = DS.interactions
    for row in map(int, choose_rows(DS, settings)):
        label = it.label.copy()
        label[row : it.start[it.user[row] + 1]] ^= 1
        flipped = dataclasses.replace(DS, interactions=dataclasses.replace(it, label=label))
        system, user = questions.render_first_question(DS, row, settings)
        assert (system, user) == questions.render_first_question(flipped, row, settings)
        assert questions.render_retry_with_label(DS, row) != questions.render_retry_with_label(flipped, row)
        assert questions.render_retry(DS, row) == questions.render_retry(flipped, row)
        assert DS.items.titles[it.item[row]] in user.text and "viewer" in system.text
        past = it.get_history(row, 5)
        assert all(DS.items.titles[i] in user.text for i in it.item[past])
        assert user.text.count("| Yes\n") + user.text.count("| No\n") == past.stop - past.start


def test_the_reasoning_can_be_the_reason(tmp_path: Path) -> None:
    truth = labels(config())

    def react(request: Request) -> Reaction:
        return says("Yes." if truth[request.asked] else "No.", reasoning_content="the trace goes on and on here")

    with serve(react) as served:
        settings = config(served.url)
        cases, report, _ = synthesise(settings, tmp_path / "a.jsonl")
        assert report.accepted == 20, "an answer without argument falls back on the trace"
        texts = output.build_reason_table(DS, cases, settings)["reason"]
    assert set(texts.str.replace(r"^(Yes|No)\. ", "")) == {"The trace goes on and on here"}


def test_another_teacher_is_asked_anew(tmp_path: Path) -> None:
    truth = labels(config())
    with serve(lambda request: right(truth[request.asked])) as served:
        synthesise(config(served.url, n_rows=5), tmp_path / "a.jsonl")
        cases, report, _ = synthesise(config(served.url, n_rows=5, teacher={"model": "other"}), tmp_path / "a.jsonl")
    assert len(served.requests) == 10
    assert report.accepted == 5
    assert {"other" in found.teacher for case in cases for found in case.answers} == {True}
