"""Training loop of the neural encoders."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from pydantic import Field
from torch import nn

from thinkrec.collab.selection import ModelSelector
from thinkrec.data.columns import DataWarning
from thinkrec.data.interactions import Interactions
from thinkrec.errors import DataError
from thinkrec.io.config import Config
from thinkrec.io.progress import Progress

Batch = TypeVar("Batch")
_LARGE = 1_000_000
"""Parameters from which on PyTorch's fused Adam is taken: one pass over the tables in place of several, six times as
fast where they do not fit the caches. Its last digits differ, and small tables gain nothing."""


class EncoderTrainingConfig(Config):
    """How an encoder is optimised (Adam, early stop on validation AUC)."""

    RENAMED_KEYS: ClassVar = {"batch": "batch_size"}

    lr: float = Field(default=1e-3, gt=0)
    """Step size of Adam. On ML-1M validation 1e-3 is within .003 AUC of 1e-2 or above it, for MF
    and LightGCN."""
    weight_decay: float = Field(default=1e-4, ge=0)
    """L2 penalty, added to the gradient of every parameter as Adam does. On ML-1M validation 1e-4 is best for MF and no
    worse for SASRec; LightGCN gains .005 AUC from 1e-5."""
    batch_size: int = Field(default=1024, ge=1)
    """Rows per step (SASRec: target rows per step, on average)."""
    epochs: int = Field(default=200, ge=1)
    """Upper bound on passes over the train rows."""
    patience: int = Field(default=10, ge=1)
    """Stop after so many epochs without a better validation AUC."""


@contextlib.contextmanager
def use_seed(seed: int) -> Iterator[None]:
    """Seed PyTorch inside: weights and dropout depend on `seed` alone; the caller's random state is restored."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def shuffle_batches(rows: np.ndarray, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield `rows` in random order, `size` at a time."""
    mixed = rng.permutation(rows)
    for begin in range(0, len(mixed), size):
        yield mixed[begin : begin + size]


def read_batch(data: Interactions, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """User and item codes, int64, and labels, float32, of some rows, (len(rows),) each.

    A batch is converted when it is needed: columns of all rows as PyTorch takes them would be 20 bytes a row more.
    """
    user, item = (torch.from_numpy(column[rows].astype(np.int64)) for column in (data.user, data.item))
    return user, item, torch.from_numpy(data.label[rows].astype(np.float32))


def train_encoder(
    net: nn.Module,
    batches: Callable[[np.random.Generator], Iterable[Batch]],
    loss: Callable[[Batch, np.random.Generator], torch.Tensor],
    validate: Callable[[], np.ndarray],
    labels: np.ndarray,
    options: EncoderTrainingConfig,
    *,
    seed: int,
    progress: bool = False,
    name: str = "encoder",
) -> list[dict[str, Any]]:
    """Optimise `net` and leave it, in evaluation mode, with the weights of its best epoch.

    Best is by validation AUC, or by validation loss where the labels are of one class, with a DataWarning.

    Args:
        net: the module to train.
        batches: the batches of one epoch.
        loss: a scalar for one batch.
        validate: scores (m,) of the validation rows; called in evaluation mode without gradients.
        labels: (m,), labels of the validation rows.
        options: how it is optimised.
        seed: of the order of batches and whatever `loss` draws.
        progress: whether to show a progress bar.
        name: of the encoder in messages.

    Returns:
        Per epoch: epoch (from 1), loss (mean over steps), auc and valid_loss, value (the criterion), seconds, best
        (value so far; None before there is one).

    Raises:
        DataError: no epoch gave finite scores.
    """
    rng = np.random.default_rng(seed)
    large = sum(p.numel() for p in net.parameters()) > _LARGE
    optimiser = torch.optim.Adam(net.parameters(), lr=options.lr, weight_decay=options.weight_decay, fused=large)
    records: list[dict[str, Any]] = []
    selector = ModelSelector.from_labels(None, labels)
    selector.warn_fallback(f"{name} is")
    best, best_epoch, best_state = None, 0, dict[str, torch.Tensor]()
    with Progress(name, options.epochs, shown=progress) as bar:
        for epoch in range(1, options.epochs + 1):
            started = time.perf_counter()
            net.train()
            losses = []
            for batch in batches(rng):
                value = loss(batch, rng)
                optimiser.zero_grad(set_to_none=True)
                value.backward()
                optimiser.step()
                losses.append(value.item())
            net.eval()
            with torch.no_grad():
                metrics = selector.compute_metrics(validate())
            if np.isfinite(metrics["value"]) and (best is None or metrics["value"] > best):
                best, best_epoch = metrics["value"], epoch
                _copy_state(net, best_state)
            seconds = time.perf_counter() - started
            mean = float(np.mean(losses))
            records.append({"epoch": epoch, "loss": mean, **metrics, "seconds": seconds, "best": best})
            bar.advance(1, f"loss {mean:.4f} validation {selector.criterion} {abs(metrics['value']):.4f}")
            if epoch - best_epoch >= options.patience:
                break
    n_undefined = sum(not np.isfinite(record["value"]) for record in records)
    if not best_state:
        raise DataError(
            f"{name}: none of {len(records)} epochs gave finite scores on the validation rows; its weights grew beyond"
            f" all numbers. Lower training.lr (now {options.lr:g})"
        )
    if n_undefined:
        warnings.warn(
            f"{name}: scores were not finite after {n_undefined} of {len(records)} epochs; the weights of epoch "
            f"{best_epoch} are kept. A lower training.lr (now {options.lr:g}) may serve better",
            DataWarning,
            stacklevel=2,
        )
    net.load_state_dict(best_state)
    net.eval()
    return records


def _copy_state(net: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Copy the weights of `net` into `state`, whose tensors are made once: two copies of large tables are too many."""
    for key, tensor in net.state_dict().items():
        if key in state:
            state[key].copy_(tensor)
        else:
            state[key] = tensor.clone()
