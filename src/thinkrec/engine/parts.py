"""The trainable parts of a recommender, by name: their parameters, what they put into a prompt, what is saved of them.

The training loop, the checkpoint and `Recommender.embed` go by `TRAINABLE_PARTS`, so that a further part is a module of
its own and one entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import nn

from thinkrec.engine.batch import Batch
from thinkrec.errors import CheckpointError, RecipeError
from thinkrec.model.adapters import AdapterSet, Group
from thinkrec.model.backbone import Backbone
from thinkrec.model.projector import Projector
from thinkrec.model.soft_prompt import SoftPrompt


class PartOwner(Protocol):
    """What a part needs of its recommender; parts that are modules are attributes of it, by their name."""

    backbone: Backbone
    adapters: AdapterSet

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        ...


@dataclass(frozen=True, eq=False)
class PartState:
    """The values of one part as they are saved; file names are relative to the folder of the recommender."""

    tensors: Mapping[str, Mapping[str, torch.Tensor]]
    """File -> tensors by name."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """What the manifest says of the part, as JSON values."""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """File -> JSON values, for other programs to read."""


class TrainablePart(Protocol):
    """One entry of `TRAINABLE_PARTS`."""

    def list_parameters(self, recommender: PartOwner) -> list[nn.Parameter]:
        """What trains, in a fixed order; empty where the recommender has no such part."""
        ...

    def has_part(self, recommender: PartOwner) -> bool:
        """Whether the recommender has this part."""
        ...

    def get_state(self, recommender: PartOwner) -> PartState:
        """The part's values, on the CPU."""
        ...

    def load_state(self, recommender: PartOwner, state: PartState) -> None:
        """Put saved values into a recommender whose adapters are attached.

        Raises CheckpointError where they do not fit.
        """
        ...


@dataclass(frozen=True)
class AdapterPart:
    """One group of LoRA adapters, each of them saved in PEFT's format in a folder of its own."""

    group: Group

    def list_parameters(self, recommender: PartOwner) -> list[nn.Parameter]:
        """As `TrainablePart.list_parameters`."""
        return recommender.adapters.get_parameters(self.group)

    def has_part(self, recommender: PartOwner) -> bool:
        """As `TrainablePart.has_part`."""
        return bool(self._list_adapters(recommender))

    def get_state(self, recommender: PartOwner) -> PartState:
        """As `TrainablePart.get_state`."""
        adapters, tensors, settings = recommender.adapters, {}, {}
        for k, folder in self._list_adapters(recommender).items():
            tensors[f"{folder}/adapter_model.safetensors"] = adapters.get_peft_tensors(k)
            settings[f"{folder}/adapter_config.json"] = adapters.get_peft_config(recommender.backbone.config.source)
        return PartState(tensors, {"layers": adapters.list_layer_numbers(self.group)}, settings)

    def load_state(self, recommender: PartOwner, state: PartState) -> None:
        """As `TrainablePart.load_state`."""
        adapters = self._list_adapters(recommender)
        files = {f"{folder}/adapter_model.safetensors": k for k, folder in adapters.items()}
        if lacking := sorted(files.keys() - state.tensors.keys()):
            raise CheckpointError(f"the manifest names no {lacking[0]}; copy the whole folder again, or train again")
        for file, k in files.items():
            recommender.adapters.load_peft_tensors(k, state.tensors[file])

    def _list_adapters(self, recommender: PartOwner) -> dict[int, str]:
        """Adapter index -> folder."""
        if self.group == "global":
            return {0: "adapters/global"}
        if not recommender.adapters.get_parameters("experts"):
            return {}
        return {k: f"adapters/expert_{k}" for k in range(1, recommender.adapters.n_adapters)}


@dataclass(frozen=True)
class ModulePart:
    """A module that gives vectors to stand among the token embeddings, saved as one safetensors file."""

    name: str
    """Also the attribute of the recommender that holds it."""
    build: Callable[..., Any]
    """The module from the values of its `get_config`; `hidden` among them is the width of its vectors."""
    positions: str
    """Field of a batch, int64 (m, 2): where in it, as (row, position), the vectors go."""
    values: str
    """Field of a batch, (m, ...): what the module makes the vectors of."""
    missing: str
    """What is said where prompts have such positions, and the recommender has no such part."""

    def get_module(self, recommender: PartOwner) -> nn.Module | None:
        """The module; None where the recommender has none."""
        return getattr(recommender, self.name, None)

    def list_parameters(self, recommender: PartOwner) -> list[nn.Parameter]:
        """As `TrainablePart.list_parameters`."""
        module = self.get_module(recommender)
        return [] if module is None else list(module.parameters())

    def has_part(self, recommender: PartOwner) -> bool:
        """As `TrainablePart.has_part`."""
        return self.get_module(recommender) is not None

    def get_state(self, recommender: PartOwner) -> PartState:
        """As `TrainablePart.get_state`."""
        module: Any = self.get_module(recommender)
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
        return PartState({f"{self.name}.safetensors": tensors}, {"config": module.get_config()})

    def load_state(self, recommender: PartOwner, state: PartState) -> None:
        """As `TrainablePart.load_state`; makes the module."""
        module, width = self.build(**state.config["config"]), recommender.backbone.hidden_size
        if module.hidden != width:
            raise CheckpointError(
                f"the saved {self.name} makes vectors of {module.hidden} numbers, the backbone "
                f"{recommender.backbone.name} takes {width}; load it with the backbone it was trained with"
            )
        module.load_state_dict(dict(state.tensors[f"{self.name}.safetensors"]))
        setattr(recommender, self.name, module.to(recommender.device))

    def insert_vectors(self, recommender: PartOwner, embeddings: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Token embeddings (b, t, hidden) with the part's vectors at their positions of the batch, if it has any.

        Raises RecipeError if the batch has such positions but the recommender has no such part.
        """
        at = getattr(batch, self.positions)
        if not len(at):
            return embeddings
        module = self.get_module(recommender)
        if module is None:
            raise RecipeError(self.missing)
        vectors = module(getattr(batch, self.values)).to(embeddings.dtype)
        return embeddings.index_put((at[:, 0], at[:, 1]), vectors)


MODULE_PARTS: dict[str, ModulePart] = {
    part.name: part
    for part in (
        ModulePart(
            name="projector",
            build=Projector,
            positions="placeholder_at",
            values="placeholder_vectors",
            missing="the prompts have places for collaborative vectors, but this recommender has no projector; "
            "add one or render the prompts without vectors",
        ),
        ModulePart(
            name="soft_prompt",
            build=SoftPrompt,
            positions="soft_at",
            values="soft_index",
            missing="the prompts have places for soft vectors, but this recommender has no soft prompt; "
            "add one or render the prompts by a template without them",
        ),
    )
}
"""What stands among the token embeddings. The names of `positions` and `values` are those of `Prompt` too."""

TRAINABLE_PARTS: dict[str, TrainablePart] = {
    "global": AdapterPart("global"),
    "experts": AdapterPart("experts"),
    **MODULE_PARTS,
}
"""Name -> part; the names are what a stage's `train` takes."""


def set_trainable_parts(recommender: PartOwner, names: Sequence[str]) -> list[nn.Parameter]:
    """Freeze everything but the parts of these names; returns what may now train.

    Parameters of adapters come first, then those of modules, both in the order of `names`; a part that the recommender
    does not have adds none.
    """
    ordered = sorted(names, key=lambda name: name in MODULE_PARTS)
    chosen = [p for name in ordered for p in TRAINABLE_PARTS[name].list_parameters(recommender)]
    for part in TRAINABLE_PARTS.values():
        for p in part.list_parameters(recommender):
            p.requires_grad_(False)
    for p in chosen:
        p.requires_grad_(True)
    return chosen


def list_modules(recommender: PartOwner) -> list[nn.Module]:
    """The modules of `MODULE_PARTS` that the recommender has."""
    modules = (part.get_module(recommender) for part in MODULE_PARTS.values())
    return [module for module in modules if module is not None]


def move_modules(source: PartOwner, target: PartOwner) -> None:
    """Hand the modules of `MODULE_PARTS` that `source` has to `target`, on its device."""
    for name, part in MODULE_PARTS.items():
        module = part.get_module(source)
        if module is not None:
            setattr(target, name, module.to(target.device))
