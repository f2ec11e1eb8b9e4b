"""Pre-trains thinkrec-nano from nothing on two cores: drills, simulated catalogues, plain text.

    python pretrain/train.py --text ../shared/data/text --out src/thinkrec/model/nano --work runs/pretrain

Every step sees lessons that never come back (their seeds count up): at first drills with random words, then easy
catalogues, then the full range with reasons, beside plain text. Everything hangs on the tokens seen, not on the clock:
the mixture, and the learning rate's warm-up, flat and falling parts. A run that was stopped goes on from --work.
Held-out figures come from catalogues with seeds below the training range.
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
from curriculum import Supply, harder, mixture
from drills import Lesson, copying
from model import Text, build, export, optimisers
from torch.nn import functional as F

from thinkrec.engine.batch import collate_prompts

HELD_OUT_TEXT = 64 * 256
TEXT_SHARES = {"films": 0.5, "encyclopedia": 0.3, "books": 0.2}
LENGTH = 256
"""Tokens of a row of plain text."""
QUOTES = 2
"""Rows of repeated passages in every step (`drills.copying`)."""


def lesson_loss(
    model, lessons: list[Lesson], pad: int, labels: tuple[int, int]
) -> tuple[torch.Tensor, torch.Tensor, float]:
    """(rating, prose, known) of a batch.

    They are the binary cross-entropy of every label, the cross-entropy of verdict and reason, and the share of the
    teacher's knowledge (its divergence from a coin) that the model has.
    """
    batch = collate_prompts([lesson.prompt for lesson in lessons], pad)
    hidden = model.model(input_ids=batch.ids).last_hidden_state
    both = hidden[batch.answer_at[:, 0], batch.answer_at[:, 1]] @ model.lm_head.weight[list(labels)].T
    score = both[:, 1] - both[:, 0]
    belief = torch.from_numpy(np.concatenate([lesson.belief for lesson in lessons]))
    truth = torch.from_numpy(np.concatenate([lesson.truth for lesson in lessons]))
    # Neither of the two carries the noise of the drawn label; the second keeps the mean honest.
    rating = F.binary_cross_entropy_with_logits(score, 0.7 * belief + 0.3 * truth)
    prose = score.new_zeros(())
    if len(batch.token_at):
        prose = F.cross_entropy(model.lm_head(hidden[batch.token_at[:, 0], batch.token_at[:, 1]]), batch.token_target)
    with torch.no_grad():
        floor = F.binary_cross_entropy(belief, belief)
        reached = F.binary_cross_entropy_with_logits(score, belief)
        known = 1 - float((reached - floor) / (np.log(2) - floor))
    return rating, prose, known


def text_loss(model, ids: torch.Tensor) -> torch.Tensor:
    """Next-token cross-entropy of plain text, ids (rows, length)."""
    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]
    return F.cross_entropy(model.lm_head(hidden).flatten(0, 1), ids[:, 1:].flatten())


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True, help="folder with films, encyclopedia, books .parquet")
    parser.add_argument("--out", type=Path, required=True, help="where tokenizer.json is and the weights go")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoint and log")
    parser.add_argument("--tokens", type=float, default=20e6, help="length of the run (about 4,000 a second)")
    parser.add_argument("--decay", type=float, default=0.4, help="share of the run in which the learning rate falls")
    parser.add_argument("--budget", type=int, default=6144, help="lesson tokens per step, padding included")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--hidden", type=int, default=192)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--head-dim", type=int, default=64)
    parser.add_argument("--theta", type=float, default=100_000_000.0)
    parser.add_argument("--every", type=int, default=20, help="steps between lines of the log")
    parser.add_argument("--check", type=int, default=100, help="steps between checkpoints, with held-out figures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--verdicts-only",
        action="store_true",
        help="no lesson goes on after its verdict: a backbone that never saw a reason",
    )
    parser.add_argument("--plain-start", action="store_true", help="leave every weight random at the start")
    return parser.parse_args()


class PreTraining:
    """The model with its optimisers, how far it is, and the steps that take it on."""

    def __init__(self, args: argparse.Namespace) -> None:
        """Build the model, or go on from --work."""
        self.args, self.log, self.state = args, args.work / "log.jsonl", args.work / "state.pt"
        self.text, words = Text(args.out), word_pools(args.text)
        self.pad, self.labels = self.text.tokenizer.pad_token_id, (self.text.no_id, self.text.yes_id)
        self.model = build(self.text, args)
        self.optimisers = optimisers(self.model)
        stream = self._load_stream()
        self.held_out = torch.from_numpy(stream[:HELD_OUT_TEXT].astype(np.int64)).view(-1, LENGTH)
        self.stream = stream[HELD_OUT_TEXT:]
        self.checks = {
            "easy": CheckSet.build(1.0, words, self.text),
            "held_out": CheckSet.build(0.0, words, self.text),
        }
        self.at = {"step": 0, "chunk": 0, "seconds": 0.0, "tokens": 0, "stream": 0, "hard": 0.0}
        if self.state.exists():
            self._resume()
        self.supply = Supply(words, self.text, args.budget, self.at["chunk"])
        self.before, self.began = self.at["seconds"], time.time()
        self.means: dict[str, float] = {}

    def _load_stream(self) -> np.ndarray:
        """Token ids of the plain text, one after the other; made once."""
        path, args = self.args.work / "stream.npy", self.args
        if not path.exists():
            tokens = token_stream(self.text.tokenizer, documents(args.text), TEXT_SHARES, 8_000_000, args.seed)
            np.save(path, tokens)
        return np.load(path)

    def _resume(self) -> None:
        loaded = torch.load(self.state, weights_only=True)
        self.at = loaded["at"]
        self.model.load_state_dict(loaded["model"])
        for opt, content in zip(self.optimisers, loaded["opts"], strict=True):
            opt.load_state_dict(content)

    def _note(self, name: str, value: float) -> None:
        """Keep a running mean of a figure for the log."""
        mean = self.means.get(name)
        self.means[name] = value if mean is None else mean + 0.05 * (value - mean)

    def compute_loss(self, lessons: list[Lesson], n_text_rows: int, source: str) -> torch.Tensor:
        """The loss of a step: lessons, a repeated passage, and rows of plain text where there are to be some."""
        rating, prose, known = lesson_loss(self.model, lessons, self.pad, self.labels)
        loss = rating + 0.3 * prose
        passages = copying(np.random.default_rng(self.at["step"]), self.supply.drills.words, QUOTES, LENGTH)
        quoted = text_loss(self.model, torch.from_numpy(passages))
        loss = loss + 0.5 * quoted
        self._note("copy", quoted.item())
        if n_text_rows:
            first = self.at["stream"] % (len(self.stream) - n_text_rows * LENGTH)
            ids = torch.from_numpy(self.stream[first : first + n_text_rows * LENGTH].astype(np.int64)).view(-1, LENGTH)
            plain = text_loss(self.model, ids)
            loss = loss + 0.2 * plain
            self.at["stream"] += n_text_rows * LENGTH
            self._note("text", plain.item())
        self._note(f"known_{source}", known)
        if len(lessons[0].prompt.token_at):
            self._note("prose", prose.item())
        return loss

    def update_weights(self, loss: torch.Tensor, rate: float) -> float:
        """One step of the optimisers; returns the norm of the gradient."""
        for opt in self.optimisers:
            for group in opt.param_groups:
                group["lr"] = rate
            opt.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        if not torch.isfinite(norm):
            raise SystemExit(
                f"step {self.at['step']}: the gradient is not finite; go on from {self.state} with a lower --lr"
            )
        for opt in self.optimisers:
            opt.step()
        return norm.item()

    def step(self) -> None:
        """Learn from one batch, and log, save and export where that is due."""
        at, args = self.at, self.args
        done = at["tokens"] / args.tokens
        mixed = mixture(done, at["hard"], verdicts_only=args.verdicts_only)
        rate = args.lr * min(1.0, (at["step"] + 1) / 60, max(0.01, (1 - done) / args.decay))
        source, lessons = self.supply.next(mixed)
        n_text_rows = round(args.budget * mixed.text / (1 - mixed.text) / LENGTH)
        norm = self.update_weights(self.compute_loss(lessons, n_text_rows, source), rate)
        at["step"] += 1
        at["tokens"] += sum(len(lesson.prompt) for lesson in lessons) + (n_text_rows + QUOTES) * LENGTH
        at["seconds"] = self.before + time.time() - self.began
        if source == "drill":
            at["hard"] = harder(at["hard"], self.means["known_drill"])
        record = self._describe_step(norm, rate) if at["step"] % args.every == 0 else {}
        if at["step"] % args.check == 0 or at["tokens"] >= args.tokens:
            record |= self._check_and_save()
        if record:
            print(json.dumps(record), flush=True)
            with self.log.open("a") as file:
                file.write(json.dumps(record) + "\n")
        if at["step"] % args.check == 0:
            export(self.model, args.out, self.log)

    def _describe_step(self, norm: float, rate: float) -> dict:
        return {
            "step": self.at["step"],
            "tokens": self.at["tokens"],
            **{name: round(mean, 3) for name, mean in sorted(self.means.items())},
            "hard": round(self.at["hard"], 2),
            "norm": round(norm, 2),
            "lr": round(rate, 6),
            "minutes": round(self.at["seconds"] / 60, 2),
        }

    def _check_and_save(self) -> dict:
        """Held-out figures; the state is written beside and renamed."""
        record = {name: check.figures(self.model, self.pad, self.labels) for name, check in self.checks.items()}
        with torch.no_grad():
            record["perplexity"] = round(float(text_loss(self.model, self.held_out).exp()), 1)
        self.at["chunk"] = self.supply.chunk
        opts = [opt.state_dict() for opt in self.optimisers]
        torch.save({"at": self.at, "model": self.model.state_dict(), "opts": opts}, self.state.with_suffix(".tmp"))
        self.state.with_suffix(".tmp").rename(self.state)
        return record


def main() -> None:
    """Pre-train until the tokens are seen."""
    args = arguments()
    torch.manual_seed(args.seed)
    args.work.mkdir(parents=True, exist_ok=True)
    training = PreTraining(args)
    while training.at["tokens"] < args.tokens:
        training.step()
    export(training.model, args.out, training.log)
    print(f"{sum(p.numel() for p in training.model.parameters())} parameters -> {args.out}")


if __name__ == "__main__":
    main()
