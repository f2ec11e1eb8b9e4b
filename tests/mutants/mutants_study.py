"""Mutants of study/ and of what it tests with: corrections, the two sources of variance, claims, stale runs."""

from __future__ import annotations

from mutant import Mutant

HOLM = ("evaluate/metrics/test_multiple_tests.py",)
MEANS = "evaluate/metrics/test_seed_means.py"
BY_HAND = (f"{MEANS}::test_a_difference_by_hand",)
CLAIMS = "study/test_claims.py"
TABLES = "study/test_tables.py"
FILES = "study/test_study_files.py"
WALK = "study/test_walk.py"
RUNS = "study/test_runs.py"
SCHEDULE = "study/test_schedule.py"

MUTANTS = (
    Mutant(
        "holm-without-a-family",
        "evaluate/metrics/multiple_tests.py",
        "np.arange(len(order), 0, -1)",
        "np.ones(len(order))",
        HOLM,
        "with twenty tests one difference is called real by chance",
    ),
    Mutant(
        "holm-is-bonferroni",
        "evaluate/metrics/multiple_tests.py",
        "np.arange(len(order), 0, -1)",
        "len(order)",
        HOLM,
        "real differences are not seen",
    ),
    Mutant(
        "holm-not-monotone",
        "evaluate/metrics/multiple_tests.py",
        "np.maximum.accumulate(steps)",
        "steps",
        HOLM,
        "a larger p-value is called real where a smaller one is not",
    ),
    Mutant(
        "seeds-are-no-source-of-variance",
        "evaluate/metrics/seed_means.py",
        "error = math.sqrt(users + seeds)",
        "error = math.sqrt(users)",
        (f"{MEANS}::test_where_nothing_differs_one_in_twenty_is_called_real_and_not_more", *BY_HAND),
        "a lucky seed is called a better model",
    ),
    Mutant(
        "users-are-no-source-of-variance",
        "evaluate/metrics/seed_means.py",
        "error = math.sqrt(users + seeds)",
        "error = math.sqrt(seeds)",
        BY_HAND,
        "what holds for these users is claimed of all",
    ),
    Mutant(
        "seeds-not-divided-by-their-number",
        "evaluate/metrics/seed_means.py",
        "float(v.var(ddof=1)) / len(v), len(v) - 1)",
        "float(v.var(ddof=1)), len(v) - 1)",
        BY_HAND,
        "more seeds would not help",
    ),
    Mutant(
        "p-value-of-one-side",
        "evaluate/metrics/seed_means.py",
        "return float(2 * stats.t.sf(",
        "return float(stats.t.sf(",
        BY_HAND,
        "twice as many differences are called real",
    ),
    Mutant(
        "claim-of-the-dead-is-held",
        "study/claims.py",
        'holder.get("released") or age > dead_after or',
        'holder.get("released") or',
        (f"{CLAIMS}::test_a_claim_without_a_heartbeat_is_followed",),
        "the run of a machine that died is never taken over",
    ),
    Mutant(
        "claim-of-the-living-is-taken",
        "study/claims.py",
        'holder.get("released") or age > dead_after or',
        'holder.get("released") or age > -1 or',
        (f"{CLAIMS}::test_one_holds_it_until_it_lets_go", f"{CLAIMS}::test_of_many_at_once_one_gets_it"),
        "two processes work on one run",
    ),
    Mutant(
        "claim-created-twice",
        "study/claims.py",
        'path.open("x", encoding="utf-8")',
        'path.open("w", encoding="utf-8")',
        (f"{CLAIMS}::test_two_that_saw_the_same_number_cannot_both_create_the_next",),
        "two processes that look at the same moment both work on a run",
    ),
    Mutant(
        "superseded-goes-on",
        "study/claims.py",
        "return _list_claims(self.path.parent)[-1] == self.path",
        "return True",
        (f"{CLAIMS}::test_the_heartbeat_stops_whoever_was_taken_over",),
        "a machine that was asleep works on beside its successor",
    ),
    Mutant(
        "stale-rows-in-the-table",
        "study/runs.py",
        'return RunState("stale" if changed else "finished"',
        'return RunState("finished"',
        (f"{WALK}::test_a_changed_recipe_makes_its_rows_stale_and_says_which_and_why",),
        "figures of another recipe stand under its name",
    ),
    Mutant(
        "begun-is-finished",
        "study/runs.py",
        'if not record["finished"]:',
        "if False:",
        (f"{WALK}::test_a_run_that_fails_costs_its_own_figures_alone",),
        "a run that failed counts as one that did not",
    ),
    Mutant(
        "contents-do-not-count",
        "study/runs.py",
        'path.name}": hash_file(path) for',
        'path.name}": path.name for',
        (f"{RUNS}::test_tables_count_by_their_contents",),
        "figures of older tables stay",
    ),
    Mutant(
        "foreign-run-taken",
        "study/runs.py",
        "if there != resolve_paths(resolve_backbone(run.recipe)):",
        "if False:",
        (f"{WALK}::test_a_folder_of_something_else_is_refused",),
        "a run of another recipe is overwritten",
    ),
    Mutant(
        "seed-ignored",
        "study/runs.py",
        'entry.recipe.model_copy(update={"seed": seed})',
        "entry.recipe",
        (f"{SCHEDULE}::test_the_first_seed_of_every_recipe_comes_first",),
        "three seeds are one",
    ),
    Mutant(
        "failure-forgotten",
        "study/schedule.py",
        "if process.exitcode != DONE:",
        "if False:",
        (f"{SCHEDULE}::test_a_failure_is_told_with_its_reason_and_the_others_go_on",),
        "a run that failed is not told",
    ),
    Mutant(
        "real-before-the-correction",
        "study/sentences.py",
        "value = pair.adjusted[metric]",
        "value = pair.differences[metric].p_value",
        (f"{TABLES}::test_what_is_called_real_goes_by_the_corrected_p_value",),
        "the sentence does not go by the corrected p-value",
    ),
    Mutant(
        "published-on-the-wrong-side",
        "study/sentences.py",
        '"below" if value < mean.low else',
        '"below" if value > mean.high else',
        (f"{TABLES}::test_published_figures_lie_where_they_lie",),
        "a figure that was beaten is shown as one that beats",
    ),
    Mutant(
        "correction-over-one-pair",
        "study/summarise.py",
        "values = compute_adjusted_p_values([pairs[number].differences[metric].p_value for number, metric in places])",
        "values = [pairs[number].differences[metric].p_value for number, metric in places]",
        (f"{TABLES}::test_the_family_is_all_pairs_times_all_metrics_and_p_values_are_corrected_over_it",),
        "p-values are not corrected",
    ),
    Mutant(
        "compared-across-test-rows",
        "study/summarise.py",
        "if a.part != b.part:",
        "if False:",
        (f"{TABLES}::test_rows_of_other_test_rows_stand_apart_and_are_not_compared",),
        "rows of different data are tested against each other",
    ),
    Mutant(
        "two-recipes-of-one-name",
        "study/study_files.py",
        "if row in owners or row in NON_PERSONALISED:\n                other",
        "if row in NON_PERSONALISED:\n                other",
        (f"{FILES}::test_two_recipes_with_one_name_are_refused_with_both_files",),
        "one recipe's figures stand in the place of another's",
    ),
    Mutant(
        "criterion-by-auc-alone",
        "study/search.py",
        'metrics["auc"] / 4 + metrics["uauc"] / 3 if',
        'metrics["auc"] / 4 if',
        ("study/test_search.py::test_the_criterion_is_the_one_of_training",),
        "settings are chosen without the order for one user",
    ),
)
