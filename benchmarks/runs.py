"""How often several runs of two methods are called different: a simulation, and the table in docs/statistics.md.

    python -m benchmarks.runs [--repetitions 2000]

Scores are sums of the strength of a run, what makes an image hard for all runs of both methods, and noise.
``between`` is the standard deviation of the strength from run to run. Equal methods should be called different in 5 %
of cases.
"""

from __future__ import annotations

import argparse

import numpy as np

from medmnist_np.metrics import Predictions, paired_delong, paired_runs

STRENGTH, GAP = 2.0, 0.3  # AUCs of about 0.92 and 0.95


def method(
    random: np.random.Generator, images: np.ndarray, n_runs: int, between: float, gap: float
) -> list[Predictions]:
    labels = np.arange(len(images)) % 2
    runs = []
    for strength in STRENGTH + gap + between * random.normal(size=n_runs):
        latent = strength * (labels - 0.5) + 0.8 * images + 0.6 * random.normal(size=len(images))
        runs.append(Predictions(labels, 1 / (1 + np.exp(-latent)), "binary-class"))
    return runs


def rates(n_images: int, n_runs: int, between: float, gap: float, repetitions: int) -> tuple[float, float]:
    """Return the shares of p-values below 0.05 of the test of all runs, and of DeLong's test of the first ones."""
    random = np.random.default_rng([n_images, n_runs, int(100 * between), int(100 * gap)])
    found = np.zeros(2)
    for _ in range(repetitions):
        images = random.normal(size=n_images)
        a = method(random, images, n_runs, between, 0)
        b = method(random, images, n_runs, between, gap)
        found += (paired_runs(a, b).p_value < 0.05, paired_delong(a[0], b[0]).p_value < 0.05)
    return tuple(found / repetitions)  # type: ignore[return-value]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=2000)
    repetitions = parser.parse_args().repetitions
    print(
        "| images | runs of each | seeds vary | equal: all runs | equal: one run | better: all runs | better: one run |"
    )
    print("|---|---|---|---|---|---|---|")
    for n_images in (156, 1000):
        for between in (0.0, 0.15):
            for n_runs in (2, 3, 5, 10):
                equal = rates(n_images, n_runs, between, 0.0, repetitions)
                better = rates(n_images, n_runs, between, GAP, repetitions)
                cells = " | ".join(f"{100 * share:.0f} %" for share in (*equal, *better))
                print(f"| {n_images} | {n_runs} | {'yes' if between else 'no'} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
