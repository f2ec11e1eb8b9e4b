"""Where a user stands among the others: the mixture of their adapters, similar users, the map."""

from __future__ import annotations

import numpy as np

from thinkrec.personal.gate import REGIONS, compute_cosine
from thinkrec.serve.histories import Past
from thinkrec.serve.model import ServedModel
from thinkrec.serve.values import MapPoint, SimilarUser, UserProfile
from thinkrec.train.stages import find_last_train_rows

SHARED = 5
"""Titles that are named of what two users both liked."""


class UserSpace:
    """The vectors of all users of the training, with their groups and their places on a plane."""

    def __init__(self, model: ServedModel) -> None:
        """Encode them; a model without user vectors has an empty space."""
        self.model, ds, encoder = model, model.ds, model.user_encoder
        if encoder is None:
            self.users, self.vectors = np.zeros(0, dtype=np.int64), np.zeros((0, 0))
            return
        self.users, rows = find_last_train_rows(ds)
        self.vectors = np.asarray(encoder.encode_users(ds, rows), dtype=np.float64)
        router = model.predictor.router
        self.groups = None if router is None else router.groups.assign(self.vectors)
        self.middle = self.vectors.mean(axis=0)
        # The two directions in which users differ most; the signs are settled, since those of a basis are arbitrary.
        _, _, axes = np.linalg.svd(self.vectors - self.middle, full_matrices=False)
        plane = axes[:2]
        self.plane = plane * np.sign(plane[np.arange(len(plane)), np.abs(plane).argmax(axis=1)])[:, None]
        places = (self.vectors - self.middle) @ self.plane.T
        self.places = np.pad(places, ((0, 0), (0, max(0, 2 - places.shape[1]))))

    def list_points(self) -> tuple[MapPoint, ...]:
        """All users on the map."""
        ids = self.model.ds.user_ids
        return tuple(
            MapPoint(ids[user], float(self.places[n, 0]), float(self.places[n, 1]), self._get_group(n))
            for n, user in enumerate(self.users)
        )

    def describe_user(self, past: Past, most: int) -> UserProfile:
        """The profile of whoever has a past, with at most so many similar users."""
        model, query = self.model, past.query
        mixture, region = describe_mixture(model, past)
        encoder = model.user_encoder
        if encoder is None:
            note = "this model compares no users: it has no vectors of them"
            return UserProfile(past.user, mixture, region, None, (), None, note)
        vector = np.asarray(encoder.encode_query(model.ds, query), dtype=np.float64)
        if not vector.any():
            note = "nothing is known of this user's taste yet, so that nobody is similar"
            return UserProfile(past.user, mixture, region, None, (), None, note)
        cosines = compute_cosine(vector[None], self.vectors)[0]
        order = np.argsort(-cosines, kind="stable")
        own = None if query.user is None else model.user_codes.get(str(query.user))
        nearest = [n for n in order[: most + 1].tolist() if self.users[n] != own][:most]
        similar = tuple(self._build_similar(n, float(cosines[n]), past) for n in nearest)
        router = model.predictor.router
        group = None if router is None else int(router.groups.assign(vector[None])[0]) + 1
        flat = (vector - self.middle) @ self.plane.T
        place = float(flat[0]), float(flat[1]) if len(flat) > 1 else 0.0
        return UserProfile(past.user, mixture, region, group, similar, place, None)

    def _get_group(self, n: int) -> int | None:
        return None if self.groups is None else int(self.groups[n]) + 1

    def _build_similar(self, n: int, cosine: float, past: Past) -> SimilarUser:
        ds, table = self.model.ds, self.model.ds.interactions
        user = int(self.users[n])
        rows = slice(table.start[user], table.start[user + 1])
        theirs = table.item[rows][table.label[rows] == 1]
        both = np.intersect1d(theirs, past.query.items[past.query.labels == 1])[:SHARED]
        titles = tuple(ds.items.titles[i] for i in both)
        return SimilarUser(ds.user_ids[user], cosine, self._get_group(n), titles)


def describe_mixture(model: ServedModel, past: Past) -> tuple[tuple[tuple[str, float], ...], str]:
    """(adapter, weight) of a past, the global one first, and the name of the gate's region."""
    router = model.predictor.router
    weights, region = np.ones(1), "global"
    if router is not None:
        gate = router.route_query(model.ds, past.query)
        weights, region = gate.weights[0], REGIONS[int(gate.region[0])]
    names = ["global", *(f"expert {k}" for k in range(1, len(weights)))]
    return tuple((name, float(weight)) for name, weight in zip(names, weights, strict=True)), region
