"""A language model small enough to train in a test, saved as a folder that `backbone.source` can name."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from thinkrec.data.dataset import Dataset

PIECES = r" ?\w+|[^\w ]| "


def write_backbone(folder: Path, ds: Dataset) -> Path:
    """A random Llama of two layers whose vocabulary holds the words of a data set; returns `folder`."""
    texts = [f" {title}, {', '.join(words)}" for title, words in zip(ds.items.titles, ds.items.keywords, strict=True)]
    own = sorted({piece for text in texts for piece in re.findall(PIECES, text)} - {" Yes", " No", ".", ",", "|", "\n"})
    words = ["<pad>", "<bos>", "<eos>", "<unk>", " Yes", " No", ".", ",", "|", "\n", *own]
    raw = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Split(Regex(PIECES), behavior="isolated")
    raw.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>", unk_token="<unk>"
    )
    torch.manual_seed(0)
    # The usual spread of 0.02 makes a tiny model nearly blind to its input; differences should show.
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        initializer_range=0.2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
