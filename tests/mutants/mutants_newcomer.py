"""Mutants of the newcomer's path: checking tables, reading damaged ones, asking for recommendations."""

from __future__ import annotations

from mutant import Mutant

MESSY = "data/inspect/test_messy_tables.py::test_"
BY_HAND = ("data/inspect/test_findings.py::test_figures_are_as_counted_by_hand",)
DAMAGE = "data/test_damage.py::test_"
UNTIMED = ("data/test_untimed_order.py",)
CHECK = "cli/test_check.py::test_"
USERS = ("cli/test_recommend_users.py",)
SEARCH = ("score/test_recommendations.py::test_a_small_catalogue_is_asked_about_at_once",)
QUERY = "collab/features/test_query_features.py::test_"

MUTANTS = (
    # -- check -------------------------------------------------------------------------------------------------------
    Mutant("check-lets-settled-pass", "cli/check.py", "inspection.problems if write is None else inspection.list_open",
           "inspection.list_open", (f"{CHECK}the_exit_code_says_whether_a_run_goes_through",), "a run would stop"),
    Mutant("check-ends-well", "cli/check.py", "raise typer.Exit(1)", "pass",
           (f"{CHECK}the_exit_code_says_whether_a_run_goes_through",), "scripts go on with tables that stop a run"),
    Mutant("check-writes-anyway", "cli/check.py", "write is not None and not problems:", "write is not None:",
           (f"{CHECK}no_recipe_is_written_where_a_run_would_stop",), "the command fails in place of listing problems"),
    Mutant("known-is-cold", "data/inspect/facts.py", "name: ~np.isin(", "name: np.isin(", BY_HAND,
           "cold rows are those that are not"),
    Mutant("dislikes-alone-not-one-sided", "data/inspect/facts.py", "(rates == 0) | (rates == 1)", "(rates == 1)", BY_HAND,
           "users with dislikes alone count as judged"),
    Mutant("repeats-uncounted", "data/inspect/facts.py", "repeated_pairs=len(table) - pairs", "repeated_pairs=0", BY_HAND,
           "repeated pairs are unseen"),
    Mutant("every-keyword-shared", "data/inspect/facts.py", "(times_used > 1).mean()", "(times_used > 0).mean()", BY_HAND,
           "keywords of one item count as shared"),
    Mutant("every-title-repeated", "data/inspect/facts.py", "titled[titled > 1].sum()", "titled.sum()", BY_HAND,
           "all titles count as repeated"),
    Mutant("density-of-all-items", "data/inspect/facts.py", "pairs / (table.n_users * len(met))",
           "pairs / (table.n_users * len(ds.items))", BY_HAND, "items without rows thin the density"),
    Mutant("users-without-training-counted", "data/inspect/facts.py",
           "len(np.unique(table.user[table.split == TRAIN]))", "table.n_users", BY_HAND, "more groups than users"),
    Mutant("more-groups-than-users", "data/inspect/recipe_text.py", "inspection.facts.train_users < DEMO_GROUPS", "False",
           (f"{MESSY}a_written_recipe_has_no_more_groups_than_users",), "the written recipe stops"),
    Mutant("large-losses-unsaid", "data/inspect/inspection.py", "most <= MUCH * table.frame.height", "True",
           (f"{MESSY}dates_in_doubt",), "half of the rows are left out beside many small notes"),
    Mutant("small-losses-said", "data/inspect/inspection.py", "most <= MUCH * table.frame.height", "most < 1",
           (f"{MESSY}dates_in_doubt",), "one row is called much"),
    Mutant("words-for-ratings-unsaid", "data/inspect/inspection.py", "if rating is not None and _lacks_threshold(",
           "if False and _lacks_threshold(", (f"{MESSY}ratings_that_say_nothing",), "a threshold is asked for, of words"),
    Mutant("empty-column-marks-all", "data/inspect/proposals.py", "if 0 < empty < len(column):", "if empty:",
           (f"{MESSY}ratings_that_say_nothing",), "the remedy that is named leaves no row"),
    Mutant("case-joins-nobody", "data/inspect/id_match.py", "str(id_).casefold()", "str(id_)",
           (f"{MESSY}ids_that_differ_by_case",), "one user in two spellings goes unseen"),
    Mutant("remark-is-a-header", "data/inspect/table_guess.py", 'if first.startswith("#") and', "if False and",
           (f"{MESSY}a_remark_or_a_damaged_line_in_the_place_of_the_names",), "every line is called wrong"),
    Mutant("row-becomes-header", "data/delimited_records.py", "if self._has_header and not self.names:", "if False:",
           (f"{MESSY}a_remark_or_a_damaged_line_in_the_place_of_the_names",), "the first row gives the columns their names"),
    Mutant("sheet-days-unsaid", "data/suspicious_values.py", "_SHEET_DAYS[0] <= first and", "False and",
           (f"{MESSY}days_of_a_spreadsheet",), "days count as seconds without a word"),
    Mutant("either-order-of-days", "data/time_texts.py", "    if len(fitting) > 1:\n        return f\"They may be",
           "    if False:\n        return f\"They may be", (f"{MESSY}dates_in_doubt",), "nobody learns why dates are none"),
    # -- reading -----------------------------------------------------------------------------------------------------
    Mutant("header-again-is-a-row", "data/table_files.py", "if form.header else df", "if False else df",
           (f"{MESSY}joined_files_repeat_their_header",), "an item is called title"),
    Mutant("marked-header-is-a-row", "data/table_files.py", ' | (df[names[0]] == f"\\ufeff{names[0]}")', "",
           (f"{MESSY}joined_files_repeat_their_header",), "a mark for UTF-8 in the middle hides a header"),
    Mutant("lines-after-a-header-shift", "data/row_trace.py",
           "return places + np.uint32(lines) if isinstance(lines, int) else lines[places]", "return lines",
           (f"{MESSY}joined_files_repeat_their_header",), "messages name other lines than the wrong ones"),
    Mutant("damage-blamed-on-a-line", "data/table_files.py", "if kind is not None and is_damaged(path):", "if False:",
           (f"{DAMAGE}a_member_of_an_archive",), "a line is to be corrected that was never wrong"),
    Mutant("damage-unseen", "data/file_bytes.py", "    except DAMAGED:\n        return True", "    except DAMAGED:\n        return False",
           (f"{DAMAGE}a_compressed_table",), "a line is to be corrected that was never wrong"),
    Mutant("plain-file-is-damaged", "data/file_bytes.py", "return begin != magic[: len(begin)]", "return False",
           (f"{DAMAGE}a_compressed_table",), "a file of a wrong name is to be downloaded again"),
    Mutant("refusal-is-damage", "data/damage.py", "if isinstance(error, OSError) and error.errno is not None:", "if False:",
           (f"{DAMAGE}what_the_system_refuses_is_no_damage",), "a file without rights is to be downloaded again"),
    Mutant("table-order-hides-train-rows", "data/untimed_order.py", '.sort("split", "order")', '.sort("order")', UNTIMED,
           "test rows miss half of their users' train rows"),
    Mutant("named-order-lost", "data/untimed_order.py", "if has_order or not", "if not", UNTIMED,
           "an order that the table names is thrown away"),
    Mutant("one-is-many", "io/counts.py", "return one if count == 1 else many", "return many", ("io/test_counts.py",),
           "1 rows"),
    # -- recommend ---------------------------------------------------------------------------------------------------
    Mutant("user-asked-twice", "cli/recommend.py", "list(dict.fromkeys(str(id_) for id_ in table[\"user_id\"].to_list()))",
           "[str(id_) for id_ in table[\"user_id\"].to_list()]", USERS, "a table with repeats is refused"),
    Mutant("file-before-id", "cli/recommend.py", "if text not in known and Path(text).is_file():",
           "if Path(text).is_file():", USERS, "a file of a user's name is read as a table"),
    Mutant("unknown-users-uncounted", "cli/recommend.py", "        if unknown:\n", "        if False:\n", USERS,
           "a KeyError in place of a message"),
    Mutant("parts-of-another-question", "cli/recommend.py",
           'made_from={**opened.made_from, "reasons": reasons, "writer": writer}', "made_from=opened.made_from",
           ("cli/test_recommend.py::test_what_decides_the_answers_is_kept_with_the_parts",), "parts without reasons stay"),
    Mutant("small-catalogue-in-rounds", "score/recommendations.py", "size = n if unseen <= n else first", "size = first",
           SEARCH, "what could be ranked whole is guessed"),
    Mutant("small-catalogue-by-sources", "retrieve/generator.py", "if len(unseen) <= n:", "if False:",
           ("retrieve/test_generator.py::test_a_small_catalogue_needs_no_source",), "what no source names is not ranked"),
    # -- boosting about many items -----------------------------------------------------------------------------------
    Mutant("oldest-rows-vote", "collab/features/query_features.py", "slice(None, None, -1)", "slice(None)",
           (f"{QUERY}every_candidate_of_every_user",), "the oldest rows weigh in place of the latest"),
    Mutant("known-nodes-go-left", "collab/gradient_boosting.py",
           "goes_left = np.where(np.isnan(value), self.missing_left, value <= self.threshold)",
           "goes_left = np.ones(len(value), dtype=bool)", (f"{QUERY}trees_lose_the_nodes_of_known_features",),
           "known features decide nothing"),
)
