"""float32 beside bfloat16, in scoring and in training, by the width of the backbone: what `dtype: auto` rests on.

    python bench/formats.py             (nano, random Llamas of several widths, and smollm2 where it is installed)
    python bench/formats.py --device cuda

Scoring: 8 prompts of 256 random words as `thinkrec run` scores test rows. Training: forward, backward and step on 4 of
them, adapters of rank 16 on every linear layer. Both formats take turns, after one turn to warm up; medians count. On
a CPU, seconds are those of computing, in all threads together, so that other programs on the machine do not count.
`ours` is bfloat16, the peer is float32, `ratio` how many times as fast bfloat16 is.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from common import Row, finish, parser_of
from transformers import AutoModelForCausalLM, LlamaConfig

from thinkrec.model.backbone import Backbone, BackboneConfig, build_backbone, load_backbone
from thinkrec.model.backbone_files import is_smollm2_installed
from thinkrec.train.speed import SpeedProbe

WIDTHS = (256, 384, 512, 768)
"""Hidden sizes of the random Llamas, of eight layers each."""
FORMATS = ("float32", "bfloat16")


def build_random(width: int, dtype: str) -> Backbone:
    """Eight layers of random weights behind nano's tokenizer, shaped as small Llamas are."""
    nano = load_backbone("nano")
    shape = LlamaConfig(
        hidden_size=width,
        intermediate_size=width * 8 // 3,
        num_hidden_layers=8,
        num_attention_heads=width // 64,
        num_key_value_heads=max(1, width // 192),
        head_dim=64,
        vocab_size=6144,
    )
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(shape, dtype=getattr(torch, dtype), attn_implementation="sdpa")
    return build_backbone(model, nano.tokenizer, f"width {width}", nano.config)


def time_in_turns(jobs: dict[str, Callable[[], int]], repeats: int) -> dict[str, list[float]]:
    """Seconds of every job, in turns after one turn to warm up; of computing where there is no GPU."""
    on_gpu = torch.cuda.is_available()
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(-1, repeats):
        for name, job in jobs.items():
            began = time.perf_counter() if on_gpu else time.process_time()
            job()
            if on_gpu:
                torch.cuda.synchronize()
            taken = (time.perf_counter() if on_gpu else time.process_time()) - began
            if turn >= 0:
                seconds[name].append(taken)
    return seconds


def main() -> None:
    parser = parser_of(__doc__ or "", "formats")
    parser.add_argument("--widths", type=int, nargs="*", default=WIDTHS, help="hidden sizes of the random Llamas")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    names = ["nano", *map(str, args.widths), *(["smollm2"] if is_smollm2_installed() else [])]
    rows = []
    for name in names:
        probes: dict[str, SpeedProbe] = {}
        for dtype in FORMATS:
            config = BackboneConfig(source=name, dtype=dtype)
            base = build_random(int(name), dtype) if name.isdigit() else load_backbone(config)
            probes[dtype] = SpeedProbe(base, args.device)
        width = probes["float32"].recommender.backbone.hidden_size
        for job in ("score_batch", "train_batch"):
            seconds = time_in_turns({dtype: getattr(probe, job) for dtype, probe in probes.items()}, args.repeats)
            tokens = getattr(probes["float32"], job)()
            rate = {dtype: tokens / statistics.median(taken) for dtype, taken in seconds.items()}
            rows.append(
                Row(
                    what=f"{name} (hidden size {width}): {job.partition('_')[0]}",
                    peer="float32",
                    ours=rate["bfloat16"],
                    theirs=rate["float32"],
                    unit="tokens/s",
                    ratio=rate["bfloat16"] / rate["float32"],
                    limit=None,
                    all={"seconds": seconds, "hidden_size": width},
                )
            )
            print(f"{rows[-1].what}: {rows[-1].ours:.0f} / {rows[-1].theirs:.0f} = {rows[-1].ratio:.2f}", flush=True)
    finish(rows, args.out)


if __name__ == "__main__":
    main()
