from __future__ import annotations

import pytest

from medmnist_np.metrics.estimates import normal_cumulative, normal_quantile, student_quantile, two_sided_p


@pytest.mark.parametrize("probability", [0.001, 0.025, 0.5, 0.9, 0.9999])
def test_normal_quantiles_agree_with_scipy(probability: float) -> None:
    from scipy.stats import norm

    assert normal_quantile(probability) == pytest.approx(norm.ppf(probability), abs=1e-9)
    assert normal_cumulative(normal_quantile(probability)) == pytest.approx(probability, abs=1e-12)


@pytest.mark.parametrize("z", [0.0, 1.0, -2.5, 8.0])
def test_two_sided_tails_agree_with_scipy(z: float) -> None:
    from scipy.stats import norm

    assert two_sided_p(z) == pytest.approx(2 * norm.sf(abs(z)), rel=1e-9)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 9, 30, 101])
@pytest.mark.parametrize("probability", [0.5, 0.75, 0.95, 0.975, 0.995])
def test_student_quantiles_agree_with_scipy(probability: float, freedom: int) -> None:
    from scipy.stats import t

    assert student_quantile(probability, freedom) == pytest.approx(t.ppf(probability, freedom), rel=1e-9, abs=1e-9)
