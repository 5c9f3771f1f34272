"""How often 95 % intervals hold the true value: a simulation, and the tables in docs/statistics.md.

    python -m benchmarks.coverage [--repetitions 2000] [--workers 1]

Each repetition draws a test set, whose number of positive samples is left to chance, and computes every interval.
The true values are known: the scores of negative and positive samples are normal, moved so that a decision at 0.5 is
the best one if both have the same spread, as they have in all tables but one. Of several classes, each has a normal
score that is shifted for the samples of that class; to those of one sample a normal value is added that is the same
for all classes.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from medmnist_np.metrics import Interval, Predictions, interval
from medmnist_np.metrics.bootstrap import bca_interval, metric_without_one, percentile_interval, replicates
from medmnist_np.metrics.metric import averages

LEVEL = 0.95
N_RESAMPLES = 1000
N_CHUNKS = 20

AUC_METHODS = ("percentile", "stratified percentile", "bca", "delong", "logit-delong", "newcombe")
ACC_METHODS = ("percentile", "bca", "wilson")

# Shares of the grades of RetinaMNIST, about.
GRADES = (0.44, 0.11, 0.21, 0.17, 0.07)


@dataclass(frozen=True)
class Scene:
    """A kind of test set: its size, the share of each class, its true AUC, and the spread of positive scores."""

    n: int
    shares: tuple[float, ...]
    auc: float
    spread: float = 1.0

    @property
    def shift(self) -> float:
        variance = 1 + self.spread**2 if len(self.shares) == 2 else 4
        return math.sqrt(variance) * NormalDist().inv_cdf(self.auc)

    @property
    def border(self) -> float:
        """Of two classes of the same spread: above this value, class 1 is the more probable one."""
        negative, positive = self.shares
        return self.shift / 2 - math.log(positive / negative) / self.shift

    @property
    def accuracy(self) -> float:
        cumulative = NormalDist().cdf
        if len(self.shares) == 2:
            negative, positive = self.shares
            return negative * cumulative(self.border) + positive * cumulative((self.shift - self.border) / self.spread)
        # The shifted score is the highest: the sum is the integral.
        grid = np.linspace(-12, 12, 24001)
        density = np.exp(-((grid - self.shift) ** 2) / 2) / math.sqrt(2 * math.pi)
        others = np.array([cumulative(x) for x in grid]) ** (len(self.shares) - 1)
        return float((density * others).sum() * (grid[1] - grid[0]))

    def draw(self, random: np.random.Generator) -> Predictions:
        """Draw a test set; one with fewer than two samples of a class is drawn again."""
        k = len(self.shares)
        while True:
            labels = random.choice(k, self.n, p=self.shares)
            if np.bincount(labels, minlength=k).min() > 1:
                break
        if k == 2:
            scores = random.normal(size=self.n) * np.where(labels, self.spread, 1.0)
            scores += self.shift * labels - self.border + 0.5
            return Predictions(labels, scores, "binary-class")
        scores = random.normal(size=(self.n, k)) + random.normal(size=(self.n, 1))
        return Predictions(labels, scores + self.shift * (labels[:, None] == np.arange(k)), "multi-class")


def intervals(predictions: Predictions, seed: int) -> dict[tuple[str, str], Interval]:
    """Return every interval of one test set; bootstraps share their resamples, as these are the dear part."""
    found: dict[tuple[str, str], Interval] = {}
    values = replicates(predictions, ["auc", "accuracy"], n_resamples=N_RESAMPLES, seed=seed, stratified=False)
    for metric in ("auc", "accuracy"):
        estimate = interval(predictions, metric, method="delong" if metric == "auc" else "wilson").estimate
        means: NDArray[np.float64] = averages(values[metric], "raise")
        without_one = metric_without_one(predictions, metric, "raise")
        found[metric, "percentile"] = percentile_interval(estimate, means, LEVEL, "percentile")
        found[metric, "bca"] = bca_interval(estimate, means, without_one, LEVEL, "bca")
    found["auc", "stratified percentile"] = interval(predictions, n_resamples=N_RESAMPLES, seed=seed, stratified=True)
    found["auc", "delong"] = interval(predictions, method="delong")
    found["auc", "logit-delong"] = interval(predictions, method="logit-delong")
    if predictions.task == "binary-class":
        found["auc", "newcombe"] = interval(predictions, method="newcombe")
    found["accuracy", "wilson"] = interval(predictions, "accuracy", method="wilson")
    return found


def count(scene: Scene, chunk: int, repetitions: int) -> Counter[tuple[str, str]]:
    """Count in how many repetitions each interval holds the true value."""
    truth = {"auc": scene.auc, "accuracy": scene.accuracy}
    random = np.random.default_rng([scene.n, int(1000 * scene.shares[-1]), int(1000 * scene.auc), chunk])
    held: Counter[tuple[str, str]] = Counter()
    for _ in range(repetitions):
        predictions = scene.draw(random)
        for key, one in intervals(predictions, int(random.integers(1 << 31))).items():
            held[key] += one.low <= truth[key[0]] <= one.high
    return held


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repetitions", type=int, default=2000, help="half as many for the largest test sets")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    two = [Scene(n, (1 - p, p), auc) for n in (156, 400, 7180) for p in (0.05, 0.2, 0.5) for auc in (0.8, 0.95)]
    uneven = [
        Scene(n, (1 - p, p), auc, spread)
        for n, p in ((156, 0.05), (400, 0.2))
        for auc in (0.8, 0.95)
        for spread in (0.5, 2.0)
    ]
    five = [Scene(n, GRADES, 0.8) for n in (156, 400)]
    with ProcessPoolExecutor(arguments.workers) as pool:
        for metric, scenes, methods in (("auc", two, AUC_METHODS), ("accuracy", two, ACC_METHODS)):
            _print_head(f"{metric}, two classes", "n | positive | true AUC", methods)
            for scene in scenes:
                held, repetitions = _coverage(scene, arguments.repetitions, pool)
                _print_row(f"{scene.n} | {scene.shares[1]:.0%} | {scene.auc:.2f}", metric, methods, held, repetitions)
        _print_head("auc, two classes of unequal spread", "n | positive | true AUC | spread", AUC_METHODS)
        for scene in uneven:
            held, repetitions = _coverage(scene, arguments.repetitions, pool)
            what = f"{scene.n} | {scene.shares[1]:.0%} | {scene.auc:.2f} | {scene.spread:g}"
            _print_row(what, "auc", AUC_METHODS, held, repetitions)
        for metric, methods in (("auc", AUC_METHODS[:-1]), ("accuracy", ACC_METHODS)):
            _print_head(f"{metric}, five classes", "n | true AUC", methods)
            for scene in five:
                held, repetitions = _coverage(scene, arguments.repetitions, pool)
                _print_row(f"{scene.n} | {scene.auc:.2f}", metric, methods, held, repetitions)


_known: dict[Scene, tuple[Counter[tuple[str, str]], int]] = {}


def _coverage(scene: Scene, repetitions: int, pool: ProcessPoolExecutor) -> tuple[Counter[tuple[str, str]], int]:
    if scene not in _known:
        each = max(1, repetitions // N_CHUNKS // (2 if scene.n > 1000 else 1))
        tasks = [pool.submit(count, scene, chunk, each) for chunk in range(N_CHUNKS)]
        _known[scene] = sum((task.result() for task in tasks), Counter()), each * N_CHUNKS
    return _known[scene]


def _print_head(title: str, columns: str, methods: tuple[str, ...]) -> None:
    print(f"\n### {title}\n\n| {columns} | {' | '.join(methods)} |", flush=True)
    print("|" + "---|" * (columns.count("|") + 1 + len(methods)), flush=True)


def _print_row(
    what: str, metric: str, methods: tuple[str, ...], held: Counter[tuple[str, str]], repetitions: int
) -> None:
    shares = [held[metric, method] / repetitions for method in methods]
    percents = [round(100 * share, 1) for share in shares]
    # Marked: below the level by more than 2 points, which is four standard errors of 2000 repetitions.
    cells = [f"**{percent:.1f}**" if percent < 100 * LEVEL - 2 else f"{percent:.1f}" for percent in percents]
    print(f"| {what} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
