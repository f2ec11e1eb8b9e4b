"""The README of an export: what it is, how it is opened, and what it does not hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from thinkrec.export.scored_pairs import ScoredPair
from thinkrec.io.files import write_text

_CROSS_ENCODER = """\
```python
from sentence_transformers import CrossEncoder

model = CrossEncoder("FOLDER")
model.predict([(query, document)])  # {score}
model.rank(query, [document, another_document])
```

`query` is everything of a prompt up to the item's line, `document` is that line. `scored-pairs.json` has examples.
"""
_MERGED = """\
```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model, tokenizer = AutoModelForCausalLM.from_pretrained("FOLDER"), AutoTokenizer.from_pretrained("FOLDER")
ids = tokenizer(query + document, add_special_tokens=False, return_tensors="pt")
logits = model(**ids).logits[0, -1]
score = logits[{yes}]{minus}
```
"""
_PEFT = """\
```python
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("FOLDER/base")
base = AutoModelForCausalLM.from_pretrained("FOLDER/base")
model = PeftModel.from_pretrained(base, "FOLDER/adapters/{adapter}")
ids = tokenizer(query + document, add_special_tokens=False, return_tensors="pt")
logits = model(**ids).logits[0, -1]
score = logits[{yes}]{minus}
```
"""
_VLLM = """\
```sh
vllm serve FOLDER/base --enable-lora --max-loras {loras} --max-lora-rank {rank} --lora-modules {modules}
```

One request per prompt; `model` is the adapter that `prototype-of-user.json` names for the user:

```sh
curl localhost:8000/v1/completions -H 'Content-Type: application/json' -d '{request}'
```

The score is the log-probability of token {yes} (Yes) less that of token {no} (No). Where a server's version does not
know `logprob_token_ids`, ask for `"logprobs": 20` and take both tokens from there; a pair in which one of them is
missing then has no score. Set `"prompt"` to a list of token ids or to the text; `scored-pairs.json` has both, with the
score that this package computes. This folder was tested with Transformers and PEFT; vLLM itself was not run.
"""
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes as `--max-lora-rank`."""


def write_usage(folder: Path, about: Mapping[str, Any], pairs: Sequence[ScoredPair], errors: str) -> None:
    """Write README.md for a folder; `errors`: the table of the prototype bank, or nothing."""
    target, (yes, no) = about["target"], about["answers"]
    minus = f" - logits[{no}]" if about["option"] == "difference" else ""
    score = "logit(Yes) - logit(No)" if minus else "logit(Yes)"
    texts = {
        "cross-encoder": lambda: _CROSS_ENCODER.format(score=score),
        "merged": lambda: _MERGED.format(yes=yes, minus=minus),
        "peft": lambda: _PEFT.format(yes=yes, minus=minus, adapter=pairs[-1].adapter),
        "vllm": lambda: _describe_requests(folder, about, pairs[-1]),
    }
    mixtures = ["| mixture | " + " | ".join(_list_columns(about)) + " |"]
    mixtures.append("| --- |" + " ---: |" * len(_list_columns(about)))
    mixtures += [
        f"| {name} | " + " | ".join(f"{w:.4f}" for w in gate) + " |" for name, gate in about["mixtures"].items()
    ]
    parts = [
        f"# A ThinkRec model for {target}",
        "Written by `thinkrec export`. `thinkrec export --check FOLDER` opens it and compares its scores with the "
        f"{len(pairs)} in `scored-pairs.json`.",
        texts[target](),
        "## What is in it",
        "Mixtures of the run's adapters, each exact:",
        "\n".join(mixtures),
        _describe_tokens(about["extra_tokens"]),
    ]
    if errors:
        parts += ["Scores by the nearest prototype beside those by each user's own mixture, in logits:", errors]
    write_text(folder / "README.md", "\n\n".join(parts) + "\n")


def _list_columns(about: Mapping[str, Any]) -> list[str]:
    width = len(next(iter(about["mixtures"].values())))
    return ["global", *(f"expert {k}" for k in range(1, width))]


def _describe_tokens(n: int) -> str:
    if not n:
        return "Prompts are text alone: the run has no vectors in them."
    return (
        f"{n:,} extra tokens, such as `<|item:ID|>` and `<|user:ID|>`, stand for the vectors of the items and users of "
        "the data as known when this was exported; users' change with every rating, so export again with newer data. "
        "The tokens hold ids of users: pass the folder on only where those may be."
    )


def _describe_requests(folder: Path, about: Mapping[str, Any], pair: ScoredPair) -> str:
    names = list(about["mixtures"])
    ranks = [
        json.loads((folder / "adapters" / name / "adapter_config.json").read_text(encoding="utf-8"))["r"]
        for name in names
    ]
    request = {
        "model": pair.adapter,
        "prompt": list(pair.ids),
        "max_tokens": 1,
        "temperature": 0,
        "logprobs": 2,
        "logprob_token_ids": about["answers"],
        "return_tokens_as_token_ids": True,
    }
    return _VLLM.format(
        loras=len(names),
        rank=next((rank for rank in _RANKS if rank >= max(ranks)), max(ranks)),
        modules=" ".join(f"{name}=FOLDER/adapters/{name}" for name in names),
        request=json.dumps(request),
        yes=about["answers"][0],
        no=about["answers"][1],
    )
