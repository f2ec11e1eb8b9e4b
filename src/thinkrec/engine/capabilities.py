"""Whether the fast paths leave a backbone's results as they are, found out by trying."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch

from thinkrec.engine import attention, fused_layers
from thinkrec.engine.attention import SequenceBounds
from thinkrec.engine.batch import Batch, collate_prompts
from thinkrec.engine.hooks import UnsupportedAttentionError, install_attention
from thinkrec.engine.last_layer import PositionSelection, prune_last_layer
from thinkrec.engine.packing import pack_shared_prefix
from thinkrec.engine.recommender import Capabilities, Recommender
from thinkrec.engine.segments import PrefixKVCache
from thinkrec.engine.varlen import compute_varlen_reference
from thinkrec.prompts.shared_prefix import SharedPrefix
from thinkrec.prompts.types import Prompt

_TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-3}
"""Largest difference, in standard deviations of a hidden state; half precision: `_HALF_TOLERANCE`."""
_HALF_TOLERANCE = 0.1
_HALF_GRADIENT_TOLERANCE = 0.25
"""The same for root mean squares of gradients, which halves round in every layer on their way down."""
_PREFIX_LENGTHS, _SUFFIX_LENGTHS = (7, 12), (3, 5, 1)


def detect_capabilities(recommender: Recommender) -> Capabilities:
    """Try every fast path on random prompts of this backbone's shape, beside the plain one, where the weights are now.

    The random generators and the mode of the recommender are left as they were.
    """
    shared_prefix = can_share_prefix(recommender)
    return Capabilities(
        shared_prefix=shared_prefix,
        varlen=can_pack_varlen(recommender) and shared_prefix,
        last_layer_pruning=can_prune_last_layer(recommender),
        fused_layers=can_fuse_layers(recommender),
    )


def can_share_prefix(recommender: Recommender) -> bool:
    """Compare a few random prompts packed behind shared prefixes with the same prompts asked one by one.

    False where attention is not the kind that packing replaces, or does more than it (caps, sinks, biases), or where
    something else in the decoder looks across tokens (state-space and convolution layers).
    """
    shared_prefixes = _make_random_prefixes(recommender)
    plain = collate_prompts(
        [prompt for shared in shared_prefixes for prompt in shared.to_prompts()], recommender.backbone.pad_id
    )

    def packed() -> torch.Tensor:
        states, cache = [], PrefixKVCache()
        first, last = shared_prefixes[-1].suffixes[:1], shared_prefixes[-1].suffixes[1:]
        # The last one in two rows, the second of which finds the prefix's keys and values kept.
        rows = [
            (shared_prefixes[:-1], None),
            ([replace(shared_prefixes[-1], suffixes=first)], cache),
            ([replace(shared_prefixes[-1], suffixes=last)], cache),
        ]
        for part, row_cache in rows:
            row = pack_shared_prefix(part, row_cache and [row_cache]).to(recommender.device)
            states.append(recommender.compute_hidden(row)[0, row.answer_at[:, 1]])
        return torch.cat(states)

    return _is_equal_to_plain_path(recommender, plain, packed)


def can_pack_varlen(recommender: Recommender) -> bool:
    """Whether the device has a kernel for varlen batches, many prompts in one row, that computes what the formula does.

    Tried on random tensors of this backbone's shape: outputs, log-sum-exps and gradients are compared.
    """
    config = recommender.model.config.get_text_config()
    heads = getattr(config, "num_attention_heads", None)
    if heads is None or getattr(config, "attention_dropout", 0):
        return False
    groups = getattr(config, "num_key_value_heads", None) or heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    source, device = torch.Generator().manual_seed(0), recommender.device

    def part(n: int) -> torch.Tensor:
        values = torch.randn(1, n, sum(_PREFIX_LENGTHS), width, generator=source)
        return values.to(device, recommender.model.dtype).requires_grad_()

    tensors = part(heads), part(groups), part(groups)
    if not attention.has_flash_kernel(tensors[0]):
        return False
    cuts, probe = (
        SequenceBounds.from_lengths(_PREFIX_LENGTHS, device),
        torch.randn(tensors[0].shape, generator=source).to(device),
    )
    results = []
    try:
        for compute in (attention.compute_varlen_attention, compute_varlen_reference):
            out, seen = compute(*tensors, cuts, cuts, causal=True, scale=width**-0.5)
            results.append((out, seen, *torch.autograd.grad((out.float() * probe).sum(), tensors)))
    except RuntimeError as error:
        warnings.warn(f"prompts are padded, because the kernel failed when it was tried: {error}", stacklevel=2)
        return False
    return all(
        (mine - theirs).abs().max() <= _HALF_TOLERANCE * theirs.float().std()
        for mine, theirs in zip(*results, strict=True)
    )


def can_prune_last_layer(recommender: Recommender) -> bool:
    """Compare the states at a few places of random prompts with all states of the same prompts."""
    plain = collate_prompts(
        [prompt for shared in _make_random_prefixes(recommender) for prompt in shared.to_prompts()],
        recommender.backbone.pad_id,
    )
    plain = plain.to(recommender.device)
    place = plain.answer_at[plain.find_last_answers(), 1][:, None]
    selection = PositionSelection(place, torch.arange(len(place), device=place.device))

    def few() -> torch.Tensor:
        with prune_last_layer(selection):
            return recommender.compute_hidden(plain)[:, 0]

    return _is_equal_to_plain_path(recommender, plain, few)


def can_fuse_layers(recommender: Recommender) -> bool:
    """Compare states and adapters' gradients of random prompts by fused layers with those by the backbone's own.

    False where they would not be quicker (`should_fuse_layers`), and for layers that are not of Llama's kind or do more
    than those (multiplied residuals, layers without rotary embeddings), or whose experts are fused with cross terms.
    """
    routing = recommender.adapters.routing
    if recommender.adapters.config.fusion != "exact":
        return False
    if not fused_layers.should_fuse_layers(recommender.model, recommender.backbone.hidden_size):
        return False
    if not fused_layers.install_fused_layers(recommender.model, routing):
        return False
    prompts = [prompt for shared in _make_random_prefixes(recommender) for prompt in shared.to_prompts()]
    batch = collate_prompts(prompts, recommender.backbone.pad_id)
    results = []
    with _enable_adapter_gradients(recommender) as parameters:
        for on in (False, True):
            with routing.use_weights(recommender.compute_routing_weights(batch)):
                embeds = recommender.embed(batch).detach()
                with torch.enable_grad(), fused_layers.use_fused_layers(on):
                    states = recommender.decoder(inputs_embeds=embeds, use_cache=False).last_hidden_state
                    real = torch.arange(states.shape[1])[None] < batch.lengths[:, None]
                    # A fixed direction: the sum of squares hardly changes behind a norm.
                    probe = torch.randn(states[real].shape, generator=torch.Generator().manual_seed(0))
                    loss = (states[real].float() * probe).sum()
                    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
            results.append([states[real].detach(), *(g for g in gradients if g is not None)])
    return len(results[0]) == len(results[1]) and all(
        _is_near(mine, theirs, recommender.model.dtype) for theirs, mine in zip(*results, strict=True)
    )


@contextmanager
def _enable_adapter_gradients(recommender: Recommender) -> Iterator[list[torch.nn.Parameter]]:
    """Evaluation mode, and gradients for the adapters alone, until the block ends."""
    adapters = [p for group in ("global", "experts") for p in recommender.adapters.get_parameters(group)]
    learning, merged = [p.requires_grad for p in adapters], recommender.adapters.clear_merged_weights()
    modes = [(module, module.training) for module in recommender.modules()]
    try:
        recommender.eval()
        for p in adapters:
            p.requires_grad_(True)
        yield adapters
    finally:
        for p, was in zip(adapters, learning, strict=True):
            p.requires_grad_(was)
        for module, was in modes:
            module.training = was
        if merged:
            recommender.adapters.compute_merged_weights()


def _is_near(mine: torch.Tensor, theirs: torch.Tensor, dtype: torch.dtype) -> bool:
    """Whether tensors are as near as the format allows, as root mean squares."""
    mine, theirs = mine.cpu().double(), theirs.cpu().double()
    apart, size = (t.square().mean().sqrt() for t in (mine - theirs, theirs))
    return bool(apart <= _TOLERANCE.get(dtype, _HALF_GRADIENT_TOLERANCE) * size)


def _make_random_prefixes(recommender: Recommender) -> list[SharedPrefix]:
    rng, size = np.random.default_rng(0), len(recommender.backbone.tokenizer)
    gate = np.full(recommender.adapters.n_adapters, 1 / recommender.adapters.n_adapters, dtype=np.float32)

    def part(n: int) -> Prompt:
        none = np.zeros(0, dtype=np.int32)
        return Prompt(
            rng.integers(size, size=n).astype(np.int32),
            none,
            np.zeros((0, 0), dtype=np.float32),
            np.array([n - 1], dtype=np.int32),
            np.zeros(1, dtype=np.int8),
            np.ones(1, dtype=np.float32),
            none,
            none,
            np.zeros(0, dtype=np.float32),
            gate,
        )

    return [SharedPrefix(part(n), tuple(part(m) for m in _SUFFIX_LENGTHS)) for n in _PREFIX_LENGTHS]


def _is_equal_to_plain_path(recommender: Recommender, plain: Batch, fast: Callable[[], torch.Tensor]) -> bool:
    if not install_attention(recommender.model):
        return False
    plain = plain.to(recommender.device)
    last = plain.answer_at[plain.find_last_answers()]
    with recommender.inference_mode():
        expected = recommender.compute_hidden(plain)[last[:, 0], last[:, 1]].cpu().double()
        try:
            states = fast().cpu().double()
        except UnsupportedAttentionError:
            return False
        except RuntimeError as error:
            # A kernel that this device or this torch does not have.
            warnings.warn(f"a fast path is left out, because it failed when it was tried: {error}", stacklevel=2)
            return False
    apart = (states - expected).abs().max() / expected.std()
    return bool(apart <= _TOLERANCE.get(recommender.model.dtype, _HALF_TOLERANCE))
