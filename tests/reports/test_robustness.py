"""The page on robustness: what stands on it."""

from __future__ import annotations

import numpy as np

from medmnist_np import registry
from medmnist_np.corruptions import RunName, summarise_errors
from medmnist_np.registry.corruption_facts import SEVERITIES, corrupted_set
from medmnist_np.reports.robustness_page import robustness_page


def errors_of(name: str, model: str = "m") -> dict[RunName, np.ndarray]:
    errors = {RunName(model): np.array([0.1, 0.08, 0.12])}
    for number, corruption in enumerate(corrupted_set(name).corruptions):
        for severity in SEVERITIES:
            error = 0.2 + 0.01 * severity + 0.02 * number
            errors[RunName(model, corruption, severity)] = np.array([error, error - 0.03, error + 0.03])
    return errors


def test_a_page_has_a_section_with_results_for_each_model() -> None:
    results = [summarise_errors(registry.info("pneumoniamnist"), errors_of("pneumoniamnist", model)) for model in "ab"]
    page = robustness_page(results)
    for one in results:
        assert f"<h2>{one.model}: pneumoniamnist test, 224 px</h2>" in page
        assert f"<dt>BE</dt><dd>{one.be.estimate:.3f}<small>" in page
        assert all(f'<th scope="row">{each.corruption}</th>' in page for each in one.corruptions)
        assert all(f"{error.estimate:.3f}<small>" in page for each in one.corruptions for error in each.errors.values())
    assert page.count("negative denominator") == 2
    assert f"{2 * 5 * len(results[0].corruptions)} result files of corrupted images" in page


def test_a_page_is_the_same_for_the_same_results_and_loads_nothing() -> None:
    results = [summarise_errors(registry.info("octmnist"), errors_of("octmnist"))]
    assert robustness_page(results) == robustness_page(results)
    assert "<script" not in robustness_page(results)


def test_names_are_escaped_and_missing_values_are_left_out() -> None:
    errors = {RunName("<m>", "pixelate", 1): np.array([0.5, 0.4, np.nan]), RunName("<m>", "pixelate", 2): np.ones(3)}
    page = robustness_page([summarise_errors(registry.info("octmnist"), errors)])
    assert "&lt;m&gt;: octmnist" in page
    assert "Means over the severities" not in page
    assert "Missing: pixelate at severity 3, 4, 5." in page


def test_results_on_clean_images_alone_make_a_page() -> None:
    errors = {RunName(""): np.array([0.5, 0.4, 0.6])}
    page = robustness_page([summarise_errors(registry.info("octmnist"), errors)])
    assert "Unnamed model: octmnist" in page
