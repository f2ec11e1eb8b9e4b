"""Training: real tokens per second against Transformers' Trainer with PEFT, and what the kept lower layers save.

    python bench/training.py

Both learn the same adapter on the same prompts from the same start, AdamW, fp32, about as many padded tokens per step:
the Trainer with its collator for padded labels and rows in random order, as fine-tuning scripts of this field use it.
The second table line trains experts of the last quarter of the layers, in passes over rows that were seen before.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from common import Row, arguments, backbone_of, finish, median, times
from models import ALL, catalogue, plain_copy, recommender
from peft import LoraConfig, get_peft_model
from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

from thinkrec.engine.batch import split_by_token_budget
from thinkrec.engine.frozen_cache import FrozenActivationCache
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.prompts.types import Prompt
from thinkrec.train.config import StageConfig
from thinkrec.train.loop import set_trainable_parameters, train_step

ROWS, TOKENS = 192, 4096
TRAINER, CACHED = {"cpu": 1.5, "cuda": 2.0}, 2.0


def prompts_of(rec, rows: int, experts: int) -> list[Prompt]:
    """Training prompts of a simulated catalogue; histories of every length, as in real data."""
    ds, rng = catalogue(), np.random.default_rng(0)
    renderer = PromptRenderer(ds, rec.backbone, PromptConfig(history=10, keywords=6, history_keywords=3))
    gates = np.eye(1 + experts, dtype=np.float32)
    chosen = rng.choice(len(ds.interactions), size=rows, replace=False)
    return [
        renderer.render_row(int(row), gate=gates[1 + i % experts if experts else 0], with_answer=True, history_loss=1.0)
        for i, row in enumerate(chosen)
    ]


class Stage:
    """Steps of this package's own loop."""

    def __init__(self, rec, prompts: list[Prompt], train: tuple, below: bool = False) -> None:
        config = StageConfig(train=train, lr=1e-4, batch_tokens=TOKENS)
        self.rec, self.config, self.accelerator = rec, config, Accelerator(cpu=rec.device.type == "cpu")
        self.params = set_trainable_parameters(rec, config)
        self.optimiser = torch.optim.AdamW(self.params, lr=config.lr)
        cut = split_by_token_budget(np.array([len(p) for p in prompts]), TOKENS, shuffle_seed=0)
        self.batches = [[prompts[i] for i in rows] for rows in cut]
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "below.bin"
        self.below = FrozenActivationCache.build(rec, path, 10**10, prompts[:4]) if below else None

    def run(self) -> None:
        """One pass."""
        for batch in self.batches:
            train_step(self.rec, [batch], self.params, self.optimiser, self.config, self.accelerator, self.below)


def trainer(prompts: list[Prompt], rec, folder: str) -> Trainer:
    """The peer, set up for one pass per call of train()."""
    base = plain_copy(rec)
    lora = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules=list(ALL), task_type="CAUSAL_LM")
    rows = []
    for prompt in prompts:
        ids = np.append(prompt.ids, 0).astype(np.int64)
        labels = np.full(len(ids), -100)
        answers = rec.answers.get_label_ids()[prompt.answer_label]
        labels[prompt.answer_at + 1] = answers
        ids[-1] = answers[-1]
        rows.append({"input_ids": ids.tolist(), "labels": labels.tolist()})
    mean = np.mean([len(row["input_ids"]) for row in rows])
    options = TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=round(TOKENS / mean),
        num_train_epochs=1,
        learning_rate=1e-4,
        logging_strategy="no",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=rec.device.type == "cpu",
        dataloader_num_workers=0,
        seed=0,
    )
    collator = DataCollatorForSeq2Seq(rec.backbone.tokenizer, padding=True, label_pad_token_id=-100)
    return Trainer(model=get_peft_model(base, lora), args=options, train_dataset=rows, data_collator=collator)


def main() -> None:
    args = arguments(__doc__ or "", "training")
    chosen = backbone_of(args)
    rec = recommender(0, **chosen)
    prompts = prompts_of(rec, ROWS, 0)
    real = sum(len(prompt) for prompt in prompts)
    with tempfile.TemporaryDirectory() as folder:
        peer = trainer(prompts, rec, folder)
        found = times({"ours": Stage(rec, prompts, ("global",)).run, "peer": peer.train}, args.repeats)
    ours, theirs = (real / median(found[name]) for name in ("ours", "peer"))
    rows = [
        Row(
            f"stage 1, {real} tokens in {ROWS} prompts",
            "Transformers Trainer + PEFT",
            ours,
            theirs,
            "tokens/s",
            ours / theirs,
            TRAINER[args.device],
            all={"seconds": found},
        )
    ]
    many, plain = recommender(3, **chosen), recommender(3, **chosen)
    prompts = prompts_of(many, ROWS, 3)
    stages = {"kept": Stage(many, prompts, ("experts",), below=True), "plain": Stage(plain, prompts, ("experts",))}
    found = times({name: stage.run for name, stage in stages.items()}, args.repeats)
    ours, theirs = (ROWS / median(found[name]) for name in ("kept", "plain"))
    rows.append(
        Row(
            "expert stage, rows seen before",
            "own stage, lower layers computed again",
            ours,
            theirs,
            "samples/s",
            ours / theirs,
            CACHED,
            all={"seconds": found},
        )
    )
    finish(rows, args.out)


if __name__ == "__main__":
    main()
