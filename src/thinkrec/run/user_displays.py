"""Pictures of what a run learned of its users."""

from __future__ import annotations

from thinkrec.errors import DataError
from thinkrec.evaluate.report.drawing import Drawing, draw_user_map
from thinkrec.run.pipeline import Run
from thinkrec.run.report_data import map_train_users
from thinkrec.run.variants import collect_recipe_needs


def draw_run_users(run: Run) -> Drawing:
    """The train users on a plane, in the colours of their groups, over the regions of the gate.

    The plane is that of the first two principal components of the encoder's user vectors; at most 2,000 users are
    drawn. A notebook shows the picture by itself; `.save("map.svg")` writes it. No plotting library is needed. Raises
    DataError where the recipe groups no users.
    """
    if "groups" not in collect_recipe_needs(run.recipe):
        raise DataError("this recipe has no groups of users to draw; train one with experts, such as demo")
    return draw_user_map(map_train_users(run))
