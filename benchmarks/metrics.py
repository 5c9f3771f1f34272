"""AUC, its bootstrap and DeLong's variance, against loops of scikit-learn calls as the official evaluator makes them.

    python -m benchmarks.metrics

Made-up scores and labels in the shapes and class shares of four test splits. The loop of the bootstrap is run for 30
resamples and extrapolated to 1000.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from benchmarks.measuring import Pairs, elsewhere, heading, row

N_RESAMPLES = 1000
N_LOOPED = 30
N_PAIRS = {"auc": 15, "bootstrap": 3, "delong": 15}


@dataclass(frozen=True)
class Shape:
    """A test split: its task, number of samples, and the share of each class or of each label's ones, in percent."""

    name: str
    task: str
    n: int
    percent: tuple[float, ...]
    bootstrap_at_least: float


SHAPES = (
    Shape(
        "ChestMNIST, 22433 x 14",
        "multi-label, binary-class",
        22433,
        (10.8, 2.6, 11.9, 17.9, 5.0, 5.6, 1.1, 5.0, 4.3, 1.8, 2.3, 1.6, 3.3, 0.2),
        20,
    ),
    Shape("TissueMNIST, 47280 x 8", "multi-class", 47280, (32.1, 4.7, 3.5, 9.3, 7.1, 4.7, 23.7, 14.9), 15),
    Shape("PathMNIST, 7180 x 9", "multi-class", 7180, (18.6, 11.8, 4.7, 8.8, 14.4, 8.2, 10.3, 5.9, 17.3), 20),
    Shape("BreastMNIST, 156", "binary-class", 156, (73.1,), 20),
)


def make(shape: Shape) -> tuple[Any, Any]:
    """Return labels and float32 probabilities as a model would give them."""
    import numpy as np

    random = np.random.default_rng(0)
    share = np.array(shape.percent) / 100
    if shape.task == "multi-class":
        labels = random.choice(len(share), shape.n, p=share / share.sum())[:, None].astype(np.uint8)
        logits = random.normal(size=(shape.n, len(share))) + 2 * (labels == np.arange(len(share)))
        scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    else:
        labels = (random.random((shape.n, len(share))) < share).astype(np.uint8)
        scores = 1 / (1 + np.exp(2 - random.normal(size=labels.shape) - 1.2 * labels))
    return labels, scores.astype(np.float32)


def by_scikit_learn(labels: Any, scores: Any, task: str) -> float:
    """The mean of one scikit-learn call for each class or label."""
    import numpy as np
    from sklearn.metrics import roc_auc_score

    if task == "multi-class":
        return float(np.mean([roc_auc_score((labels[:, 0] == k).astype(float), s) for k, s in enumerate(scores.T)]))
    return float(np.mean([roc_auc_score(labels[:, k], s) for k, s in enumerate(scores.T)]))


def seconds(function: Callable[[], Any]) -> float:
    """Return the wall-clock time of one call."""
    start = perf_counter()
    function()
    return perf_counter() - start


def measured(theirs: Callable[[], Any], ours: Callable[[], Any], n_pairs: int, factor: float = 1.0) -> Pairs:
    """Time both in turn; ``factor`` extrapolates the first. `Pairs` names the dividend first."""
    theirs(), ours()
    times = [(seconds(theirs) * factor * 1e3, seconds(ours) * 1e3) for _ in range(n_pairs)]
    return Pairs([a for a, _ in times], [b for _, b in times])


def area(shape: Shape) -> Pairs:
    from medmnist_np.metrics import auc

    labels, scores = make(shape)
    expected = by_scikit_learn(labels, scores, shape.task)
    if abs(auc(labels, scores, shape.task) - expected) > 1e-12:
        raise SystemExit(f"{shape.name}: the AUC is not that of scikit-learn")
    return measured(
        lambda: by_scikit_learn(labels, scores, shape.task), lambda: auc(labels, scores, shape.task), N_PAIRS["auc"]
    )


def bootstrap(shape: Shape) -> Pairs:
    import numpy as np

    from medmnist_np.metrics import Predictions, interval

    labels, scores = make(shape)
    random = np.random.default_rng(0)

    def loop() -> None:
        for _ in range(N_LOOPED):
            drawn = random.integers(shape.n, size=shape.n)
            by_scikit_learn(labels[drawn], scores[drawn], shape.task)

    return measured(
        loop,
        lambda: interval(Predictions(labels, scores, shape.task), n_resamples=N_RESAMPLES),
        N_PAIRS["bootstrap"],
        N_RESAMPLES / N_LOOPED,
    )


def delong(shape: Shape) -> Pairs:
    from medmnist_np.metrics import Predictions, class_intervals

    labels, scores = make(shape)
    return measured(
        lambda: class_intervals(Predictions(labels, scores, shape.task), method="delong"),
        lambda: by_scikit_learn(labels, scores, shape.task),
        N_PAIRS["delong"],
    )


def main() -> None:
    heading("Metrics: how many times as long scikit-learn takes", "the first", "the second")
    for shape in SHAPES:
        row(f"AUC, {shape.name}: scikit-learn / `auc`, all checks on", elsewhere(area, shape), "ms", at_least=10)
    for shape in SHAPES:
        row(
            f"{N_RESAMPLES} resamples, {shape.name}: loop of scikit-learn ({N_LOOPED}, extrapolated) / `interval`",
            elsewhere(bootstrap, shape),
            "ms",
            at_least=shape.bootstrap_at_least,
        )
    row(
        "DeLong intervals of all 14 labels of ChestMNIST / one evaluation by scikit-learn",
        elsewhere(delong, SHAPES[0]),
        "ms",
        at_most=0.8,
    )


if __name__ == "__main__":
    main()
