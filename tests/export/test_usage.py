"""The README of an export."""

from __future__ import annotations

import json
from pathlib import Path

from thinkrec import ThinkRec
from thinkrec.export.check import read_pairs
from thinkrec.export.folders import export_model
from thinkrec.export.usage import write_usage


def test_the_request_for_vllm_holds_both_answers_and_the_largest_rank(exported_model: ThinkRec, folder: Path) -> None:
    report = export_model(exported_model.predictor, folder, "vllm", prototypes=2)
    about, pairs = read_pairs(folder)
    text = (folder / "README.md").read_text(encoding="utf-8")
    ranks = [json.loads(p.read_text())["r"] for p in folder.glob("adapters/*/adapter_config.json")]
    assert max(ranks) <= int(text.split("--max-lora-rank ")[1].split()[0]) < 2 * max(8, max(ranks))
    request = json.loads(text.split("-d '")[1].split("'\n")[0])
    assert request["logprob_token_ids"] == about["answers"] and request["prompt"] == list(pairs[-1].ids)
    assert request["model"] in report.adapters
    assert set(json.loads((folder / "prototype-of-user.json").read_text()).values()) <= set(report.adapters)


def test_a_score_of_yes_alone_is_not_written_as_a_difference(tmp_path: Path) -> None:
    about = {"target": "merged", "answers": [4, 5], "option": "yes", "mixtures": {"mean": [1.0]}, "extra_tokens": 0}
    write_usage(tmp_path, about, [], "")
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "score = logits[4]\n" in text and "text alone" in text
    write_usage(tmp_path, {**about, "option": "difference"}, [], "")
    assert "score = logits[4] - logits[5]\n" in (tmp_path / "README.md").read_text(encoding="utf-8")
