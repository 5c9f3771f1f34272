"""Where common intervals and tests fail: the figures that docs/statistics.md states beside its tables.

    python -m benchmarks.coverage_edges [--repetitions 1000] [areas] [pairs] [calibration] [multi-label]

- an AUC close to 1, of 31 negative and 125 positive samples and of others;
- a stratified bootstrap of a multi-label set, whose strata are combinations of labels, made here from its parts as
  the package refuses it;
- the bootstrap interval of the expected calibration error of a calibrated model, likewise;
- the bootstrap of the difference between two equal models, one of which has an AUC of 1 by chance.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from medmnist_np.metrics import Predictions, auc, interval, measure, paired_delong
from medmnist_np.metrics.all_metrics import metric_named
from medmnist_np.metrics.bootstrap import resamples, strata
from medmnist_np.metrics.metric import averages

N_RESAMPLES = 1000
LEVEL = 0.95


def binary(random: np.random.Generator, n_negative: int, n_positive: int, area: float) -> Predictions:
    """Draw normal scores of so many samples with a true AUC."""
    labels = np.repeat([0, 1], [n_negative, n_positive])
    shift = 2**0.5 * NormalDist().inv_cdf(area)
    return Predictions(labels, random.normal(size=len(labels)) + shift * labels, "binary-class")


def by_bootstrap(predictions: Predictions, metric: str, seed: int, *, stratified: bool = False) -> np.ndarray:
    """Return the metric of each resample, without any of the checks of the package."""
    found = metric_named(metric)
    which = strata(predictions) if stratified else None
    blocks = resamples(predictions.n_samples, N_RESAMPLES, seed, strata=which)
    return averages(np.concatenate([found.resampled(predictions, counts) for counts in blocks]), "skip")


def ends(values: np.ndarray) -> tuple[float, float]:
    low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def high_areas(repetitions: int) -> None:
    print("\n| negative | positive | true AUC | percentile | logit-delong | newcombe |\n|---|---|---|---|---|---|")
    for n_negative, n_positive, area in [
        (30, 30, 0.95),
        (30, 30, 0.99),
        (31, 125, 0.95),
        (31, 125, 0.99),
        (31, 125, 0.997),
        (78, 78, 0.99),
        (200, 200, 0.99),
    ]:
        random = np.random.default_rng([n_negative, n_positive, int(1000 * area)])
        held = dict.fromkeys(("percentile", "logit-delong", "newcombe"), 0)
        for _ in range(repetitions):
            predictions = binary(random, n_negative, n_positive, area)
            low, high = ends(by_bootstrap(predictions, "auc", int(random.integers(1 << 31))))
            held["percentile"] += low <= area <= high
            for method in ("logit-delong", "newcombe"):
                # The package gives Newcombe's at an AUC of 1 for either.
                found = interval(predictions, method=method)  # type: ignore[arg-type]
                held[method] += found.low <= area <= found.high
        cells = " | ".join(f"{100 * n / repetitions:.1f}" for n in held.values())
        print(f"| {n_negative} | {n_positive} | {area} | {cells} |", flush=True)


def stratified_multi_label(repetitions: int) -> None:
    """Findings that go together: normal values with a common part, cut off so that they have their frequencies."""
    often = np.array([0.18, 0.12, 0.1, 0.056, 0.05, 0.046, 0.04, 0.03])
    cut = np.array([NormalDist().inv_cdf(1 - share) for share in often])
    skill = 1.0

    def draw(random: np.random.Generator, n: int) -> Predictions:
        hidden = 0.6 * random.normal(size=(n, 1)) + 0.8 * random.normal(size=(n, len(often)))
        labels = (hidden > cut).astype(int)
        return Predictions(labels, skill * labels + random.normal(size=labels.shape), "multi-label, binary-class")

    print("\n| n | metric | plain | stratified |\n|---|---|---|---|")
    for n in (200, 500):
        random = np.random.default_rng(n)
        endless = draw(random, 400_000)
        held: dict[tuple[str, bool], int] = {}
        metrics = ("auc", "accuracy", "average_precision", "f1")
        truth = {metric: measure(endless, metric) for metric in metrics}
        done = 0
        while done < repetitions:
            predictions = draw(random, n)
            if (predictions.labels.sum(axis=0) < 2).any():
                continue
            done += 1
            seed = int(random.integers(1 << 31))
            for metric in metrics:
                for stratified in (False, True):
                    low, high = ends(by_bootstrap(predictions, metric, seed, stratified=stratified))
                    held[metric, stratified] = held.get((metric, stratified), 0) + (low <= truth[metric] <= high)
        for metric in metrics:
            plain, strat = (100 * held[metric, stratified] / repetitions for stratified in (False, True))
            print(f"| {n} | {metric} | {plain:.1f} | {strat:.1f} |", flush=True)


def calibration_error(repetitions: int) -> None:
    print("\n| n | ECE intervals that exclude the estimate |\n|---|---|")
    for n in (156, 400, 2000):
        random = np.random.default_rng(n)
        excluded = 0
        for _ in range(repetitions):
            scores = random.random(n)
            predictions = Predictions((random.random(n) < scores).astype(int), scores, "binary-class")
            low, high = ends(by_bootstrap(predictions, "expected_calibration_error", int(random.integers(1 << 31))))
            excluded += not low <= measure(predictions, "expected_calibration_error") <= high
        print(f"| {n} | {100 * excluded / repetitions:.1f} % |", flush=True)


def areas_of_1(repetitions: int) -> None:
    """Two models of the same skill, whose scores have a correlation of 0 or 0.8 within a class."""
    print("\n| negative | positive | true AUC | correlation | bootstrap | paired_delong, interval | paired_delong, p |")
    print("|---|---|---|---|---|---|---|")
    for n_negative, n_positive, area, correlation in [
        (8, 8, 0.95, 0.0),
        (31, 125, 0.997, 0.0),
        (10, 40, 0.97, 0.0),
        (8, 148, 0.97, 0.0),
        (31, 125, 0.997, 0.8),
        (10, 40, 0.97, 0.8),
        (8, 148, 0.97, 0.8),
    ]:
        random = np.random.default_rng([n_negative, n_positive, int(1000 * area), int(10 * correlation)])
        labels = np.repeat([0, 1], [n_negative, n_positive])
        shift = 2**0.5 * NormalDist().inv_cdf(area)
        n = excluded = without_0 = significant = 0
        while n < repetitions:
            common = correlation**0.5 * random.normal(size=len(labels)) + shift * labels
            first, second = (
                Predictions(labels, common + (1 - correlation) ** 0.5 * random.normal(size=len(labels)), "binary-class")
                for _ in range(2)
            )
            areas = [auc(one.labels, one.scores, "binary-class") for one in (first, second)]
            if max(areas) < 1 or areas[0] == areas[1]:
                continue
            n += 1
            seed = int(random.integers(1 << 31))
            low, high = ends(by_bootstrap(second, "auc", seed) - by_bootstrap(first, "auc", seed))
            excluded += not low <= 0 <= high
            found = paired_delong(first, second)
            without_0 += not found.low <= 0 <= found.high
            significant += found.p_value < 1 - LEVEL
        cells = " | ".join(f"{100 * one / n:.1f} %" for one in (excluded, without_0, significant))
        print(f"| {n_negative} | {n_positive} | {area} | {correlation} | {cells} |", flush=True)


PARTS: dict[str, Callable[[int], None]] = {
    "areas": high_areas,
    "pairs": areas_of_1,
    "calibration": calibration_error,
    "multi-label": stratified_multi_label,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"Some of {', '.join(PARTS)}; all, if none is named.")
    arguments = parser.parse_args()
    for part in arguments.parts or PARTS:
        PARTS[part](arguments.repetitions)


if __name__ == "__main__":
    main()
