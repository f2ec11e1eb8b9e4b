"""A made-up catalogue, made-up users and a made-up run: enough to draw every section of a report."""

import math

import numpy as np
import pytest

from thinkrec.evaluate.metrics.bootstrap import bootstrap_metrics
from thinkrec.evaluate.metrics.calibration import compute_reliability_curve
from thinkrec.evaluate.report.page import CurvePanel, ExplainedRecommendation, HistoryItem, LearningCurve, ReportData
from thinkrec.evaluate.report.user_map import build_user_map
from thinkrec.evaluate.results import summarise_results

TITLES = [
    "The Tin Lighthouse (1994)",
    "Copper Sky (1987)",
    "A Quiet Ledger (1999)",
    "Nine Bridges North (1978)",
    "Marigold & Ash (1996)",
    "The Last Cartographer (1991)",
    "Winter Orchard (1963)",
    "Static <Love> (2000)",
    "Paper Comets (1985)",
    "The Understudy's Knife (1972)",
    "Harbour of Glass (1998)",
    "Seven Dull Knights (1997)",
]
REASONS = {
    True: "Yes. This viewer keeps coming back to slow, character-driven dramas and recently saw {a} and {b}. {t} has "
    "the same patient storytelling and is widely admired, so a like is likely.",
    False: "No. The liked films of this viewer are quiet dramas, and after {a} and {b} a broad comedy is a poor fit. "
    "{t} is loud and loosely plotted, and its general standing is mixed.",
}


def rows(seed=0, users=160):
    """(user, label, taste, quality, probability): labels drawn from known probabilities."""
    rng = np.random.default_rng(seed)
    user = np.repeat(np.arange(users), rng.geometric(1 / 24, users))
    taste = rng.normal(0, 0.6, users)[user] + rng.normal(0, 0.6, len(user))
    quality = rng.normal(0, 0.9, len(user))
    probability = 1 / (1 + np.exp(-(0.2 + taste + quality)))
    return user, (rng.random(len(user)) < probability).astype(int), taste, quality, probability


def gate(vectors, n=3, tau=0.1):
    """A softmax gate over three made-up centres: alone above .7, the global adapter where it is flat, fused between."""
    centres = np.zeros((n, vectors.shape[1]))
    centres[np.arange(n), np.arange(n)] = 1.0
    norms = np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    logits = (vectors / norms) @ centres.T / tau
    soft = np.exp(logits - logits.max(axis=1, keepdims=True))
    soft /= soft.sum(axis=1, keepdims=True)
    flat = -(soft * np.log(soft + 1e-12)).sum(axis=1) >= 0.95 * math.log(n)
    out = np.hstack([np.zeros((len(vectors), 1)), soft])
    alone = soft.max(axis=1) > 0.5 + 0.6 / n
    out[alone] = np.eye(n + 1)[1 + soft.argmax(axis=1)[alone]]
    out[flat & ~alone] = np.eye(n + 1)[0]
    return out


def make_report(seed=0) -> ReportData:
    """A report with every section, from made-up but plausible values."""
    rng = np.random.default_rng(seed)
    user, label, taste, quality, probability = rows(seed)

    def noisy(x, sd):
        return x + rng.normal(0, sd, len(x))

    scores = {
        "Bayes-optimal": probability,
        "ThinkRec, experts": noisy(taste + quality, 0.55),
        "ThinkRec, global adapter only": noisy(taste + quality, 0.75),
        "Gradient boosting, labelled history": noisy(taste + quality, 0.8),
        "SASRec": noisy(0.6 * taste + quality, 0.9),
        "Item quality, the same for everybody": noisy(quality, 0.5),
    }
    results = summarise_results(
        {name: bootstrap_metrics(user, label, s, draws=300, seed=seed) for name, s in scores.items()},
        kinds={"Bayes-optimal": "ceiling", "Item quality, the same for everybody": "impersonal"},
        against=("Gradient boosting, labelled history", "Item quality, the same for everybody"),
        published={"ThinkRec as published (8B)": {"auc": 0.7764, "uauc": 0.6775, "ndcg": 0.7747, "map": 0.4774}},
    )
    group = rng.integers(0, 3, 480)
    vectors = rng.normal(0, 0.32, (480, 16))
    vectors[np.arange(480), group] += 0.9
    return ReportData(
        title="ThinkRec on a simulated catalogue",
        summary="A small language model that reads labelled histories, with three user-group experts. Made-up values, "
        "drawn to show the page.",
        facts={
            "Recipe": "recipes/world-small.yaml (7f3a91c)",
            "Seed": "7",
            "Backbone": "tiny-llama, 14 M parameters, LoRA r = 8",
            "Hardware": "2 CPU cores, 8 GB",
            "Duration": "41 min 12 s (training 33 min, scoring 6 min)",
            "Data": f"{len(user):,} test rows, {len(np.unique(user))} users, {label.mean():.0%} liked",
        },
        results=results,
        calibration={
            "ThinkRec, experts": compute_reliability_curve(
                label, 1 / (1 + np.exp(-0.8 * scores["ThinkRec, experts"] - 0.15))
            ),
            "Overconfident SASRec": compute_reliability_curve(label, 1 / (1 + np.exp(-1.6 * scores["SASRec"] + 0.2))),
        },
        curve_panels=_panels(rng),
        user_map=build_user_map(vectors, group, gate),
        recommendations=tuple(_case(rng, i, probability, label) for i in range(12)),
    )


def _panels(rng) -> tuple[CurvePanel, ...]:
    steps = np.arange(0, 2001, 20)
    checks = steps[::10]
    loss = tuple(
        LearningCurve(name, tuple(steps), tuple(start * np.exp(-steps / 500) + end + rng.normal(0, 0.012, len(steps))))
        for name, start, end in (("rating", 0.22, 0.53), ("reasoning", 0.9, 1.35))
    )
    valid = 0.75 - 0.2 * np.exp(-checks / 350) - 4e-8 * np.maximum(0, checks - 1300) ** 2
    experts = tuple(
        LearningCurve(f"expert {k}", tuple(checks), tuple(0.742 + 0.004 * k - 0.01 * np.exp(-checks / (300 * k))))
        for k in (1, 2, 3)
    )
    return (
        CurvePanel("1. Global adapter: training", "loss", loss),
        CurvePanel(
            "1. Global adapter: validation",
            "AUC",
            (LearningCurve("AUC", tuple(checks), tuple(valid)),),
            selected_x=1400,
        ),
        CurvePanel("3. Experts: validation", "AUC", experts),
    )


def _case(rng, i, probability, label) -> ExplainedRecommendation:
    picks = rng.permutation(len(TITLES))
    history = tuple(HistoryItem(TITLES[j], bool(rng.random() < 0.6)) for j in picks[1:9])
    weights = gate(rng.normal(0, 0.3, (1, 16)) + np.eye(16)[i % 3] * (i % 4) * 0.35)[0]
    target, p = TITLES[picks[0]], float(np.clip(probability[i], 0.05, 0.95))
    region = "fuse" if weights.max() < 1 else "global" if weights[0] == 1 else "single expert"
    return ExplainedRecommendation(
        user=f"user {1000 + 37 * i}",
        history=history,
        target=target,
        probability=p,
        gate=tuple(zip(("global", "expert 1", "expert 2", "expert 3"), weights.tolist(), strict=True)),
        reason=REASONS[p > 0.5].format(a=history[-1].title, b=history[-2].title, t=target),
        liked=bool(label[i]),
        region=region,
    )


@pytest.fixture(scope="session")
def sample_report() -> ReportData:
    return make_report()
