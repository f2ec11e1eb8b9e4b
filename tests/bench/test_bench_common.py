"""The benchmarks' own arithmetic: limits hold or not, turns are counted, and a short ratio fails the script."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import common
import pytest
from encoders import epoch, simulated
from growth import work
from models import Peer, recommender, without_gate
from ranking import question
from run import CPU, GPU
from utilisation import peak_of

BENCH = Path(__file__).parents[2] / "bench"


def test_a_limit_is_a_least_or_a_most() -> None:
    def row(ratio: float, limit: float | None, at_most: bool = False) -> bool:
        return common.Row("a", "b", 1.0, 2.0, "s", ratio, limit, at_most).holds

    assert row(2.0, 2.0) and not row(1.99, 2.0) and row(0.1, None)
    assert row(1.05, 1.05, True) and not row(1.06, 1.05, True)


def test_runs_take_turns_and_the_first_turn_is_not_counted() -> None:
    calls: list[str] = []
    found = common.times({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3)
    assert calls == ["a", "b"] * 4
    assert [len(found["a"]), len(found["b"])] == [3, 3]
    assert all(second > 0 for second in found["a"])


@pytest.mark.parametrize(("ratio", "status"), [(3.0, 0), (1.0, 1)])
def test_the_status_tells_whether_all_hold(tmp_path: Path, ratio: float, status: int, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(BENCH / "ranking.py"), "--repeats", "3"])
    with pytest.raises(SystemExit) as left:
        common.finish([common.Row("a", "b", 1.0, ratio, "s", ratio, 2.0)], tmp_path / "deep" / "a.json")
    assert left.value.code == status
    held = json.loads((tmp_path / "deep" / "a.json").read_text())
    assert held["rows"][0]["holds"] is (status == 0)
    assert held["environment"]["torch"]
    assert Path(held["command"].removeprefix("python ")) == Path("bench/ranking.py --repeats 3")


def test_every_script_is_run_and_says_how_to_start_it() -> None:
    run = {name.partition("-")[0] for name in (*CPU, *GPU)}
    apart = {"growth", "encoders", "formats", "backbones", "deciding", "smollm2", "recommend", "scale", "big_ratings"}
    apart |= {"scale_steps"}
    apart |= {"serve"}
    helpers = {"common", "models", "run", "encoder_peers", "smollm2_prompts", "smollm2_training"}
    helpers |= {"serve_process", "serve_crash", "serve_breakdown", "serve_load", "serve_measure", "postgres_server"}
    assert {path.stem for path in BENCH.glob("*.py")} == run | apart | helpers
    for name in run | apart:
        assert f"python bench/{name}.py" in (BENCH / f"{name}.py").read_text(encoding="utf-8")


def test_the_peer_scores_as_we_do() -> None:
    import numpy as np

    from thinkrec.score.ranker import score_prompts
    from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

    rec = recommender(2)
    fork = question(
        simulate_catalogue(SimulatorConfig(users=5, items=60, interactions_per_user=(8, 10)), 1).dataset, rec, 5, 12
    )
    prompts = fork.to_prompts()
    peer = Peer(rec, {"one": 0, "two": 1})
    ours = score_prompts(recommender(0), [without_gate(p) for p in prompts].__getitem__, 12)
    assert np.std(ours) > 0.01
    np.testing.assert_allclose(peer.score(prompts, 5), ours, atol=1e-4)
    mixed = peer.score(prompts, 5, ["two", "one"] * 6)
    np.testing.assert_allclose(mixed[1::2], ours[1::2], atol=1e-4)
    assert np.abs(mixed[::2] - ours[::2]).max() > 1e-3


def test_an_epoch_of_an_encoder_is_timed_whole_or_by_some_steps() -> None:
    from thinkrec.collab.mf import MF, MFConfig
    from thinkrec.collab.training import EncoderTrainingConfig

    ds = simulated(20_000)
    assert (len(ds.interactions), ds.interactions.n_users, len(ds.items)) == (20_000, 200, 200)
    assert 0.4 < ds.interactions.label.mean() < 0.6
    made = MF(MFConfig(dim=4, training=EncoderTrainingConfig(batch_size=2048, epochs=1)))
    assert epoch(made, ds, 1000) > 0
    assert made.tables is not None, "an epoch of fewer steps is run whole"
    few = MF(MFConfig(dim=4, training=EncoderTrainingConfig(batch_size=2048, epochs=1)))
    assert epoch(few, ds, 3) > 0
    assert few.tables is None, "it was left before the epoch ended"


def test_utilisation_counts_what_is_needed(tmp_path: Path) -> None:
    import numpy as np

    from thinkrec.prompts.shared_prefix import SharedPrefix
    from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

    rec = recommender(0, source="tiny")
    assert rec.model.config.hidden_size == 64
    fork = question(
        simulate_catalogue(SimulatorConfig(users=5, items=60, interactions_per_user=(8, 10)), 1).dataset, rec, 5, 12
    )
    # 2 layers of 4 * 16 * 64 (q, o), 2 * 2 * 16 * 64 (k, v), 3 * 64 * 128 (MLP) weights, and pairs of tokens that meet.
    t, weights = len(fork.prefix), 2 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 128)
    assert work(rec, [SharedPrefix(fork.prefix, ())], whole=True) == pytest.approx(t * weights + 2 * 2 * 64 * t**2 / 2)
    assert work(rec, [fork]) < work(rec, [fork], whole=True)
    apart = [SharedPrefix(prompt, ()) for prompt in fork.to_prompts()]
    assert work(rec, apart, whole=True) > 4 * work(rec, [fork])
    assert peak_of("NVIDIA H100 80GB HBM3") == 989e12
    with pytest.raises(SystemExit, match="give --peak"):
        peak_of("Some Other Card")
    assert np.isfinite(work(rec, apart))
