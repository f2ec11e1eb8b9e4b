"""Users that come after the training, as a new group with an expert of its own: `thinkrec evaluate new-users`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from thinkrec.collab import build_scorer
from thinkrec.collab.encoder import Encoder
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, Interactions
from thinkrec.errors import DataError, RecipeError
from thinkrec.evaluate.metrics.bootstrap import bootstrap_metrics
from thinkrec.evaluate.results import RankingResults, summarise_results, to_dict
from thinkrec.personal.groups import fit_groups
from thinkrec.run.added_expert import ExtendedRun, add_user_group
from thinkrec.run.layout import lock_run_folder
from thinkrec.run.pipeline import Run
from thinkrec.run.preflight import check_data
from thinkrec.run.recipe import InMemoryData, Recipe
from thinkrec.run.variants import find_variant
from thinkrec.score.predictor import Predictor
from thinkrec.train.model_config import ThinkRecConfig
from thinkrec.train.stages import find_last_train_rows

POLICY = (
    "The model (encoder, groups, global adapter, experts; text only, no collaborative vectors in the prompt) is trained"
    " without a row of the new users. Then their train rows come: `global updated` trains the global adapter further on"
    " them; the last row trains one more expert on them, from the frozen global adapter, and adds the mean of their"
    " vectors to the gate's centres. Nothing else changes. Judged are test rows."
)


def choose_new_users(
    ds: Dataset, recipe: Recipe, *, groups: int | None = None, share: float | None = None, seed: int = 0
) -> np.ndarray:
    """Codes of the users to hold out, int64, ascending; users without train rows are never among them.

    Args:
        ds: all users.
        recipe: its encoder and its way of grouping are used where `groups` is given.
        groups: group all users by vectors of an encoder that is fitted on all of them, and take the smallest group.
        share: draw this share by `seed`, in place of a group.
        seed: of the draw, or of the encoder and k-means.

    Raises DataError where not exactly one of `groups` and `share` is given, or for values outside their range.
    """
    users, last = find_last_train_rows(ds)
    if (groups is None) == (share is None):
        raise DataError("say who is new: either --groups N (the smallest of N groups) or --share .1 (drawn)")
    if share is not None:
        if not 0 < share < 1:
            raise DataError(f"share is {share}; give a number between 0 and 1, such as 0.1")
        drawn = np.random.default_rng(seed).choice(users, max(1, round(share * len(users))), replace=False)
        return np.sort(drawn).astype(np.int64)
    model = _require_experts(recipe)
    if groups is None or groups < 2:
        raise DataError(f"--groups is {groups}; of one group all users would be new, give two or more")
    encoder = cast(Encoder, build_scorer(model.encoder))
    encoder.fit(ds, seed=seed)
    config = model.groups.model_copy(update={"n_groups": groups})
    labels = fit_groups(encoder.encode_users(ds, last), config, seed).labels
    return users[labels == groups - 1].astype(np.int64)


def take_users(ds: Dataset, users: np.ndarray, *, inside: bool) -> Dataset:
    """`ds` with the rows of these users alone (`inside`), or without them; users and items keep their codes."""
    data = ds.interactions
    rows = np.isin(data.user, users) == inside
    columns = {name: getattr(data, name)[rows] for name in ("user", "item", "label", "timestamp", "split", "order")}
    return replace(ds, interactions=Interactions.build(**columns, n_users=data.n_users))


def evaluate_new_users(
    recipe: Recipe, ds: Dataset, users: np.ndarray, folder: Path, *, n_groups: int | None = None, progress: bool = False
) -> dict[str, Any]:
    """Train without some users, add them as one more group, and judge every state on their and the others' test rows.

    Returns the policy, counts, and `new` and `old` (`evaluate.results.to_dict`): rows global, global updated, n experts
    and n + 1 experts on the test rows of the new users, and the last two on those of all others.

    Args:
        recipe: with experts; its vector stage and whatever is added to its score are left out.
        ds: all users.
        users: codes of those that are new.
        folder: where the stages lie; a stopped call goes on.
        n_groups: of the users that are not new; by default as the recipe says.
        progress: whether bars are shown.

    Raises RecipeError for a recipe without experts, and DataError where new or other users have no test rows of both
    classes, or the encoder has the same vector for all new users.
    """
    model, data = _require_experts(recipe), ds.interactions
    changes: dict[str, Any] = {"vector_stage": None, "composition": None, "score_prior": None}
    if n_groups is not None:
        changes["groups"] = model.groups.model_copy(update={"n_groups": n_groups})
    own = recipe.model_copy(update={"data": InMemoryData(), "label": None, "model": model.model_copy(update=changes)})
    test, is_new = data.get_split_rows(TEST), np.isin(data.user, users)
    parts = {"new": test[is_new[test]], "old": test[~is_new[test]]}
    for name, rows in parts.items():
        if len(np.unique(data.label[rows])) < 2:
            raise DataError(f"the test rows of {name} users are not of both classes; hold out other users")
    run = Run(own, folder, progress, preloaded_dataset=take_users(ds, users, inside=False))
    with lock_run_folder(folder):
        check_data(run.recipe, run.ds)
        run.prepare_folder()
        keys = run.train_variants()
        added = Run(own, folder, progress, preloaded_dataset=take_users(ds, users, inside=True))
        extended = add_user_group(run, added, keys)
    asking = Run(own, folder, progress, preloaded_dataset=ds)
    n = len(asking.user_groups.centres)
    predictors = _list_predictors(asking, extended, n)
    results = {
        "new": _measure_ranking(asking, predictors, parts["new"], ("global", f"{n} experts")),
        "old": _measure_ranking(asking, dict(list(predictors.items())[2:]), parts["old"], (f"{n} experts",)),
    }
    return {
        "policy": POLICY,
        "recipe": recipe.name,
        "new_users": len(users),
        "old_users": len(np.unique(run.ds.interactions.user)),
        "new_train_rows": int((added.ds.interactions.split == 0).sum()),
        **{name: to_dict(one) for name, one in results.items()},
    }


def _require_experts(recipe: Recipe) -> ThinkRecConfig:
    model = recipe.model
    if not isinstance(model, ThinkRecConfig) or model.expert_stage is None:
        raise RecipeError(f"recipe {recipe.name!r} trains no experts; give one with model.expert_stage, such as demo")
    return model


def _list_predictors(asking: Run, extended: ExtendedRun, n: int) -> dict[str, Predictor]:
    """Row of the table -> what answers for it, in order."""
    before = asking.load_predictor(find_variant(asking.recipe, "global"))
    experts = find_variant(asking.recipe, "experts")
    return {
        "global": before,
        "global updated": replace(before, recommender=asking.load_recommender(extended.updated)),
        f"{n} experts": asking.load_predictor(experts),
        f"{n + 1} experts": replace(
            before,
            recommender=asking.load_recommender(extended.joined),
            router=replace(asking.adapter_router, groups=extended.groups),
        ),
    }


def _measure_ranking(
    run: Run, predictors: dict[str, Predictor], rows: np.ndarray, against: tuple[str, ...]
) -> RankingResults:
    data, config = run.ds.interactions, run.recipe.evaluation
    samples = {
        name: bootstrap_metrics(
            data.user[rows],
            data.label[rows],
            predictor.score(rows, title=f"scoring ({name})", progress=run.progress),
            k=config.k,
            denominator=config.map_denominator,
            draws=config.bootstrap_draws,
            seed=config.seed,
        )
        for name, predictor in predictors.items()
    }
    return summarise_results(samples, against=against)
