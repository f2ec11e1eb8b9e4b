"""Pre-trains thinkrec-nano from nothing on two cores: simulated catalogues plus plain text.

    python pretrain/train.py --text ../shared/data/text --out src/thinkrec/model/nano --work runs/pretrain --steps 3000

Every step sees prompts of catalogues that never come back (their seeds count up) and a slice of plain text. Stops and
goes on: the state is kept in --work every --save steps. The log has one line per --every steps; the held-out figures come
from catalogues with seeds below the training range.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from corpus import documents, token_stream, word_pools
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from worlds import FIRST_SEED, Words, one_world, prompts_of

from thinkrec.evaluate.ranking import auc
from thinkrec.model.batch import Prompt, collate, token_budget_batches

HELD_OUT_SEED = 500_000
WORLDS = 6
"""Catalogues whose prompts are cut into batches of similar length together."""
TEXT_SHARES = {"films": 0.5, "encyclopedia": 0.3, "books": 0.2}


class Text:
    """The tokenizer with its verdict tokens, as the renderer wants it."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
        self.yes_id, self.no_id = (self.tokenizer(w, add_special_tokens=False)["input_ids"][0] for w in (" Yes", " No"))


_text: Text
_words: Words


def _start_worker(folder: Path, text_folder: Path) -> None:
    global _text, _words
    os.nice(5)
    torch.set_num_threads(1)
    _text, _words = Text(folder), word_pools(text_folder)


def _chunk(number: int, progress: float, reasons: float) -> list[Prompt]:
    """The prompts of `WORLDS` catalogues that no other chunk has."""
    seeds = range(FIRST_SEED + number * WORLDS, FIRST_SEED + (number + 1) * WORLDS)
    worlds = [(one_world(seed, progress, _words), np.random.default_rng(seed)) for seed in seeds]
    return [p for world, rng in worlds for p in prompts_of(world, _text, rng, reasons=reasons)]


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Warm-up over 100 steps, flat, then linear to a twentieth over the last 40 %."""
    left = (steps - step) / (0.4 * steps)
    return peak * min(1.0, (step + 1) / 100, max(0.05, left))


def prompt_loss(model: LlamaForCausalLM, prompts: list[Prompt], pad: int, labels: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross-entropy of the answers (every label in the table) and of the reasons."""
    batch = collate(prompts, pad)
    hidden = model.model(input_ids=batch.ids).last_hidden_state
    at = torch.cat([batch.answer_at, batch.token_at])
    logits = hidden[at[:, 0], at[:, 1]] @ model.lm_head.weight.T
    answers = torch.where(batch.answer_label > 0, labels[1], labels[0]).long()
    n = len(answers)
    rating = F.cross_entropy(logits[:n], answers)
    return rating, F.cross_entropy(logits[n:], batch.token_target)


@torch.no_grad()
def held_out(model: LlamaForCausalLM, prompts: list[Prompt], stream: np.ndarray, pad: int, labels: tuple[int, int]) -> dict:
    """AUC of the last answer of each held-out prompt, and perplexity on held-out text."""
    scores, truth = [], []
    for i in range(0, len(prompts), 24):
        batch = collate(prompts[i : i + 24], pad)
        hidden = model.model(input_ids=batch.ids).last_hidden_state
        last = torch.tensor([int(p.answer_at[-1]) for p in prompts[i : i + 24]])
        both = hidden[torch.arange(len(last)), last] @ model.lm_head.weight[list(labels)].T
        scores.append((both[:, 1] - both[:, 0]).numpy())
        truth.append(np.array([p.answer_label[-1] for p in prompts[i : i + 24]]))
    ids = torch.from_numpy(stream[: 64 * 256].astype(np.int64)).view(64, 256)
    loss = model(input_ids=ids, labels=ids).loss
    value = auc(np.concatenate(truth), np.concatenate(scores))
    return {"held_out_auc": round(float(value), 4), "held_out_perplexity": round(math.exp(float(loss)), 1)}


def optimisers(model: LlamaForCausalLM, lr: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for embeddings and norms."""
    inside = [p for name, p in model.named_parameters() if p.ndim == 2 and "layers" in name]
    rest = [p for name, p in model.named_parameters() if p.ndim != 2 or "layers" not in name]
    return [
        torch.optim.Muon(inside, lr=lr, weight_decay=0.05, ns_steps=4, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=lr, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True, help="folder with films, encyclopedia, books .parquet")
    parser.add_argument("--out", type=Path, required=True, help="where tokenizer.json is and the weights go")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoint and log")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--budget", type=int, default=6600, help="prompt tokens per step, padding included")
    parser.add_argument("--text-rows", type=int, default=6, help="rows of 256 text tokens per step")
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--reasons", type=float, default=0.25, help="share of prompts that go on with a reason")
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument("--check", type=int, default=200)
    parser.add_argument("--save", type=int, default=200)
    parser.add_argument("--hidden", type=int, default=160)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this long (to be continued)")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    args.work.mkdir(parents=True, exist_ok=True)
    text, words = Text(args.out), word_pools(args.text)
    labels, pad = (text.no_id, text.yes_id), text.tokenizer.pad_token_id
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(text.tokenizer), hidden_size=args.hidden, num_hidden_layers=args.layers,
            intermediate_size=-(-args.hidden * 8 // 3 // 32) * 32, num_attention_heads=args.hidden // 32,
            num_key_value_heads=args.hidden // 32, max_position_embeddings=2048, tie_word_embeddings=True,
            bos_token_id=text.tokenizer.bos_token_id, eos_token_id=text.tokenizer.eos_token_id,
            pad_token_id=pad, use_cache=False,
        )
    )  # fmt: skip
    stream_file = args.work / "stream.npy"
    if not stream_file.exists():
        wanted = args.steps * args.text_rows * 256 + 64 * 256
        np.save(stream_file, token_stream(text.tokenizer, documents(args.text), TEXT_SHARES, wanted, args.seed))
    stream = np.load(stream_file)
    kept, stream = stream[: 64 * 256], stream[64 * 256 :]
    rng = np.random.default_rng(HELD_OUT_SEED)
    checks = [p for seed in range(40) for p in prompts_of(one_world(HELD_OUT_SEED + seed, 1.0, words), text, rng, reasons=0.0)]
    opts, step, log = optimisers(model, args.lr), 0, args.work / "log.jsonl"
    state = args.work / "state.pt"
    loaded = {}
    if state.exists():
        loaded = torch.load(state, weights_only=True)
        step = loaded["step"]
        model.load_state_dict(loaded["model"])
        for opt, content in zip(opts, loaded["opts"], strict=True):
            opt.load_state_dict(content)
    began, tokens, number = time.time(), 0, int(loaded["chunk"]) if step else 0
    workers = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=workers, initializer=_start_worker, initargs=(args.out, args.text)) as pool:

        def ask(n: int):
            return pool.submit(_chunk, n, step / args.steps, args.reasons)

        waiting, prompts, batches = [ask(number), ask(number + 1)], [], []
        while step < args.steps and time.time() - began < args.minutes * 60:
            if not batches:
                prompts = waiting.pop(0).result()
                batches = token_budget_batches(np.array([len(p) for p in prompts]), args.budget, shuffle_seed=number)
                number += 1
                waiting.append(ask(number + 1))
            taken = [prompts[i] for i in batches.pop()]
            rate = learning_rate(step, args.steps, args.lr)
            for opt in opts:
                for group in opt.param_groups:
                    group["lr"] = rate
                opt.zero_grad(set_to_none=True)
            rating, reason = prompt_loss(model, taken, pad, labels)
            at = (step * args.text_rows * 256) % (len(stream) - args.text_rows * 256)
            ids = torch.from_numpy(stream[at : at + args.text_rows * 256].astype(np.int64)).view(args.text_rows, 256)
            plain = model(input_ids=ids, labels=ids).loss
            (rating + 0.3 * reason + 0.3 * plain).backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for opt in opts:
                opt.step()
            step += 1
            tokens += sum(len(p) for p in taken) + ids.numel()
            record = {}
            if step % args.every == 0:
                record = {"step": step, "rating": round(rating.item(), 4), "reason": round(reason.item(), 4),
                          "text": round(plain.item(), 4), "norm": round(norm.item(), 3), "lr": round(rate, 6),
                          "tokens_per_s": int(tokens / (time.time() - began))}  # fmt: skip
            if step % args.check == 0 or step == args.steps:
                record = {"step": step, **record, **held_out(model, checks, kept, pad, labels)}
            if record:
                print(json.dumps(record), flush=True)
                with log.open("a") as file:
                    file.write(json.dumps(record) + "\n")
            if step % args.save == 0 or step == args.steps:
                content = {"step": step, "chunk": number, "model": model.state_dict(), "opts": [opt.state_dict() for opt in opts]}
                torch.save(content, state.with_suffix(".tmp"))
                state.with_suffix(".tmp").rename(state)
    model.config.use_cache = True
    model.to(torch.bfloat16).save_pretrained(args.out)
    (args.out / "training_log.jsonl").write_text(log.read_text())
    print(f"{sum(p.numel() for p in model.parameters())} parameters -> {args.out}")


if __name__ == "__main__":
    main()
