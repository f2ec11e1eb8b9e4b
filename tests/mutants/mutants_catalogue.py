"""Mutants of what a catalogue is: its keywords, its downloads, the lists that are made of it."""

from __future__ import annotations

from mutant import Mutant

RULES = ("data/test_keyword_rules.py",)
CUT = ("data/loaders/test_downloads.py",)
ZIP = ("data/test_unpacking.py",)
TOP_K = ("evaluate/metrics/test_catalogue_ranking.py",)
LISTS = ("evaluate/metrics/test_list_properties.py",)
RUN = ("run/test_catalogue_metrics.py",)

MUTANTS = (
    # -- keywords ----------------------------------------------------------------------------------------------------
    Mutant("rarest-spelling-shown", "data/keyword_rules.py", "max(words, key=lambda word: counts[word])",
           "min(words, key=lambda word: counts[word])", RULES, "the spelling of fewest items is shown"),
    Mutant("share-of-the-limit-dropped", "data/keyword_rules.py", "if count > limit}", "if count >= limit}", RULES,
           "a keyword at the limit is dropped"),
    Mutant("single-keywords-stay", "data/keyword_rules.py", "if count < rules.min_items}",
           "if count < rules.min_items - 1}", RULES, "what stands on one item alone stays"),
    Mutant("sharing-counts-all", "data/keyword_rules.py", "any(counts[word] > 1", "any(counts[word] > 0", RULES,
           "every item with a keyword counts as sharing"),
    Mutant("rules-emptied-are-proposed", "data/inspect/proposals.py",
           "if dropped and report.emptied <= MOST_EMPTIED * report.with_keywords:", "if dropped:",
           ("data/inspect/test_guesses.py::test_rules_for_keywords_are_proposed_where_they_help",),
           "the only genre of a film is proposed to be dropped"),
    # -- counts ------------------------------------------------------------------------------------------------------
    Mutant("nothing-taken-is-no", "data/feedback_columns.py", ".filter(taken | offered)", "",
           ("data/test_feedback_columns.py",), "what was never offered counts as disliked"),
    # -- downloads ---------------------------------------------------------------------------------------------------
    Mutant("cut-file-is-whole", "data/loaders/downloads.py", "if total is not None and size < total:", "if False:",
           CUT, "half a file passes as the file"),
    Mutant("part-of-another-file", "data/loaders/downloads.py", "or not is_same:", "or False:", CUT,
           "a file is put together of two"),
    Mutant("range-answer-at-the-start", "data/loaders/downloads.py", "        file.seek(start)\n", "        file.seek(0)\n",
           CUT, "the rest is written over the beginning"),
    Mutant("checksum-not-compared", "data/loaders/fetch.py", "if expected in (None, checksum):", "if True:",
           ("data/loaders/test_fetch.py",), "a damaged file is taken"),
    Mutant("path-out-of-the-folder", "data/archives.py", 'or ".." in path.parts or', "or", ZIP,
           "an archive writes outside its folder"),
    Mutant("link-is-unpacked", "data/archives.py", "if stat.S_ISLNK(entry.external_attr >> 16):", "if False:",
           ZIP, "a link out of the folder is made"),
    Mutant("own-file-overwritten", "data/archives.py", "and _compute_crc(path) == entry.CRC:", "or True:", ZIP,
           "another file passes as that of the archive"),
    # -- lists out of the catalogue ----------------------------------------------------------------------------------
    Mutant("places-from-zero", "evaluate/metrics/catalogue_ranking.py", "dtype=bool)[order]) + 1",
           "dtype=bool)[order])", TOP_K, "the second place counts as the first"),
    Mutant("ties-by-the-catalogue", "evaluate/metrics/catalogue_ranking.py", "rng.permutation(len(scores))",
           "np.arange(len(scores))", TOP_K, "equal scores flatter the first items"),
    Mutant("ideal-of-all-places", "evaluate/metrics/catalogue_ranking.py", "ideal[min(k, count) - 1]", "ideal[k - 1]",
           TOP_K, "a user with one relevant item cannot reach 1"),
    Mutant("recall-of-the-list", "evaluate/metrics/catalogue_ranking.py", "len(inside) / count", "len(inside) / k",
           TOP_K, "precision passes as recall"),
    Mutant("coverage-counts-twice", "evaluate/metrics/list_properties.py", "len(np.unique(np.concatenate(",
           "len((np.concatenate(", LISTS, "the same ten items cover a catalogue"),
    Mutant("novelty-of-the-known", "evaluate/metrics/list_properties.py", "return -np.log2(", "return np.log2(", LISTS,
           "best sellers are news"),
    Mutant("likeness-is-diversity", "evaluate/metrics/list_properties.py", "[1 - len(a & b)", "[len(a & b)", LISTS,
           "ten sequels are diverse"),
    Mutant("past-is-recommended", "run/catalogue_questions.py", "np.setdiff1d(np.arange(n_items), question.query.items))",
           "np.arange(n_items))", RUN, "what a user met is recommended again"),
    Mutant("negatives-were-met", "run/catalogue_questions.py", "np.setdiff1d(np.arange(n_items), question.met)",
           "np.setdiff1d(np.arange(n_items), question.relevant)", RUN, "a rated item stands among the negatives"),
    Mutant("asked-at-the-end", "run/catalogue_questions.py", "min(time, first_time", "max(time, first_time", RUN,
           "the question knows when the user stopped"),
    Mutant("misses-are-left-out", "run/catalogue_metrics.py", "relevant = [len(question.relevant) for question in questions]",
           "relevant = [max(1, len(at)) for at in next(iter(rankings.values())).places]", RUN,
           "what the generator lost counts for nothing"),
    Mutant("vectors-not-compared", "score/catalogue_scores.py", "> TOLERANCE * max(", "> 1e9 * max(",
           ("score/test_catalogue_scores.py",), "inner products pass as scores"),
)  # fmt: skip
