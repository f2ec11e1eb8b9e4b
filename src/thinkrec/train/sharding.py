"""A backbone that does not fit one card: its frozen layers are spread over the processes (FSDP2).

Every process holds a part of each decoder layer and collects the rest of a layer while it computes it. Adapters,
projector and optimiser stay whole in every process, as without: they are small, their gradients are summed by the
training loop, and what is saved does not depend on the number of processes. Token embeddings and head stay whole too:
single rows of them are read (answers, the projector's standardisation).

Layers are collected by all processes together. So all have to compute as many batches: a process without rows of its
own takes part with a prompt that counts nothing (`fill_empty_share`), and where shares are scored, whoever is done
computes along (`join_forwards`). Fast paths, which compute layers in parts or beside one another, are off.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from accelerate import Accelerator
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from thinkrec.engine.capabilities import detect_capabilities
from thinkrec.engine.recommender import Capabilities, Recommender
from thinkrec.errors import RecipeError
from thinkrec.io.processes import is_inside_main, join_shares
from thinkrec.model.adapters import find_decoder_layers
from thinkrec.prompts.types import Prompt

Sharding = Literal["none", "full"]
"""full: the frozen layers of a backbone are spread over the processes."""


def move_recommender(recommender: Recommender, accelerator: Accelerator, sharding: Sharding = "none") -> Recommender:
    """Move a recommender to where the process computes, whole or its part of it, with the capabilities it has there.

    What the main process does by itself (`io.processes.run_on_main`) needs the whole backbone: with `sharding` it is
    then computed on the CPU, where there is room for it. Raises RecipeError as `spread_backbone` does.
    """
    if sharding == "none" or accelerator.num_processes == 1:
        if sharding != "none":
            warnings.warn(
                "--sharding full spreads a backbone over several processes, and there is one, which holds all of it;"
                " start several by torchrun or accelerate launch",
                stacklevel=2,
            )
        recommender = recommender.to(accelerator.device)
    elif is_inside_main():
        recommender = recommender.to("cpu")
    else:
        return spread_backbone(recommender, accelerator.device)
    recommender.capabilities = detect_capabilities(recommender)
    return recommender


def spread_backbone(recommender: Recommender, device: torch.device) -> Recommender:
    """Spread the frozen weights of all decoder layers over the processes, one layer after the other, and move the rest.

    Only one layer at a time is whole on `device`. Raises RecipeError for weights in fewer bits.
    """
    if recommender.backbone.config.bits is not None:
        raise RecipeError(
            f"a backbone held in {recommender.backbone.config.bits} bits cannot be spread over processes; leave out"
            " model.backbone.bits, or --sharding"
        )
    recommender.adapters.clear_merged_weights()
    adapters = {id(p): p for group in ("global", "experts") for p in recommender.adapters.get_parameters(group)}
    mesh = init_device_mesh(device.type, (distributed.get_world_size(),))
    for layer in find_decoder_layers(recommender.model)[1]:
        own = {p for p in layer.parameters() if id(p) in adapters}
        # By default a module that stands in no other sharded one stays whole after its forward pass.
        fully_shard(layer, mesh=mesh, reshard_after_forward=True, ignored_params=own)
    recommender.to(device)
    recommender.capabilities, recommender.max_workers = Capabilities(), 0
    recommender.decoder.register_forward_pre_hook(_report_forward)
    join_shares(lambda: join_forwards(recommender))
    return recommender


def is_sharded(recommender: Recommender) -> bool:
    """Whether the backbone's layers are spread over processes."""
    return any(isinstance(p, DTensor) for p in recommender.model.parameters())


def count_backbone_bytes(recommender: Recommender) -> tuple[int, int]:
    """Bytes of the decoder layers' frozen parameters that this process holds, and of all of them."""
    adapters = {id(p) for group in ("global", "experts") for p in recommender.adapters.get_parameters(group)}
    held = whole = 0
    for p in find_decoder_layers(recommender.model)[1].parameters():
        if id(p) not in adapters:
            whole += p.numel() * p.element_size()
            own = p.to_local() if isinstance(p, DTensor) else p
            held += own.numel() * own.element_size()
    return held, whole


def fill_empty_share(shares: Sequence[list[Prompt]], process: int) -> tuple[list[Prompt], float]:
    """The prompts that a process of a sharded backbone computes, and what their loss counts: 1, or 0 without its own.

    A process whose share of a step is empty computes the shortest prompt of the step, since layers are collected by
    all processes together.
    """
    if shares[process]:
        return shares[process], 1.0
    return [min((prompt for share in shares for prompt in share), key=len)], 0.0


class _Join:
    """Whether batches are announced: while shares of different lengths are scored."""

    is_on = False


def _report_forward(module: nn.Module, args: Any) -> None:
    if _Join.is_on:
        _count_working_processes(True)


def _count_working_processes(works: bool) -> int:
    device = "cpu" if distributed.get_backend() == "gloo" else torch.accelerator.current_accelerator()
    count = torch.tensor([float(works)], device=device)
    distributed.all_reduce(count)
    return int(count.item())


@contextmanager
def join_forwards(recommender: Recommender) -> Iterator[None]:
    """Inside, processes compute any number of batches each; who leaves first computes along until all have left."""
    _Join.is_on = True
    try:
        yield
    finally:
        _Join.is_on = False
        ids = torch.zeros(1, 1, dtype=torch.long, device=recommender.device)
        with torch.no_grad():
            while _count_working_processes(False):
                recommender.decoder(input_ids=ids, use_cache=False)
