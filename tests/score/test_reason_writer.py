"""Who writes the reason that somebody is shown: the model where its text stands up to a check, else the rules."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from thinkrec.claims.cases import build_case
from thinkrec.claims.citations import Catalogue
from thinkrec.claims.grounding import GroundingCase
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST
from thinkrec.data.query import Query
from thinkrec.decoding.config import DecodingConfig
from thinkrec.evaluate.faithfulness.cited_lines import read_cited_lines
from thinkrec.prompts.config import PromptConfig
from thinkrec.score.fluency import collect_words, find_fluency_fault
from thinkrec.score.reason_writer import KEPT, ReasonWriter, find_text_fault
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.teacher.rule_reasons import argue_item

DS = simulate_catalogue(SimulatorConfig(users=60, items=120, interactions_per_user=(12, 20)), 11).dataset
ROWS = DS.interactions.get_split_rows(TEST)[:30]
SCORES = np.where(np.arange(30) % 2, 1.0, -1.0)
NONSENSE = "shares the the Red,000,000"
KNOWN = collect_words(["This viewer enjoyed X and X, and X brings sea and ghosts. It lacks war, so X should please."])


@pytest.mark.parametrize(
    ("prose", "fault"),
    [
        ("This viewer enjoyed X, and X brings sea.", None),
        ("This viewer enjoyed Tarkovsky, and X brings sea.", None),
        ("This viewer enjoyed the the sea.", "a word twice in a row"),
        ("X brings sea, sea and ghosts.", "a word twice in a row"),
        ("Yes Yes No", "a word twice in a row"),
        ("shares the Red,000,000", "strange marks"),
        ("This viewer enjoyed X | No. It lacks war.", "strange marks"),
        ("This viewer enjoyed <pad> X.", "strange marks"),
        ("X is a sympost, with a sympit and a moral.", "words that nobody uses"),
        ("Well.", "1 words"),
        ("", "0 words"),
        ("X brings sea and X brings sea and X brings sea and X brings sea and X brings sea.", "repetitions"),
    ],
)
def test_what_does_not_read_like_prose(prose: str, fault: str | None) -> None:
    found = find_fluency_fault(prose, KNOWN)
    assert (found if found is None else found.partition(" (")[0]) == fault


CASE = GroundingCase(
    ("The Lamp", "Oak"),
    (True, False),
    "Cold Harbour",
    keywords=("sea", "ghosts", "war"),
    target_keywords=("sea", "ghosts"),
    verdict=True,
    history_keywords=(("sea",), ("war",)),
)
GOOD = "Yes. This viewer enjoyed 'The Lamp', and 'Cold Harbour' brings sea."


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (GOOD, None),
        (f"{GOOD} It lacks war, so 'Cold Harbour' should please.", None),
        (GOOD.replace("Yes", "No"), "another verdict than the score's, or none"),
        (GOOD[5:], "another verdict than the score's, or none"),
        (f"{GOOD} 'Cold Harbour' should disappoint.", "a prediction against its verdict"),
        (GOOD[:-1], "no whole sentence at its end"),
        (GOOD.replace("The Lamp", "Oak"), "something untrue"),
        (GOOD.replace("brings sea", "brings war"), "something untrue"),
        (GOOD.replace("brings sea", "shares ghosts with 'The Lamp'"), "something untrue"),
        ("Yes. This viewer enjoyed 'Invented', and it brings sea.", "something untrue"),
        ("Yes. 'Cold Harbour' should please this viewer and X.", "nothing said of the row"),
        (f"Yes. {NONSENSE}.", "strange marks"),
    ],
)
def test_a_text_at_hand_is_checked(text: str, fault: str | None) -> None:
    known = KNOWN | collect_words(["shares with", "The Lamp"])
    found = find_text_fault(text, CASE, Catalogue(["The Lamp", "Oak", "Cold Harbour"]), known)
    assert (found if found is None else found.partition(" (")[0]) == fault


@dataclass
class Stub:
    """A recommender whose model writes what `says` gives."""

    ds: Dataset
    says: str | None
    prompt: PromptConfig = PromptConfig(history=8)  # noqa: RUF009
    asked: int = 0

    def score(self, rows: np.ndarray) -> np.ndarray:
        return np.where(rows % 3, 1.0, -1.0)

    def explain(self, rows: np.ndarray, scores: np.ndarray, **_: object) -> list[str]:
        self.asked += len(rows)
        return [self.says or self.argue(int(row), score > 0) for row, score in zip(rows, scores, strict=True)]

    def argue(self, row: int, verdict: bool) -> str:
        it = self.ds.interactions
        history, rng = it.get_history_rows(row, self.prompt.history), np.random.default_rng(5)
        return argue_item(self.ds, int(it.item[row]), history, rng, verdict=verdict).text


def writer(stub: Stub, choice: str = "auto", cite: str = "polarity_and_keywords", **options) -> ReasonWriter:
    return ReasonWriter(stub, choice, 40, cite, 2, list, **options)  # type: ignore[arg-type]


def test_nonsense_is_never_shown_and_the_rules_keep_the_scores_verdict() -> None:
    stub = Stub(DS, NONSENSE)
    found = writer(stub).explain(ROWS, SCORES)
    assert {written.author for written in found} <= {"rules", "plain"}
    assert [written.text.startswith("Yes. ") for written in found] == (SCORES > 0).tolist()
    assert stub.asked == 8, "none of the first eight passed, so the model is asked no more"
    assert writer(Stub(DS, "Yes Yes No")).explain(ROWS[:2], SCORES[:2]) == found[:2], "equal input, equal reasons"


def test_good_texts_of_the_model_are_shown_and_bad_ones_exchanged() -> None:
    stub = Stub(DS, None)
    who = writer(stub)
    assert who.trial.is_passing and who.trial.passed >= 12
    found = who.explain(ROWS, SCORES)
    assert sum(written.author == "model" for written in found) > 20
    queries = [Query.from_row(DS, int(row)) for row in ROWS[:2]]
    bad = who.write(queries, SCORES[:2], lambda places: [found[0].text, NONSENSE])
    assert bad[0] == found[0] and bad[1].author in ("rules", "plain")


def test_the_choice_is_kept_to() -> None:
    rules, model = Stub(DS, None), Stub(DS, NONSENSE)
    assert {written.author for written in writer(rules, "rules").explain(ROWS, SCORES)} <= {"rules", "plain"}
    assert rules.asked == 0
    assert {tuple(written) for written in writer(model, "model").explain(ROWS, SCORES)} == {(NONSENSE, "model")}


def test_the_trial_is_made_once_per_trained_stage(tmp_path: Path) -> None:
    first = Stub(DS, NONSENSE)
    assert not writer(first, folder=tmp_path, key="a").trial.is_passing
    kept = json.loads((tmp_path / KEPT).read_text())
    assert kept["passed"] == 0 and kept["rows"] == 8 and sum(kept["faults"].values()) == 8
    again, other = Stub(DS, None), Stub(DS, None)
    assert not writer(again, folder=tmp_path, key="a").trial.is_passing and again.asked == 0
    assert writer(other, folder=tmp_path, key="b").trial.is_passing and other.asked > 0
    assert replace(writer(Stub(DS, None), folder=tmp_path, key="b"), tokens=9).trial.rows > 0


def test_with_nothing_shared_it_says_what_the_score_goes_by() -> None:
    bare = replace(DS, items=replace(DS.items, keywords=[()] * len(DS.items)))
    for written, score in zip(writer(Stub(bare, NONSENSE)).explain(ROWS, SCORES), SCORES, strict=True):
        assert written.author == "plain"
        assert written.text.startswith("Yes. " if score > 0 else "No. ")
        assert "Nothing in this viewer's past shares a keyword with" in written.text
        assert "the score goes by the past as a whole" in written.text


def test_the_settings_of_decoding_reach_the_model_and_name_what_was_found_out(tmp_path: Path) -> None:
    @dataclass
    class Listener(Stub):
        decoding: object = None

        def explain(self, rows: np.ndarray, scores: np.ndarray, **options: object) -> list[str]:
            self.decoding = options["decoding"]
            return super().explain(rows, scores, **options)

    drawn = DecodingConfig(temperature=0.5)
    listener = Listener(DS, None)
    writer(listener, "model", decoding=drawn).explain(ROWS[:1], SCORES[:1])
    assert listener.decoding == drawn

    def count_asked(decoding: DecodingConfig) -> int:
        stub = Stub(DS, None)
        assert writer(stub, folder=tmp_path, key="k", decoding=decoding).trial.is_passing
        return stub.asked

    assert count_asked(DecodingConfig()) > 0 == count_asked(DecodingConfig())
    assert count_asked(drawn) > 0, "another trial"


@dataclass
class OneLine(Stub):
    """A model whose score is moved by one line of the visible past alone: the third from the end."""

    def find_visible_past(self, query: Query, item: int) -> np.ndarray:
        window = query.find_window(self.prompt.history, self.prompt.history_step)
        return np.arange(window.start, window.stop)

    def score_queries(self, queries: list[Query]) -> list[np.ndarray]:
        # What is erased leaves a gap; the third from the end of the past as it was is at this place.
        scores = []
        for query in queries:
            whole = len(query.items) + len(query.erased)
            left = np.setdiff1d(np.arange(whole), query.erased)
            at = np.flatnonzero(left == whole - 3)
            scores.append(np.array([2.0 * query.labels[at[0]] - 1.0 if len(at) else 0.0]))
        return scores


@pytest.mark.parametrize("cite", ["deciding", "deciding_and_keywords"])
@pytest.mark.parametrize("choice", ["rules", "auto"])
def test_the_rules_cite_what_decided_where_the_policy_asks(cite: str, choice: str) -> None:
    stub = OneLine(DS, NONSENSE)
    scores = np.array([float(stub.score_queries([Query.from_row(DS, int(row))])[0][0]) for row in ROWS])
    catalogue, cited = Catalogue(DS.items.titles), 0
    for row, score, reason in zip(ROWS, scores, writer(stub, choice, cite).explain(ROWS, scores), strict=True):
        past = DS.interactions.get_history_rows(int(row), 8)
        case = build_case(DS.items, DS.interactions.item[past], DS.interactions.label[past], 0, bool(score > 0))
        lines = read_cited_lines(
            reason.text, replace(case, target=DS.items.titles[DS.interactions.item[row]]), catalogue
        )
        assert set(np.flatnonzero(lines.is_cited)) <= {len(past) - 3}, reason.text
        assert reason.author == ("rules" if lines.is_cited.any() else "plain")
        cited += int(lines.is_cited.sum())
    assert cited > 25
    usual = writer(OneLine(DS, NONSENSE), "rules").explain(ROWS, scores)
    assert sum("the score of" in reason.text for reason in usual) == 0


def test_reasons_keep_their_places_where_the_rules_write_some_of_them() -> None:
    queries = [Query.from_row(DS, int(row)) for row in ROWS[:4]]
    stub = OneLine(DS, None)
    who = writer(stub, "auto", "deciding")
    rules = who.write(queries, SCORES[:4], lambda places: [NONSENSE] * 4)
    good = stub.argue(int(ROWS[2]), bool(SCORES[2] > 0))
    mixed = who.write(queries, SCORES[:4], lambda places: [NONSENSE, NONSENSE, good, NONSENSE])
    assert mixed[2] == (good, "model") and [mixed[i] for i in (0, 1, 3)] == [rules[i] for i in (0, 1, 3)]
