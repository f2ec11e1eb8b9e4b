"""Trains the byte-level BPE tokenizer of thinkrec-nano.

python pretrain/tokenizer.py --text ../shared/data/text --out src/thinkrec/model/nano
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from corpus import documents, word_pools
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
from worlds import FIRST_SEED, Words, one_world

from thinkrec.prompts.items import format_item_entry
from thinkrec.prompts.template import fill_domain_words
from thinkrec.prompts.templates import ratings_table
from thinkrec.simulate.vocabulary import GENRES, RECEPTIONS, THEMES, TONES
from thinkrec.teacher.rule_reasons import argue_row

START, END, PAD = "<|start|>", "<|end|>", "<|pad|>"


def world_text(words: Words, n: int) -> list[str]:
    """Items, labels and reasons of `n` simulated catalogues as text."""
    texts = [" Yes\n No\n" * 2000, "\n".join([f" {w}, {w}" for w in (*GENRES, *THEMES, *TONES)] * 60)]
    texts.append("\n".join(f" {w}" for five in RECEPTIONS for w in five) * 100)
    for seed in range(FIRST_SEED, FIRST_SEED + n):
        (world, _), rng = one_world(seed, 0.0, words), np.random.default_rng(seed)
        ds = world.dataset
        lines = [
            format_item_entry(t, k) + ratings_table.BAR for t, k in zip(ds.items.titles, ds.items.keywords, strict=True)
        ]
        reasons = [argue_row(ds, int(row), 10, rng).text for row in rng.integers(len(ds.interactions), size=60)]
        texts.append(
            fill_domain_words(ratings_table.HEADING + ratings_table.REQUEST, ds.domain) + "\n".join(lines + reasons)
        )
    return texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--vocabulary", type=int, default=6144)
    args = parser.parse_args()
    texts = documents(args.text)
    rng = np.random.default_rng(0)
    sample = texts["films"][::2] + [
        texts["encyclopedia"][i][:3000] for i in rng.permutation(len(texts["encyclopedia"]))[:1500]
    ]
    sample += [text[:40_000] for text in texts["books"][::4]] + world_text(word_pools(args.text), 250)
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=args.build_vocabulary,
        special_tokens=[START, END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=True,
    )
    raw.train_from_iterator(sample, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, bos_token=START, eos_token=END, pad_token=PAD)
    for word in (" Yes", " No", "Yes", "No", ratings_table.BAR, ratings_table.NEWLINE):
        assert len(tokenizer(word, add_special_tokens=False)["input_ids"]) == 1, f"{word!r} is not one token"
    tokenizer.save_pretrained(args.out)
    print(f"{len(tokenizer)} tokens -> {args.out}")


if __name__ == "__main__":
    main()
