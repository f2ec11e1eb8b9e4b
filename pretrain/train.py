"""Pre-trains thinkrec-nano from nothing on two cores: simulated catalogues plus plain text.

    python pretrain/train.py --text ../shared/data/text --out src/thinkrec/model/nano --work runs/pretrain --minutes 30

Every step sees lessons of catalogues that never come back (their seeds count up) and, in the last stage, plain text.
The clock rules: warm-up, flat, and linear decay over the last part of --minutes. A run that was stopped goes on from
--work. Held-out figures come from catalogues with seeds below the training range.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from baseline import CheckSet
from corpus import documents, token_stream, word_pools
from model import Text, build, export, optimisers
from torch.nn import functional as F
from worlds import FIRST_SEED, STAGES, Lesson, Stage, Words, lessons_of, one_world

from thinkrec.model.batch import collate, token_budget_batches

HELD_OUT_TEXT = 64 * 256
TEXT_SHARES = {"films": 0.5, "encyclopedia": 0.3, "books": 0.2}
WORLDS = 4
"""Catalogues whose lessons are cut into batches of similar length together."""


class Lessons:
    """An endless supply of batches; `chunk` counts the groups of catalogues that were used."""

    def __init__(self, words: Words, text: Text, budget: int, chunk: int) -> None:
        self.words, self.text, self.budget, self.chunk = words, text, budget, chunk
        self._lessons: list[Lesson] = []
        self._batches: list[np.ndarray] = []

    def next(self, stage: Stage) -> list[Lesson]:
        """The next batch; a new group of catalogues follows the stage."""
        if not self._batches:
            self._lessons = []
            for seed in range(FIRST_SEED + self.chunk * WORLDS, FIRST_SEED + (self.chunk + 1) * WORLDS):
                made = one_world(seed, stage.ease, self.words)
                self._lessons += lessons_of(*made, self.text, np.random.default_rng(seed), reasons=stage.reasons)[0]
            lengths = np.array([len(lesson.prompt) for lesson in self._lessons])
            self._batches = token_budget_batches(lengths, self.budget, shuffle_seed=self.chunk)
            self.chunk += 1
        return [self._lessons[i] for i in self._batches.pop()]


def lesson_loss(
    model, decoder, lessons: list[Lesson], pad: int, labels: tuple[int, int]
) -> tuple[torch.Tensor, torch.Tensor, float]:
    """(rating, prose, known) of a batch.

    They are the binary cross-entropy of every label, the cross-entropy of verdict and reason, and the share of the
    teacher's knowledge (its divergence from a coin) that the model has.
    """
    batch = collate([lesson.prompt for lesson in lessons], pad)
    hidden = decoder(input_ids=batch.ids).last_hidden_state
    both = hidden[batch.answer_at[:, 0], batch.answer_at[:, 1]] @ model.lm_head.weight[list(labels)].T
    score = both[:, 1] - both[:, 0]
    belief = torch.from_numpy(np.concatenate([lesson.belief for lesson in lessons]))
    truth = torch.from_numpy(np.concatenate([lesson.truth for lesson in lessons]))
    # Neither of the two carries the noise of the drawn label; the second keeps the mean honest.
    rating = F.binary_cross_entropy_with_logits(score, 0.7 * belief + 0.3 * truth)
    prose = F.cross_entropy(model.lm_head(hidden[batch.token_at[:, 0], batch.token_at[:, 1]]), batch.token_target)
    with torch.no_grad():
        floor = F.binary_cross_entropy(belief, belief)
        reached = F.binary_cross_entropy_with_logits(score, belief)
        known = 1 - float((reached - floor) / (np.log(2) - floor))
    return rating, prose, known


def text_loss(model, decoder, ids: torch.Tensor) -> torch.Tensor:
    """Next-token cross-entropy of plain text, ids (rows, length)."""
    hidden = decoder(input_ids=ids).last_hidden_state[:, :-1]
    return F.cross_entropy(model.lm_head(hidden).flatten(0, 1), ids[:, 1:].flatten())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True, help="folder with films, encyclopedia, books .parquet")
    parser.add_argument("--out", type=Path, required=True, help="where tokenizer.json is and the weights go")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoint and log")
    parser.add_argument("--minutes", type=float, required=True, help="length of the whole run on the clock")
    parser.add_argument("--decay", type=float, default=0.35, help="share of the run in which the learning rate falls")
    parser.add_argument("--budget", type=int, default=3072, help="lesson tokens per step, padding included")
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument(
        "--slow", type=float, default=0.5, help="learning rate of embeddings and norms over that of matrices"
    )
    parser.add_argument("--hidden", type=int, default=192)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=6)
    parser.add_argument("--theta", type=float, default=100_000.0)
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument("--check", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plain-start", action="store_true", help="leave every weight random at the start")
    parser.add_argument(
        "--no-compile", action="store_true", help="start at once, but run at about two thirds of the speed"
    )
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    args.work.mkdir(parents=True, exist_ok=True)
    text, words = Text(args.out), word_pools(args.text)
    pad, labels = text.tokenizer.pad_token_id, (text.no_id, text.yes_id)
    model = build(text, args)
    decoder = model.model if args.no_compile else torch.compile(model.model, dynamic=True)
    opts, log, state = optimisers(model, args), args.work / "log.jsonl", args.work / "state.pt"
    stream_file = args.work / "stream.npy"
    if not stream_file.exists():
        np.save(stream_file, token_stream(text.tokenizer, documents(args.text), TEXT_SHARES, 4_000_000, args.seed))
    stream = np.load(stream_file)
    kept, stream = stream[:HELD_OUT_TEXT], stream[HELD_OUT_TEXT:]
    checks = [CheckSet.build(ease, words, text) for ease in (1.0, 0.0)]
    at = {"step": 0, "chunk": 0, "stage": 0, "seconds": 0.0, "tokens": 0, "known": 0.0, "stream": 0}
    if state.exists():
        loaded = torch.load(state, weights_only=True)
        at = loaded["at"]
        model.load_state_dict(loaded["model"])
        for opt, content in zip(opts, loaded["opts"], strict=True):
            opt.load_state_dict(content)
    supply, before, began = Lessons(words, text, args.budget, at["chunk"]), at["seconds"], time.time()
    total, prose_seen, text_seen = args.minutes * 60, 0.0, 0.0
    while at["seconds"] < total:
        stage = STAGES[at["stage"]]
        rate = args.lr * min(1.0, (at["step"] + 1) / 60, max(0.02, (1 - at["seconds"] / total) / args.decay))
        lessons = supply.next(stage)
        rating, prose, known = lesson_loss(model, decoder, lessons, pad, labels)
        loss = rating + (0.3 if stage.reasons else 0.05) * prose
        rows = round(args.budget * stage.text / (1 - stage.text) / 256)
        if rows:
            first = at["stream"] % (len(stream) - rows * 256)
            ids = torch.from_numpy(stream[first : first + rows * 256].astype(np.int64)).view(rows, 256)
            plain = text_loss(model, decoder, ids)
            loss = loss + 0.25 * plain
            at["stream"] += rows * 256
            text_seen += 0.05 * (plain.item() - text_seen)
        for opt, share in zip(opts, (1.0, args.slow), strict=True):
            for group in opt.param_groups:
                group["lr"] = rate * share
            opt.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for opt in opts:
            opt.step()
        at["step"] += 1
        at["tokens"] += sum(len(lesson.prompt) for lesson in lessons) + rows * 256
        at["known"] += 0.05 * (known - at["known"])
        at["seconds"] = before + time.time() - began
        prose_seen += 0.05 * (prose.item() - prose_seen)
        record = {}
        if at["step"] % args.every == 0:
            record = {"step": at["step"], "stage": stage.name, "known": round(at["known"], 4),
                      "rating": round(rating.item(), 4), "prose": round(prose_seen, 3), "text": round(text_seen, 3),
                      "norm": round(norm.item(), 2), "lr": round(rate, 6), "tokens": at["tokens"],
                      "minutes": round(at["seconds"] / 60, 2)}  # fmt: skip
        if at["step"] % args.check == 0:
            record |= {"easy": checks[0].figures(model, pad, labels), "held_out": checks[1].figures(model, pad, labels)}
            with torch.no_grad():
                loss = text_loss(model, model.model, torch.from_numpy(kept.astype(np.int64)).view(64, 256))
            record["perplexity"] = round(float(loss.exp()), 1)
            at["chunk"] = supply.chunk
            content = {"at": at, "model": model.state_dict(), "opts": [opt.state_dict() for opt in opts]}
            torch.save(content, state.with_suffix(".tmp"))
            state.with_suffix(".tmp").rename(state)
            export(model, args.out, log)
        if at["known"] > stage.until or at["seconds"] > stage.by * total:
            at["stage"] += 1
            at["known"] = 0.0
            record |= {"step": at["step"], "next_stage": STAGES[at["stage"]].name}
        if record:
            print(json.dumps(record), flush=True)
            with log.open("a") as file:
                file.write(json.dumps(record) + "\n")
    export(model, args.out, log)
    print(f"{sum(p.numel() for p in model.parameters())} parameters -> {args.out}")


if __name__ == "__main__":
    main()
