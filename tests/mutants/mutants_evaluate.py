"""Mutants of evaluate/ apart from grounding: metrics, draws, calibration."""

from __future__ import annotations

from mutant import Mutant

RANKING = "evaluate/test_evaluate_ranking.py"
BY_HAND = ("evaluate/test_ranking_by_hand.py",)
BOOTSTRAP = "evaluate/test_evaluate_bootstrap.py"

MUTANTS = (
    Mutant("one-class-is-a-half", "evaluate/ranking.py", "np.full(len(rows), np.nan)", "np.full(len(rows), 0.5)",
           (f"{RANKING}::test_single_class_users_are_dropped_from_uauc",), "users without an AUC pull UAUC to .5"),
    Mutant("one-row-users-kept", "evaluate/ranking.py", "dropped = rows < 2", "dropped = rows < 1",
           (f"{RANKING}::test_one_row_users_are_dropped_from_ndcg_and_map",),
           "users who cannot be ranked wrongly count"),
    Mutant("map-denominators-swapped", "evaluate/ranking.py", 'positives if denominator == "all" else',
           'positives if denominator != "all" else',
           (f"{RANKING}::test_the_two_denominators_differ_only_where_a_user_has_more_than_k_liked_rows",),
           "MAP of another policy"),
    Mutant("ndcg-ideal-from-the-ranking", "evaluate/ranking.py", "np.cumsum(discount)))[np.minimum(positives, k)]",
           "np.cumsum(discount)))[np.bincount(code, weights=hit, minlength=len(rows)).astype(int)]", BY_HAND,
           "missing every liked item but one is ideal"),
    Mutant("discount-one-off", "evaluate/ranking.py", "np.arange(2, k + 2)", "np.arange(3, k + 3)", BY_HAND,
           "NDCG of other ranks"),
    Mutant("precision-one-off", "evaluate/ranking.py", "/ (place + 1)", "/ (place + 2)", BY_HAND, "MAP of other ranks"),
    Mutant("cut-one-late", "evaluate/ranking.py", "y * (place < k)", "y * (place <= k)", BY_HAND, "metrics at k + 1"),
    Mutant("worst-score-first", "evaluate/ranking.py", "np.lexsort((-s, code))", "np.lexsort((s, code))", BY_HAND,
           "the ranking is turned round"),
    Mutant("ties-are-wins", "evaluate/ranking.py", "+ size[tie] + 1", "+ 2 * size[tie]",
           ("parity/test_parity_metrics.py", f"{RANKING}::test_values_by_hand"), "equal scores look like knowledge"),
    Mutant("rows-drawn-for-users", "evaluate/bootstrap.py", "distinct, code = check.users(user, len(y))",
           "distinct, code = check.users(np.arange(len(y)), len(y))",
           (f"{BOOTSTRAP}::test_a_draw_equals_the_metric_on_repeated_users",), "intervals are too narrow"),
    Mutant("draws-without-replacement", "evaluate/bootstrap.py",
           "np.bincount(rng.integers(n_users, size=n_users), minlength=n_users)", "np.ones(n_users, dtype=np.int64)",
           (f"{BOOTSTRAP}::test_draws_depend_on_the_seed_alone_and_keep_the_number_of_users",
           f"{BOOTSTRAP}::test_intervals_hold_the_value_and_shrink_with_more_users"), "intervals of no width"),
    Mutant("draws-not-paired", "evaluate/bootstrap.py", "a.draws[metric] - b.draws[metric]",
           "a.draws[metric] - b.draws[metric][::-1]", (f"{BOOTSTRAP}::test_a_model_is_not_ahead_of_itself",),
           "differences are as wide as two models"),
    Mutant("one-sided-interval", "evaluate/bootstrap.py", "((1 - level) / 2, (1 + level) / 2)", "(1 - level, level)",
           (f"{BOOTSTRAP}::test_an_interval_leaves_out_half_of_the_rest_on_each_side",),
           "a 90 % interval is called 95 %"),
    Mutant("weighted-ties-lost", "evaluate/bootstrap.py", "negatives[self.below] + negatives[self.up_to]",
           "2 * negatives[self.below]", (f"{BOOTSTRAP}::test_a_draw_equals_the_metric_on_repeated_users",),
           "draws of another metric"),
    Mutant("edges-to-the-bin-below", "evaluate/calibration.py", 'np.searchsorted(edges, p, side="right")',
           'np.searchsorted(edges, p, side="left")',
           ("evaluate/test_evaluate_calibration.py::test_edges_belong_to_the_bin_above_and_one_to_the_last",),
           "bins of another rule"),
    Mutant("bins-weigh-alike", "evaluate/calibration.py", "(count * np.abs(observed - predicted)).sum() / len(y)",
           "np.abs(observed - predicted).mean()", ("evaluate/test_evaluate_calibration.py::test_value_by_hand",),
           "a bin of one row counts as one of a thousand"),
    Mutant("scores-that-are-nan", "evaluate/check.py", "wrong = np.flatnonzero(~np.isfinite(found))",
           "wrong = found[:0]", (f"{RANKING}::test_a_score_that_is_not_finite_is_refused_by_row",),
           "NaN ranks first or last by accident"),
    Mutant("its-own-partner", "evaluate/partners.py", "np.roll(order, -step)", "order",
           ("evaluate/test_evaluate_partners.py",), "the baseline is the reason itself"),
)  # fmt: skip
