from __future__ import annotations

import pytest

from medmnist_np.metrics.estimates import normal_cumulative, normal_quantile, two_sided_p


@pytest.mark.parametrize("probability", [0.001, 0.025, 0.5, 0.9, 0.9999])
def test_normal_quantiles_agree_with_scipy(probability: float) -> None:
    from scipy.stats import norm

    assert normal_quantile(probability) == pytest.approx(norm.ppf(probability), abs=1e-9)
    assert normal_cumulative(normal_quantile(probability)) == pytest.approx(probability, abs=1e-12)


@pytest.mark.parametrize("z", [0.0, 1.0, -2.5, 8.0])
def test_two_sided_tails_agree_with_scipy(z: float) -> None:
    from scipy.stats import norm

    assert two_sided_p(z) == pytest.approx(2 * norm.sf(abs(z)), rel=1e-9)
