"""Mutants of how the words of a reason are chosen, and of the choice among settings and samples."""

from __future__ import annotations

from mutant import Mutant

SAMPLING = "decoding/test_sampling.py::test_"
REPETITION = "decoding/test_repetition.py::test_"
CHOICE = "score/test_sample_choice.py::test_"

MUTANTS = (
    Mutant("draws-of-another-prompt", "decoding/sampling.py", "[config.seed, sample, prompt_hash]",
           "[config.seed, sample]", (f"{SAMPLING}the_same_seed_prompt_and_sample_draw_the_same_and_others_do_not",),
           "all rows draw alike"),
    Mutant("samples-alike", "decoding/sampling.py", "[config.seed, sample, prompt_hash]", "[config.seed, prompt_hash]",
           (f"{SAMPLING}the_same_seed_prompt_and_sample_draw_the_same_and_others_do_not",),
           "the best of equal texts is chosen"),
    Mutant("temperature-ignored", "decoding/sampling.py", "scaled = logits / temperature", "scaled = logits",
           (f"{SAMPLING}draws_have_the_probabilities_of_the_temperature",), "a setting does nothing"),
    Mutant("nucleus-of-the-ends", "decoding/sampling.py", "(1.0 - top_p) * total / len(kept)",
           "(1.0 - top_p) * total / 10", (f"{SAMPLING}truncation_keeps_the_nucleus_and_the_likely",),
           "likely tokens are never drawn"),
    Mutant("penalty-in-titles", "decoding/sampling.py", " or self.citations.is_in_quotation(ids)", "",
           (f"{SAMPLING}words_said_already_are_penalised_once_and_titles_function_words_and_the_target_are_not",),
           "titles cannot be said again"),
    Mutant("half-words-penalised", "decoding/sampling.py", "if match.end() < len(text)}", "}",
           (f"{SAMPLING}words_said_already_are_penalised_once_and_titles_function_words_and_the_target_are_not",),
           "words are broken off"),
    Mutant("likelihood-of-the-rejected", "decoding/sampling.py", "if at < len(ids)}", "}",
           (f"{SAMPLING}the_likelihood_is_the_models_own_and_forgets_what_was_rolled_back",),
           "what was taken back counts"),
    Mutant("rule-not-asked-of-a-draw", "decoding/sampling.py", "not rule.is_allowed(ids, token)", "False",
           (f"{SAMPLING}a_rule_narrows_the_choice",), "drawn texts break the rules"),
    Mutant("idle-settings-pass", "decoding/config.py", "if not self.temperature and idle:", "if False and idle:",
           (f"{SAMPLING}settings_without_sense_are_refused",), "settings that do nothing are taken"),
    Mutant("repeats-by-title-words", "decoding/repetition.py", "has_repeated_ngram(names.mask_names(text), n)",
           "has_repeated_ngram(text, n)", (f"{REPETITION}titles_and_the_targets_name_may_be_said_again",),
           "the target cannot be named again"),
    Mutant("repeat-number-ignored", "decoding/claim_rules.py",
           "REPEATED if no_repeat_ngram is None else no_repeat_ngram", "REPEATED",
           (f"{REPETITION}a_citation_policy_takes_the_number_too",), "a setting does nothing"),
    Mutant("most-faults-shown", "score/sample_choice.py", "return (-faults, right,", "return (faults, right,",
           (f"{CHOICE}the_fewest_faults_then_the_most_right_then_the_likeliest",), "the worst sample is shown"),
    Mutant("unnamed-target-is-no-fault", "score/sample_choice.py", " + (not grounding.target_named)", "",
           (f"{CHOICE}agreement_counts_sides_keywords_titles_the_target_and_the_end",),
           "reasons that name nothing are shown"),
    Mutant("samples-of-other-rows", "score/explainer.py", "slice(row * k, row * k + k)", "slice(row, row + k)",
           ("score/test_explainer.py::test_draws_do_not_depend_on_the_batch_and_the_best_sample_is_shown",
            "score/test_explainer.py::test_agreement_chooses_what_the_prompt_bears_out"),
           "a row is given another row's reason"),
)  # fmt: skip
