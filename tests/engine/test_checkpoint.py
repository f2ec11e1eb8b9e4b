from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny_lm import make_backbone, make_prompts, make_recommender

from thinkrec.engine import checkpoint
from thinkrec.engine.batch import collate_prompts
from thinkrec.engine.recommender import Recommender
from thinkrec.errors import CheckpointError
from thinkrec.io import files
from thinkrec.model.adapters import attach_adapters
from thinkrec.model.backbone import load_backbone
from thinkrec.model.lora import MultiLoRAConfig
from thinkrec.prompts.types import Prompt


@pytest.mark.parametrize("dim", [6, 0])
def test_a_saved_recommender_gives_the_same_scores(tmp_path: Path, dim: int) -> None:
    rec = make_recommender(dim=dim)
    checkpoint.save_recommender(tmp_path / "run", rec, extra={"gate": {"tau": 0.1}})
    back = checkpoint.load_recommender(tmp_path / "run", make_backbone())
    prompts = make_prompts() if dim else []
    back.capabilities = rec.capabilities  # else other paths would give other last digits
    for p in prompts:
        assert torch.equal(rec.score(collate_prompts([p], 0)), back.score(collate_prompts([p], 0)))
    assert (back.projector is None) == (dim == 0)
    assert back.adapters.config == rec.adapters.config
    assert checkpoint.read_recommender_config(tmp_path / "run")["extra"] == {"gate": {"tau": 0.1}}
    for name, tensor in rec.adapters.state_dict().items():
        assert torch.equal(tensor, back.adapters.state_dict()[name])


def test_the_backbone_is_found_again_by_its_name(tmp_path: Path) -> None:
    base = make_backbone()
    base.model.save_pretrained(tmp_path / "base")
    base.tokenizer.save_pretrained(tmp_path / "base")
    loaded = load_backbone(str(tmp_path / "base"))
    rec = Recommender(loaded, attach_adapters(loaded.model, MultiLoRAConfig(n_experts=2)))
    torch.nn.init.normal_(rec.adapters.get_parameters("global")[1])
    checkpoint.save_recommender(tmp_path / "run", rec)
    ids = torch.randint(4, 60, (2, 7))
    assert torch.equal(checkpoint.load_recommender(tmp_path / "run").model(ids).logits, rec.model(ids).logits)


def test_saving_again_replaces_and_a_crash_leaves_the_former_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rec, batch = make_recommender(), collate_prompts(make_prompts(), 0)
    checkpoint.save_recommender(tmp_path, rec)
    before = rec.score(batch)
    rec.adapters.get_parameters("global")[0].data.add_(1)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoint, "write_json", dies)
        checkpoint.save_recommender(tmp_path, rec)
    assert torch.equal(checkpoint.load_recommender(tmp_path, make_backbone()).score(batch), before)
    checkpoint.save_recommender(tmp_path, rec)
    assert torch.equal(checkpoint.load_recommender(tmp_path, make_backbone()).score(batch), rec.score(batch))
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()) == FILES


FILES = sorted(
    ["projector.safetensors", "recommender.json"]
    + [
        f"adapters/{name}/{file}"
        for name in ("global", "expert_1", "expert_2", "expert_3")
        for file in ("adapter_config.json", "adapter_model.safetensors")
    ]
)


def test_the_manifest_names_every_file_by_its_contents(tmp_path: Path) -> None:
    rec = make_recommender()
    checkpoint.save_recommender(tmp_path, rec)
    manifest = checkpoint.read_recommender_config(tmp_path)
    assert manifest["format"] == 3 and manifest["backbone_digest"] == rec.backbone.digest
    assert {name: entry.get("layers") for name, entry in manifest["parts"].items()} == {
        "global": [0, 1, 2, 3],
        "experts": [2, 3],
        "projector": None,
    }
    named = {file: digest for entry in manifest["parts"].values() for file, digest in entry["files"].items()}
    assert sorted([*named, "recommender.json"]) == FILES
    for file, digest in named.items():
        assert hashlib.sha256((tmp_path / file).read_bytes()).hexdigest() == digest
    # A layer without experts computes the global adapter for every row, so that its values are in all of the files.
    for name in ("expert_1", "expert_2"):
        one, other = (
            files.read_tensors(tmp_path / "adapters" / x / "adapter_model.safetensors") for x in (name, "global")
        )
        same = {key.split(".")[4] for key in one if torch.equal(one[key], other[key])}
        assert same == {"0", "1"} and len(one) == 16


@pytest.mark.parametrize("file", ["adapters/expert_2/adapter_model.safetensors", "projector.safetensors"])
def test_files_of_another_save_are_refused(tmp_path: Path, file: str) -> None:
    for name in ("one", "other"):
        rec = make_recommender()
        for part in (rec.adapters.get_parameters("experts"), [next(rec.projector.parameters())]):  # type: ignore[union-attr]
            part[0].data.add_(len(name))
        checkpoint.save_recommender(tmp_path / name, rec)
    shutil.copy(tmp_path / "other" / file, tmp_path / "one" / file)
    with pytest.raises(CheckpointError, match=rf"{file} is not the file that recommender\.json names .*copy the whole"):
        checkpoint.load_recommender(tmp_path / "one", make_backbone())


def test_wherever_a_save_dies_the_former_or_the_new_state_is_read_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former, new = make_recommender(), make_recommender()
    for p in new.adapters.get_parameters("global") + new.adapters.get_parameters("experts"):
        p.data.add_(1)
    new.projector = None
    seen, states = [], [former.adapters.state_dict(), new.adapters.state_dict()]
    for at in itertools.count():
        folder, steps = tmp_path / str(at), itertools.count()
        checkpoint.save_recommender(folder, former)

        def count_step(work: Callable[..., Any], at: int = at, steps: Iterator[int] = steps) -> Callable[..., Any]:
            def step(*args: Any, **options: Any) -> Any:
                if next(steps) == at:
                    raise KeyboardInterrupt
                return work(*args, **options)

            return step

        try:
            with monkeypatch.context() as patch:
                for owner, name in (
                    (checkpoint, "write_json"),
                    (checkpoint, "write_tensors"),
                    (Path, "replace"),
                    (Path, "unlink"),
                    (shutil, "rmtree"),
                ):
                    patch.setattr(owner, name, count_step(getattr(owner, name)))
                checkpoint.save_recommender(folder, new)
            died = False
        except KeyboardInterrupt:
            died = True
        back = checkpoint.load_recommender(folder, make_backbone())
        held = back.adapters.state_dict()
        which = [all(torch.equal(held[name], state[name]) for name in held) for state in states]
        assert which.count(True) == 1 and (back.projector is None) == which[1]
        seen.append(which.index(True))
        checkpoint.save_recommender(folder, new)
        left = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        assert left == [file for file in FILES if file != "projector.safetensors"]
        if not died:
            break
    assert seen == sorted(seen) and seen.count(0) > 10 and seen.count(1) > 10


def test_experts_that_are_no_more_leave_no_folder(tmp_path: Path) -> None:
    checkpoint.save_recommender(tmp_path, make_recommender(n=3))
    (tmp_path / "adapters" / "expert_3" / "note.txt").write_text("mine")
    checkpoint.save_recommender(tmp_path, make_recommender(n=1))
    assert sorted(path.name for path in (tmp_path / "adapters").iterdir()) == ["expert_1", "expert_3", "global"]
    assert [path.name for path in (tmp_path / "adapters" / "expert_3").iterdir()] == ["note.txt"]
    assert checkpoint.load_recommender(tmp_path, make_backbone()).adapters.n_adapters == 2


FORMAT_2 = Path(__file__).parent / "format_2"
"""Written by version 0.1 with the embedded backbone, two experts and a projector of random weights."""
SCORES = (-0.801040530204773, -0.875403642654419, -1.0157567262649536)
"""What that version said of `ask_format_2`."""


def ask_format_2(rec: Recommender) -> list[float]:
    """Scores of one prompt for the global adapter, expert 1 and a mixture, with three vectors."""
    scores, none = [], np.zeros(0, dtype=np.int32)
    for gate, vector in (([1, 0, 0], 0.5), ([0, 1, 0], -1.0), ([0.2, 0.3, 0.5], 2.0)):
        prompt = Prompt(
            ids=np.array([(7 * i + 11) % 6000 + 10 for i in range(12)], dtype=np.int32),
            placeholder_at=np.array([3], dtype=np.int32),
            placeholder_vectors=np.array([[vector]], dtype=np.float32),
            answer_at=np.array([11], dtype=np.int32),
            answer_label=np.zeros(1, dtype=np.int8),
            answer_weight=np.ones(1, dtype=np.float32),
            token_at=none,
            token_target=none,
            token_weight=np.zeros(0, dtype=np.float32),
            gate=np.array(gate, dtype=np.float32),
        )
        scores.append(float(rec.score(collate_prompts([prompt], rec.backbone.pad_id))[0]))
    return scores


def test_a_folder_of_format_2_opens_unchanged_and_is_saved_in_the_format_of_today(tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in FORMAT_2.iterdir()}
    rec = checkpoint.load_recommender(FORMAT_2)
    assert ask_format_2(rec) == pytest.approx(SCORES, abs=1e-5)
    assert {path.name: path.read_bytes() for path in FORMAT_2.iterdir()} == before
    manifest = checkpoint.read_recommender_config(FORMAT_2)
    assert manifest["extra"] == {"note": "kept"} and manifest["adapters"]["n_experts"] == 2
    # What every group of weights says counts: without one of them the scores are others.
    for group in ("global", "experts"):
        other = checkpoint.load_recommender(FORMAT_2)
        for p in other.adapters.get_parameters(group):
            p.data.zero_()
        assert max(abs(np.subtract(ask_format_2(other), SCORES))) > 1e-2
    shutil.copytree(FORMAT_2, tmp_path / "old")
    checkpoint.save_recommender(tmp_path / "old", rec)
    assert not list((tmp_path / "old").glob("weights-*"))
    assert ask_format_2(checkpoint.load_recommender(tmp_path / "old")) == ask_format_2(rec)


def test_a_missing_weights_file_of_format_2_is_named(tmp_path: Path) -> None:
    shutil.copy(FORMAT_2 / "recommender.json", tmp_path)
    with pytest.raises(CheckpointError, match=r"weights-9a1ca02e6143\.safetensors is missing; copy it there"):
        checkpoint.load_recommender(tmp_path)


@pytest.mark.parametrize("file", ["adapters/global/adapter_model.safetensors", "projector.safetensors"])
def test_a_truncated_file_is_named_with_the_remedy(tmp_path: Path, file: str) -> None:
    checkpoint.save_recommender(tmp_path, make_recommender())
    weights = tmp_path / file
    whole = weights.read_bytes()
    for kept in (len(whole) - 1, len(whole) // 2, 20, 3, 0):
        weights.write_bytes(whole[:kept])
        words = rf"{weights.name} is truncated: expected \d+ bytes, found {kept}; delete"
        with pytest.raises(CheckpointError, match=words):
            checkpoint.load_recommender(tmp_path, make_backbone())
    weights.unlink()
    with pytest.raises(CheckpointError, match="is missing"):
        checkpoint.load_recommender(tmp_path, make_backbone())


def test_settings_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no recommender\.json"):
        checkpoint.load_recommender(tmp_path)
    checkpoint.save_recommender(tmp_path, make_recommender())
    with pytest.raises(CheckpointError, match="trained on another backbone"):
        checkpoint.load_recommender(tmp_path, make_backbone(hidden_size=64))
    path = tmp_path / checkpoint.CONFIG_NAME
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "format": 99}))
    with pytest.raises(CheckpointError, match="format 99"):
        checkpoint.load_recommender(tmp_path, make_backbone())
    path.write_text(json.dumps({**config, "adapters": {"ranks": 3}}))
    with pytest.raises(CheckpointError, match="does not know"):
        checkpoint.load_recommender(tmp_path, make_backbone())
    path.write_text("{")
    with pytest.raises(CheckpointError, match="no readable JSON"):
        checkpoint.load_recommender(tmp_path, make_backbone())


def test_a_failed_write_leaves_no_file_behind(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        files.write_json(tmp_path / "a.json", {"x": object()})
    with pytest.raises(ValueError):
        files.write_tensors(tmp_path / "a.safetensors", {"x": "no tensor"})  # pyright: ignore[reportArgumentType]
    assert list(tmp_path.iterdir()) == []
