"""What terms explain, one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from thinkrec.evaluate.ceiling.explained_deviance import measure_explained_deviance


def test_each_term_adds_what_it_knows_on_rows_it_was_not_fitted_on() -> None:
    rng = np.random.default_rng(0)
    item, user_term, noise = rng.standard_normal((3, 4000))
    user = np.repeat(np.arange(200), 20)
    user_term = user_term[user]
    label = (item + user_term + rng.logistic(size=4000) > 0).astype(np.int64)
    half = user < 100
    terms = {
        name: (values[half][:, None], values[~half][:, None])
        for name, values in {"item": item, "user": user_term, "noise": noise}.items()
    }
    first, second, third = measure_explained_deviance(terms, label[half], user[~half], label[~half])
    assert (first.term, second.term, third.term) == ("item", "user", "noise")
    assert 0.05 < first.deviance < second.deviance - 0.05
    assert third.deviance == pytest.approx(second.deviance, abs=0.01)
    assert second.auc > first.auc + 0.03
    # What is the same for all rows of a user changes no order within the user.
    assert second.uauc == pytest.approx(first.uauc, abs=1e-12)
