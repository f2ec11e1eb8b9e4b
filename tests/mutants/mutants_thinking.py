"""Mutants of reason first: plans, their form, their sampling, scores behind them, and soft labels."""

from __future__ import annotations

from mutant import Mutant

PLAN = "prompts/test_plan.py"
GRAMMAR = "decoding/test_plan_grammar.py"
SAMPLE = "engine/test_sample.py"
PLANS = ("score/test_plans.py",)
RUN = "run/test_thinking.py"
SOFT = "train/test_soft_labels.py"
STAGE = "train/test_plan_stage.py"

MUTANTS = (
    Mutant(
        "score-before-the-plan",
        "prompts/plan_renderer.py",
        "answer_at[-1] = len(ids) - 1",
        "answer_at[-1] = len(prompt.ids) - 1",
        (f"{PLAN}::test_the_score_is_asked_behind_the_plan",),
        "the score is read where no plan has been read yet",
    ),
    Mutant(
        "plan-without-room",
        "prompts/plan_renderer.py",
        "return self.renderer.render_row(row, gate=gate, vectors=vectors, reserve=self.max_plan_tokens)",
        "return self.renderer.render_row(row, gate=gate, vectors=vectors)",
        (f"{PLAN}::test_room_is_left_for_any_plan",),
        "a plan is written beyond the backbone's positions",
    ),
    Mutant(
        "verdict-untaught-behind-a-plan",
        "prompts/plan_renderer.py",
        "np.concatenate([is_choice, [True], np.zeros(len(prose))])",
        "np.concatenate([is_choice, [False], np.zeros(len(prose))])",
        (f"{PLAN}::test_training_teaches_the_choices_of_the_plan_then_the_verdict",),
        "plan-first rows teach no verdict as a token",
    ),
    Mutant(
        "plan-shows-the-reasons-text",
        "prompts/plan_renderer.py",
        '"reason_sides": False',
        '"reason_sides": config.reason_sides',
        (f"{PLAN}::test_what_only_reasons_show_stands_in_no_plan_first_prompt",),
        "the score behind a plan knows what the one-pass score does not",
    ),
    Mutant(
        "title-on-both-sides",
        "decoding/plan_grammar.py",
        "names: tuple[str, ...] = getattr(self, place.side)",
        "names: tuple[str, ...] = self.supporting + self.opposing",
        (f"{GRAMMAR}::test_a_name_on_the_wrong_side_and_a_repeated_one_cannot_be_written",),
        "a disliked item may be named as speaking for the target",
    ),
    Mutant(
        "title-twice",
        "decoding/plan_grammar.py",
        "if name not in cited:",
        "if name is not cited:",
        (f"{GRAMMAR}::test_every_way_through_is_a_plan_of_these_names",),
        "a plan names one item twice",
    ),
    Mutant(
        "padding-is-seen",
        "engine/decode_batch.py",
        "self.mask[:, -width:] *= torch.arange(width, device=device) < counts[:, None]",
        "self.mask[:, -width:] *= torch.arange(width, device=device) >= 0",
        (f"{SAMPLE}::test_texts_and_answers_are_those_of_the_plain_way",),
        "rows of a batch see the padding of their own shorter runs",
    ),
    Mutant(
        "state-of-the-padding",
        "engine/decode_batch.py",
        "counts - 1]",
        "width - 1]",
        (f"{SAMPLE}::test_texts_and_answers_are_those_of_the_plain_way",),
        "the next token is chosen behind padding",
    ),
    Mutant(
        "copies-of-the-wrong-row",
        "engine/decode_batch.py",
        "self.mask = self.mask.repeat_interleave(copies, dim=0)",
        "self.mask = self.mask.repeat(copies, 1)",
        (f"{SAMPLE}::test_texts_and_answers_are_those_of_the_plain_way",),
        "a copy of a prompt has the mask of another one",
    ),
    Mutant(
        "temperature-multiplies",
        "engine/sample.py",
        "(values - values.max()) / temperature",
        "(values - values.max()) * temperature",
        (f"{SAMPLE}::test_draws_follow_the_probabilities",),
        "a low temperature makes plans more random",
    ),
    Mutant(
        "draws-by-place-in-the-call",
        "score/plan_scorer.py",
        "draws = [self._make_draws(int(rows[i]), k, seed) for i in chunk]",
        "draws = [self._make_draws(i, k, seed) for i in chunk]",
        (f"{RUN}::test_scores_behind_sampled_plans_are_those_behind_the_same_plans_given",),
        "the same row has other plans in another call",
    ),
    Mutant(
        "samples-averaged-over-all",
        "score/plan_scorer.py",
        "self.scores[:, :k].mean(axis=1)",
        "self.scores.mean(axis=1)",
        (f"{RUN}::test_scores_behind_sampled_plans_are_those_behind_the_same_plans_given",),
        "the curve is flat by construction",
    ),
    Mutant(
        "plan-by-what-the-reason-says",
        "score/plans.py",
        "side = sides[0 if labels[place] else 1]",
        "side = sides[0]",
        PLANS,
        "disliked items are named as speaking for the target",
    ),
    Mutant(
        "soft-labels-by-position",
        "train/soft_labels.py",
        "rows = match_rows(ds, table, source).rows",
        "rows = match_rows(ds, table, source).rows * 0 + np.arange(table.height)",
        (f"{SOFT}::test_rows_are_found_by_user_item_and_order_never_by_position",),
        "a table in another order gives every row another one's target",
    ),
    Mutant(
        "soft-labels-of-any-split",
        "train/soft_labels.py",
        "if (split != TRAIN).any():",
        "if (split > 9).any():",
        (f"{SOFT}::test_labels_of_rows_that_are_not_trained_on_are_refused",),
        "a table of validation rows passes as soft labels of nothing",
    ),
    Mutant(
        "soft-label-turned",
        "train/soft_labels.py",
        "own = np.where(labels == 1, share, 1 - share)",
        "own = share",
        (f"{SOFT}::test_the_loss_is_the_cross_entropy_with_the_soft_target",),
        "the target of a disliked row is turned round",
    ),
    Mutant(
        "rules-plans-of-agreeing-rows",
        "train/plan_teacher.py",
        "np.flatnonzero(self.ds.interactions.split == TRAIN)",
        "select_rows_with_reasons(self.ds, self.reasons)",
        (f"{STAGE}::test_plans_of_the_rules_are_of_any_train_row_and_do_not_know_its_label",),
        "plans are taught on rows alone on which the rules are right",
    ),
    Mutant(
        "plans-never-taught",
        "train/stages.py",
        "planned = sample_reasoning_rows(plan_pool, n_usual, plan_share, epoch, seed, stream=2)",
        "planned = sample_reasoning_rows(plan_pool, n_usual, 0.0, epoch, seed, stream=2)",
        (f"{STAGE}::test_plan_first_rows_are_added_and_all_others_stay",),
        "plan_share is ignored",
    ),
)
