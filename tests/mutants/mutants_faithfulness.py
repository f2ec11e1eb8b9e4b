"""Mutants of the effects of history lines, of evaluate/faithfulness/, and of the policy `deciding`."""

from __future__ import annotations

from mutant import Mutant

EFFECTS = "score/test_line_effects.py"
BY_HAND = (f"{EFFECTS}::test_effects_are_what_the_score_loses",)
QUERY = ("data/test_query.py",)
MEASURES = ("evaluate/faithfulness/test_measures.py",)
RESULTS = ("evaluate/faithfulness/test_results.py",)
CITED = ("evaluate/faithfulness/test_cited_lines.py",)
DECIDING = ("score/test_deciding_lines.py",)

MUTANTS = (
    Mutant(
        "older-rating-slides-in",
        "data/query.py",
        "int(np.searchsorted(self.erased, start))",
        "len(self.erased)",
        QUERY,
        "an erased line lets an older one into the window, or the window loses one",
    ),
    Mutant(
        "erased-places-forget-earlier-ones",
        "data/query.py",
        "np.union1d(self.erased, before[places])",
        "np.union1d(self.erased, places)",
        QUERY,
        "a second erasure is counted in the past that is left",
    ),
    Mutant(
        "flip-writes-into-the-data",
        "data/query.py",
        "labels = self.labels.copy()",
        "labels = self.labels",
        QUERY,
        "turning a label turns it in the data set",
    ),
    Mutant(
        "room-shows-an-older-line",
        "score/line_effects.py",
        "return query.pin_window(int(places[0])) if len(places) else query",
        "return query",
        (f"{EFFECTS}::test_a_prompt_with_more_room_shows_no_older_line",),
        "an erased line makes room in the prompt",
    ),
    Mutant(
        "recent-ten-reach-further-back",
        "collab/features/slot_encoder.py",
        "recent = len(query.items) - query.find_recent(RECENT).start",
        "recent = RECENT",
        (f"{EFFECTS}::test_an_erased_line_leaves_vectors_statistics_and_neighbourhood",),
        "the eleventh rating takes the place of an erased one in the user's statistics",
    ),
    Mutant(
        "effects-reversed",
        "score/line_effects.py",
        "values[0] - values[1:]",
        "values[1:] - values[0]",
        BY_HAND,
        "a line that speaks for the item has a negative effect",
    ),
    Mutant(
        "erasures-are-flips",
        "score/line_effects.py",
        "changes[lines:] if flip",
        "changes[:lines] if flip",
        BY_HAND,
        "the effects of turning a label are those of erasing the line",
    ),
    Mutant(
        "kept-lines-are-erased",
        "score/line_effects.py",
        "erase_ratings(places[~keep])",
        "erase_ratings(places[keep])",
        (f"{EFFECTS}::test_kept_lines_leave_the_older_past_where_it_is",),
        "the lines to keep are those that go",
    ),
    Mutant(
        "partners-of-any-label",
        "evaluate/faithfulness/measures.py",
        "places[(labels == labels[line]) & (directions == 0)]",
        "places[directions == 0]",
        MEASURES,
        "a like is compared with a dislike, which it always beats",
    ),
    Mutant(
        "partners-that-are-cited",
        "evaluate/faithfulness/measures.py",
        "places[(labels == labels[line]) & (directions == 0)]",
        "places[(labels == labels[line]) & (places != line)]",
        MEASURES,
        "cited lines are compared with cited ones",
    ),
    Mutant(
        "stated-side-ignored",
        "evaluate/faithfulness/measures.py",
        "directions[line] * (effects[line] - effects[nearest])",
        "effects[line] - effects[nearest]",
        MEASURES,
        "an argument against wins by speaking for",
    ),
    Mutant(
        "ties-win",
        "evaluate/faithfulness/measures.py",
        "np.where(np.abs(ahead) <= TIE, 0.5, ahead > 0)",
        "(ahead >= 0)",
        MEASURES,
        "a scorer that reads no line wins all pairs",
    ),
    Mutant(
        "correlation-across-rows",
        "evaluate/faithfulness/measures.py",
        "x, y = first - first.mean(), second - second.mean()",
        "x, y = first, second",
        MEASURES,
        "rows of large effects correlate by themselves",
    ),
    Mutant(
        "false-sides-are-not-stated",
        "evaluate/faithfulness/cited_lines.py",
        "directions[position] = next(iter(sides_said))",
        "pass",
        CITED,
        "a false side is corrected by the label",
    ),
    Mutant(
        "sufficiency-of-nothing",
        "evaluate/faithfulness/row_sums.py",
        "abs(kept_score - effects.score)",
        "abs(kept_score - empty_score)",
        RESULTS,
        "lines suffice where they change nothing",
    ),
    Mutant(
        "gain-in-logits",
        "evaluate/faithfulness/results.py",
        "value / deviation, draws / deviation",
        "value, draws",
        RESULTS,
        "gains of models of other scales do not compare",
    ),
    Mutant(
        "deciding-whatever-the-label",
        "score/deciding_lines.py",
        "strength = effects.erase * (2 * effects.labels.astype(np.int64) - 1)",
        "strength = np.abs(effects.erase)",
        DECIDING,
        "a liked line that lowers the score may be cited as evidence for",
    ),
    Mutant(
        "deciding-by-the-strongest-of-all",
        "score/deciding_lines.py",
        "strength[side].max(initial=0.0)",
        "np.abs(strength).max(initial=0.0)",
        DECIDING,
        "a strong line of the other side leaves nothing to cite",
    ),
    Mutant(
        "deciding-forgets-the-target",
        "score/predictor.py",
        "if len(past) in places or citable.issuperset(places)",
        "if citable.issuperset(places)",
        ("score/test_explainer.py",),
        "a reason cannot name what it is about",
    ),
    Mutant(
        "weakest-titles-first",
        "decoding/citations.py",
        "key=lambda item: -waiting[item]",
        "key=lambda item: waiting[item]",
        ("decoding/test_citations.py::test_the_strongest_titles_come_first_where_strengths_are_known",),
        "a reason begins with what moved the score least",
    ),
)
