from __future__ import annotations

import json
from pathlib import Path

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
    assert len(list(tmp_path.iterdir())) == 2


def test_a_truncated_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    checkpoint.save_recommender(tmp_path, make_recommender())
    weights = next(tmp_path.glob("weights-*.safetensors"))
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
    path.write_text(json.dumps({**config, "experts": {"ranks": 3}}))
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
