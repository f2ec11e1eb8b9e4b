"""Mutants of evaluate/grounding/ and of the rules of decoding that use its readers."""

from __future__ import annotations

from mutant import Mutant

ROW = "evaluate/grounding/test_grounding_row.py"
RESULTS = "evaluate/grounding/test_grounding_results.py"
CLAIMS = ("evaluate/grounding/test_grounding_polarity.py::test_claims",)
CITATIONS = "evaluate/grounding/test_grounding_citations.py"
ATTRIBUTES = "evaluate/grounding/test_grounding_attributes.py"
UNFINISHED = "evaluate/grounding/test_grounding_unfinished.py"
BY_CONSTRUCTION = (f"{RESULTS}::test_the_teacher_made_of_rules_is_grounded_by_construction",)
COPYING = "model/test_copying.py"
REVIEW = "model/test_review.py"

MUTANTS = (
    Mutant("precision-counts-the-target", "evaluate/grounding/row.py",
           'others = [c for c in cited if c.kind != "target"]', "others = list(cited)", (ROW,),
           "naming the target looks like an invented title"),
    Mutant("polarity-reversed", "evaluate/grounding/row.py", "(claim > 0) == labels.pop()",
           "(claim > 0) != labels.pop()", BY_CONSTRUCTION, "true claims count as untrue"),
    Mutant("two-labels-are-one", "evaluate/grounding/row.py", 'citation.kind != "history" or len(labels) > 1',
           'citation.kind != "history"', (ROW,), "a title rated twice is judged by either label"),
    Mutant("part-of-a-cause-is-the-cause", "evaluate/grounding/row.py", "named.issuperset(case.cause)",
           "bool(named.intersection(case.cause))", (RESULTS,), "naming half of a cause recalls it"),
    Mutant("keywords-inside-words", "evaluate/grounding/row.py", r'rf"(?<!\w){re.escape(word)}(?!\w)", rest',
           "re.escape(word), rest", (f"{RESULTS}::test_keywords_are_whole_words_outside_titles",),
           '"art" is named by "part"'),
    Mutant("keywords-inside-titles", "evaluate/grounding/row.py", "prose.append(text[at : citation.start])",
           "prose.append(text[at : citation.end])", (ROW,), "a title names its own keywords"),
    Mutant("every-verdict-agrees", "evaluate/grounding/row.py",
           "None if case.verdict is None else verdict == case.verdict", "None if case.verdict is None else True",
           (f"{RESULTS}::test_invented_titles_and_other_verdicts_are_counted",),
           "reasons against their score count as agreeing"),
    Mutant("unread-attributes-are-right", "evaluate/grounding/row.py", "attributes_right=so", "attributes_right=said",
           (ATTRIBUTES, RESULTS), "attribute accuracy is always 1"),
    Mutant("history-labels-turned-in-cases", "evaluate/grounding/cases.py", "bool(y) for y in it.label[past]",
           "not y for y in it.label[past]", BY_CONSTRUCTION, "polarity is judged by the other label"),
    Mutant("verdicts-turned-in-cases", "evaluate/grounding/cases.py", "else bool(score > 0)", "else bool(score < 0)",
           (RESULTS, "evaluate/grounding/test_grounding_command.py"), "agreement with the other verdict"),
    Mutant("existence-is-history", "evaluate/grounding/row.py", 'exist=sum(c.kind != "nothing" for c in others)',
           'exist=sum(c.kind == "history" for c in others)', (ROW,), "a film of the catalogue counts as invented"),
    Mutant("baseline-of-the-row-itself", "evaluate/grounding/results.py",
           "for j, case in zip(other, cases, strict=True)", "for j, case in zip(range(len(cases)), cases, strict=True)",
           (f"{RESULTS}::test_reasons_of_other_rows_fail_everywhere",), "nothing to compare with"),
    Mutant("negation-ignored", "evaluate/grounding/cue_reader.py",
           "sign=-cue.sign if _negated(words, cue.sign) else cue.sign", "sign=cue.sign", CLAIMS,
           '"did not like" is read as liked'),
    Mutant("predictions-are-claims", "evaluate/grounding/cue_reader.py", 'if FUTURE.search(" ".join(words[-4:])) or',
           "if", CLAIMS, '"should please" is read as a past verdict'),
    Mutant("public-opinion-is-a-claim", "evaluate/grounding/cue_reader.py", "if PUBLIC.search(left) or", "if", (ROW,),
           '"widely loved" is read as the viewer\'s verdict'),
    Mutant("contrast-ignored", "evaluate/grounding/polarity.py", "inherited = None if contrast else last",
           "inherited = last", (ROW,), 'what stands behind "while" takes over the verdict before it'),
    Mutant("exceptions-ignored", "evaluate/grounding/polarity.py",
           "        return -last\n    if last is not None and re.search",
           "        return last\n    if last is not None and re.search", CLAIMS, '"except" is read as "and"'),
    Mutant("target-read-as-history", "evaluate/grounding/citations.py",
           '("target", ()) if len(self.titles) - 1 in places else', "",
           (f"{CITATIONS}::test_a_quoted_title_is_what_it_is",), "claims are read of what was not rated"),
    Mutant("first-quote-closes", "evaluate/grounding/citations.py", "for end in ends:", "for end in ends[:1]:", (ROW,),
           '\'Singin\' in the Rain\' is a title "Singin"'),
    Mutant("anything-in-quotes-is-a-title", "evaluate/grounding/citations.py", "not _could_be_title(best.text)",
           "False", (f"{CITATIONS}::test_what_is_no_title_is_no_citation",), "quoted words count as invented titles"),
    Mutant("denials-ignored", "evaluate/grounding/attributes.py", "(self.attribute in self.of) != self.denied",
           "self.attribute in self.of", (ATTRIBUTES,), '"lacks" is read as "has"'),
    Mutant("invented-attributes-are-right", "evaluate/grounding/attributes.py", "return self.known and (",
           "return not self.known or (", (ATTRIBUTES,), "what nobody has counts as true"),
    # -- decoding ----------------------------------------------------------------------------------------------------
    Mutant("wrong-claims-pass", "evaluate/grounding/unfinished.py", "signs[number] == -claim",
           "signs[number] == 2 * claim", (f"{UNFINISHED}::test_the_first_claim_that_does_not_hold",),
           "decoding lets untrue claims through"),
    Mutant("cite-rule-off", "score/explainer.py", 'agreeing = cite in ("agreeing", "exact")', "agreeing = False",
           (f"{REVIEW}::test_a_careful_reason_turns_down_wrong_claims",), "`cite: agreeing` does nothing"),
    Mutant("exact-rule-off", "score/explainer.py", 'if cite == "exact":', "if False:",
           (f"{REVIEW}::test_an_exact_reason_says_nothing_wrong_of_keywords",), "`cite: exact` does nothing"),
    Mutant("repeats-pass", "score/explainer.py", "if repeats(text, REPEATED) or ", "if ",
           (f"{REVIEW}::test_a_careful_reason_turns_down_wrong_claims",
           f"{REVIEW}::test_a_careful_reason_does_not_say_three_words_twice"), "reasons run in circles"),
    Mutant("titles-of-the-other-sign", "model/copying.py", "known.sign in (0, wanted.sign)",
           "known.sign in (0, -wanted.sign)", (f"{COPYING}::test_titles_fit_what_the_sentence_has_said",),
           '"liked" is followed by a disliked title'),
    Mutant("cited-once-too-often", "model/copying.py", "if times >= self.mentions and", "if times > self.mentions and",
           (f"{COPYING}::test_an_item_stands_twice_in_a_text_but_not_in_a_list",), "one title again and again"),
    Mutant("any-title-in-quotes", "model/copying.py", 'if character in QUOTES and state.before != "word":', "if False:",
           (f"{COPYING}::test_inside_a_quote_only_continuations_of_titles_are_left",), "invented titles"),
    Mutant("faults-pass", "model/review.py", "if fault is None:", "if True:",
           (f"{REVIEW}::test_a_word_is_judged_once_it_is_whole",), "nothing is ever taken back"),
    Mutant("refused-words-again", "model/review.py", "self._refused[at].add(ids[at])", "pass",
           (f"{REVIEW}::test_a_word_is_judged_once_it_is_whole",
           f"{REVIEW}::test_a_fault_is_taken_back_from_where_it_begins"), "the same fault until the bound is reached"),
    Mutant("signs-turned-for-decoding", "score/system.py", "signs = [1 if liked else -1 for liked",
           "signs = [-1 if liked else 1 for liked",
           ("score/test_explain.py::test_what_may_be_cited_carries_its_label",), "decoding claims the opposite"),
)  # fmt: skip
