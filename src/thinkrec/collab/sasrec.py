"""SASRec (Kang and McAuley, ICDM 2018) on explicit labels, with binary or generalised cross-entropy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from thinkrec.collab import encoder_files
from thinkrec.collab.embedding_tables import mask_trained_codes
from thinkrec.collab.selection import select_two_class_rows
from thinkrec.collab.sequences import UserSequences, Windows
from thinkrec.collab.trained_ids import TrainedIds
from thinkrec.collab.training import EncoderTrainingConfig, train_encoder, use_seed
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN, VALID
from thinkrec.data.query import Query
from thinkrec.io.config import Config


class SASRecConfig(Config):
    """SASRec, and with `loss: gbce` gSASRec."""

    RENAMED_KEYS: ClassVar = {
        "spread": "init_std",
        "length": "max_length",
        "t": "gbce_t",
        "sampled_weight": "negative_weight",
    }

    kind: Literal["sasrec"] = "sasrec"
    loss: Literal["bce", "gbce"] = "bce"
    """bce: cross-entropy on the labels. gbce: the same plus sampled negatives, the positives' term scaled by beta."""
    history: Literal["liked", "labelled"] = "liked"
    """liked: the input holds liked items only, as published. labelled: all items, each with a label embedding."""
    max_length: int = Field(default=25, ge=1)
    """Entries of the past that are read."""
    dim: int = Field(default=64, ge=1)
    """Length of the vectors."""
    layers: int = Field(default=2, ge=1)
    """Transformer blocks."""
    heads: int = Field(default=2, ge=1)
    """Attention heads; must divide `dim`."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Dropout on the input and in the blocks."""
    biases: bool = False
    """Add a bias per item to the score."""
    init_std: float = Field(default=0.02, gt=0)
    """Standard deviation of the item vectors before training."""
    negatives: int = Field(default=1, ge=1)
    """Sampled negatives per liked row (gbce)."""
    gbce_t: float = Field(default=0.25, ge=0, le=1)
    """Calibration of gbce: 0 is plain cross-entropy (beta 1), 1 undoes the sampling entirely (beta alpha)."""
    negative_weight: float = Field(default=0.1, ge=0)
    """Weight of each sampled negative beside a labelled row's 1 (gbce); 1 is the published loss. Less keeps it about
    liking rather than about what is watched at all (ML-1M validation AUC about .69 at 0.1, .66 to .68 at 1)."""
    training: EncoderTrainingConfig = EncoderTrainingConfig()
    """How it is optimised."""


def compute_gbce_beta(negatives: int, n_items: int, t: float) -> float:
    """Weight beta of the positives' loss in gBCE (Petrov, Macdonald, RecSys 2023).

    beta = alpha (t (1 - 1/alpha) + 1/alpha), alpha = negatives / (n_items - 1).
    """
    alpha = min(1.0, negatives / max(1, n_items - 1))
    return alpha * (t * (1 - 1 / alpha) + 1 / alpha)


class _Net(nn.Module):
    known: torch.Tensor

    def __init__(self, known: np.ndarray, config: SASRecConfig):
        super().__init__()
        n_items, dim = len(known), config.dim
        self.items = nn.Embedding(n_items + 1, dim, padding_idx=n_items)
        self.labels = nn.Embedding(2, dim) if config.history == "labelled" else None
        self.places = nn.Embedding(config.max_length + 1, dim)
        self.begin = nn.Parameter(torch.randn(dim) * config.init_std)
        self.bias = nn.Parameter(torch.zeros(n_items)) if config.biases else None
        for table in filter(None, (self.items, self.labels, self.places)):
            nn.init.normal_(table.weight, std=config.init_std)
        block = nn.TransformerEncoderLayer(
            dim, config.heads, dim, config.dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(block, config.layers, norm=nn.LayerNorm(dim), enable_nested_tensor=False)
        self.dropout = nn.Dropout(config.dropout)
        self.register_buffer("known", torch.from_numpy(known))

    def forward(self, item: torch.Tensor, label: torch.Tensor, vectors: torch.Tensor | None = None) -> torch.Tensor:
        """Encodings (windows, length + 1, dim) of `item` and `label`, int64 (windows, length); see `Windows`.

        `vectors` (any, dim): what `item` numbers; by default the trained items and the padding.
        """
        entry = self.items(item) if vectors is None else functional.embedding(item, vectors)
        if self.labels is not None:
            entry = entry + self.labels(label)
        begin = self.begin.expand(len(item), 1, -1)
        steps = torch.cat([begin, entry], dim=1) + self.places.weight
        mask = nn.Transformer.generate_square_subsequent_mask(steps.shape[1])
        return self.blocks(self.dropout(steps), mask=mask, is_causal=True)

    def compute_logit(self, user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        """Logits (...) of encodings `user` (..., dim) and item codes `item`, int64 (...)."""
        product = (user * self.items(item)).sum(-1)
        return product if self.bias is None else product + self.bias[item]

    @torch.no_grad()
    def fill_untrained_items(self) -> None:
        """Give items without train rows the mean vector and the mean bias of the others."""
        if self.known.any():
            self.items.weight[:-1][~self.known] = self.items.weight[:-1][self.known].mean(0)
            if self.bias is not None:
                self.bias[~self.known] = self.bias[self.known].mean()

    @torch.no_grad()
    def build_extended_tables(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Vectors (n_items + 2, dim) and biases (n_items + 1,) of the trained items and of items that came later.

        Behind the trained items follows the mean of those with train rows, for every item that came later; last, of the
        vectors, the padding.
        """
        vectors, known = self.items.weight, self.known
        mean = vectors[:-1][known].mean(0, keepdim=True) if known.any() else torch.zeros_like(vectors[-1:])
        bias = torch.zeros(len(known)) if self.bias is None else self.bias
        mean_bias = bias[known].mean().reshape(1) if known.any() else torch.zeros(1)
        return torch.cat([vectors[:-1], mean, vectors[-1:]]), torch.cat([bias, mean_bias])


@torch.no_grad()
def _encode_rows(
    net: _Net,
    windows: Windows,
    vectors: torch.Tensor | None = None,
    item_rows: np.ndarray | None = None,
    size: int = 1024,
) -> torch.Tensor:
    """The encoding at each row's step, float32 (n_rows, dim); `vectors` as in `_Net.forward`.

    `item_rows`: the row of `vectors` of each item code, the padding's last; by default the code itself.
    """
    encodings = torch.empty(len(windows.window), net.places.weight.shape[1])
    order = np.argsort(windows.window, kind="stable")
    sorted_window = windows.window[order]
    for group in windows.iterate_batches(size):
        item, label = windows.read(group)
        item = item if item_rows is None else item_rows[item]
        steps = net(torch.from_numpy(item), torch.from_numpy(label), vectors)
        rows = order[np.searchsorted(sorted_window, group[0]) : np.searchsorted(sorted_window, group[-1], "right")]
        encodings[rows] = steps[windows.window[rows] - group[0], windows.place[rows]]
    return encodings


class SASRec:
    """logit(like) = (encoding of the user's sequence strictly before the row) . item (+ item bias).

    A user without a past is encoded as the learned start of every sequence. Items without train rows hold the mean
    vector of the others from the end of `fit` on, and so do items that were not in the data of the fit.
    """

    def __init__(self, config: SASRecConfig | None = None):
        """An unfitted encoder."""
        self.config = config or SASRecConfig()
        self.net: _Net | None = None
        self.ids = TrainedIds([], [])

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self.config.dim

    def fit(self, ds: Dataset, *, seed: int, progress: bool = False) -> list[dict[str, Any]]:
        """See `Scorer.fit`: one record per epoch. Validation histories hold the user's earlier validation rows."""
        rows, valid = select_two_class_rows(ds, TRAIN), select_two_class_rows(ds, VALID)
        data, config = ds.interactions, self.config
        past = UserSequences.from_dataset(ds, config.history)
        validation = past.build_latest_windows(valid, config.max_length)
        known = mask_trained_codes(ds)[1]
        choice = torch.from_numpy(np.flatnonzero(known))
        beta = compute_gbce_beta(config.negatives, len(choice), config.gbce_t) if config.loss == "gbce" else 1.0

        with use_seed(seed):
            net = _Net(known, config)

            def batches(rng: np.random.Generator) -> Iterator[tuple[Windows, np.ndarray, np.ndarray, np.ndarray]]:
                windows = past.build_strided_windows(rows, config.max_length, rng)
                by = np.argsort(windows.window, kind="stable")
                edges = np.searchsorted(windows.window[by], np.arange(len(windows) + 1))
                size = max(1, round(config.training.batch_size * len(windows) / len(rows)))
                order = rng.permutation(len(windows))
                for begin in range(0, len(order), size):
                    group = order[begin : begin + size]
                    members = np.concatenate([by[edges[w] : edges[w + 1]] for w in group])
                    yield windows, group, members, np.repeat(np.arange(len(group)), (edges[1:] - edges[:-1])[group])

            def loss(
                batch: tuple[Windows, np.ndarray, np.ndarray, np.ndarray], rng: np.random.Generator
            ) -> torch.Tensor:
                windows, group, members, place = batch
                steps = net(*map(torch.from_numpy, windows.read(group)))
                user = steps[place, windows.place[members]]
                target = rows[members]
                y = torch.from_numpy(data.label[target].astype(np.float32))
                logit = net.compute_logit(user, torch.from_numpy(data.item[target].astype(np.int64)))
                value = beta * y * functional.softplus(-logit) + (1 - y) * functional.softplus(logit)
                if config.loss == "bce":
                    return value.mean()
                liked = y == 1
                drawn = choice[torch.from_numpy(rng.integers(len(choice), size=(int(liked.sum()), config.negatives)))]
                sampled = functional.softplus(net.compute_logit(user[liked][:, None], drawn)).sum()
                return (value.sum() + config.negative_weight * sampled) / (
                    len(y) + config.negative_weight * drawn.numel()
                )

            def validate() -> np.ndarray:
                net.fill_untrained_items()
                asked = torch.from_numpy(data.item[valid].astype(np.int64))
                return net.compute_logit(_encode_rows(net, validation), asked).cpu().double().numpy()

            records = train_encoder(
                net,
                batches,
                loss,
                validate,
                data.label[valid],
                config.training,
                seed=seed,
                progress=progress,
                name="sasrec",
            )
            net.fill_untrained_items()
        self.net, self.ids = net, TrainedIds.from_dataset(ds)
        return records

    def _require_net(self) -> _Net:
        if self.net is None:
            raise RuntimeError("this SASRec has no weights yet: call fit, or load a saved one")
        return self.net

    def _encode_users(self, ds: Dataset, rows: np.ndarray) -> torch.Tensor:
        windows = UserSequences.from_dataset(ds, self.config.history).build_latest_windows(rows, self.config.max_length)
        return self._encode_windows(ds, windows)

    def _encode_windows(self, ds: Dataset, windows: Windows) -> torch.Tensor:
        net, vectors = self._require_net(), self._require_net().build_extended_tables()[0]
        # The padding of `windows` is one behind the items of `ds`; here it stands behind the mean.
        item_rows = np.append(self.ids.find_item_rows(ds), len(vectors) - 1)
        return _encode_rows(net, windows, vectors, item_rows)

    @torch.no_grad()
    def score(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """Logits, float64 (len(rows),)."""
        vectors, bias = self._require_net().build_extended_tables()
        item_rows = torch.from_numpy(self.ids.find_item_rows(ds)[ds.interactions.item[rows]])
        product = (self._encode_users(ds, rows) * vectors[item_rows]).sum(-1)
        return (product + bias[item_rows]).cpu().double().numpy()

    def encode_users(self, ds: Dataset, rows: np.ndarray) -> np.ndarray:
        """Encodings of the user's sequence strictly before each row, float32 (len(rows), dim)."""
        return self._encode_users(ds, rows).numpy()

    def encode_query(self, ds: Dataset, query: Query) -> np.ndarray:
        """float32 (dim,): the encoding of the query's past, or of its liked items."""
        sequence = UserSequences.from_query(query, self.config.history, len(ds.items))
        windows = sequence.build_latest_windows(np.zeros(1, dtype=np.int64), self.config.max_length)
        return self._encode_windows(ds, windows).numpy()[0]

    def encode_items(self, ds: Dataset) -> np.ndarray:
        """Vectors of all items, float32 (n_items of `ds`, dim)."""
        return self._require_net().build_extended_tables()[0][torch.from_numpy(self.ids.find_item_rows(ds))].numpy()

    def save(self, folder: Path) -> None:
        """See `Scorer.save`."""
        arrays = {name: value.numpy() for name, value in self._require_net().state_dict().items()}
        encoder_files.write_scorer(folder, self.config, arrays, self.ids)

    @classmethod
    def load(cls, folder: Path) -> SASRec:
        """See `Scorer.load`."""
        config, arrays = encoder_files.read_scorer(folder, SASRecConfig)
        encoder = cls(config)
        with use_seed(0):
            net = _Net(arrays["known"].astype(bool), config)
        net.load_state_dict({name: torch.from_numpy(value) for name, value in arrays.items()})
        encoder.net, encoder.ids = net.eval(), TrainedIds.load(folder)
        return encoder
