from __future__ import annotations

import re
import sys
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from medmnist_np.metrics import pr_curves, reliability_curves, roc_curves
from medmnist_np.reports.charts import ACCENT, FAINT, INK, chart, pr_chart, reliability_chart, roc_chart
from tests.reports.reading import read

LABELS = [0, 0, 1, 1, 0, 1]
SCORES = [0.1, 0.4, 0.35, 0.8, 0.6, 0.9]


def draw(axes: Any) -> None:
    axes.plot([0, 1], [0, 1], color=ACCENT, marker="o")
    axes.bar([0.5], [0.5], color=FAINT)
    axes.set_xlabel("a < b")


def test_a_chart_is_an_image_with_alternative_text() -> None:
    ((tag, attributes), *_) = read(chart(draw, "a < b")).elements
    assert tag == "svg"
    assert attributes["role"] == "img"
    assert attributes["aria-label"] == "a < b"


def test_a_chart_takes_its_colours_from_the_page() -> None:
    drawn = chart(draw, "a")
    colours = set(re.findall(r"(?:fill|stroke): ?([^;\"]+)", drawn)) - {"none"}
    assert colours == {"currentColor", "var(--accent)", "var(--faint)"}
    assert not any(stand_in in drawn for stand_in in (INK, ACCENT, FAINT))


def test_words_in_a_chart_are_stored_as_text() -> None:
    assert "a < b" in read(chart(draw, "a")).text


def test_a_chart_is_the_same_each_time() -> None:
    assert chart(draw, "a") == chart(draw, "a")


def test_charts_of_one_page_share_no_identifier() -> None:
    first, second = (set(re.findall(r' id="([^"]+)"', chart(draw, alt))) for alt in ("a", "b"))
    assert first
    assert not first & second


def test_each_identifier_that_a_chart_refers_to_is_in_it() -> None:
    drawn = chart(draw, "a")
    assert set(re.findall(r"#([\w.-]+)", drawn)) == set(re.findall(r' id="([^"]+)"', drawn))


def test_matplotlib_settings_of_the_user_do_not_change_a_chart() -> None:
    expected = chart(draw, "a")
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "svg.fonttype": "path"}):
        assert expected == chart(draw, "a")
        assert mpl.rcParams["font.size"] == 30


@pytest.mark.parametrize("threshold", [None, 0.5, 2.0, -1.0])
def test_curves_are_drawn_at_any_threshold(threshold: float | None) -> None:
    (roc,) = roc_curves(LABELS, SCORES, "binary-class")
    (pr,) = pr_curves(LABELS, SCORES, "binary-class")
    rings = 0 if threshold is None else 1
    assert rings == _rings(roc_chart(roc, "roc", threshold=threshold))
    # Where nothing is decided for, precision is not defined.
    rings = 0 if threshold in (None, 2.0) else 1
    assert rings == _rings(pr_chart(pr, "pr", share_positive=0.5, threshold=threshold))


def test_the_circle_is_at_the_threshold() -> None:
    (roc,) = roc_curves(LABELS, SCORES, "binary-class")
    at = [float(place) for place in re.findall(r'<use [^>]*?y="([\d.]+)"', roc_chart(roc, "roc", threshold=0.5))]
    # Two of three are found above 0.5: two thirds of the way up, from 164 px to 6 px.
    assert any(abs(164 - 158 * (0.02 + 2 / 3) / 1.04 - place) < 0.01 for place in at)


def test_empty_bins_are_left_out_of_a_reliability_diagram() -> None:
    (curve,) = reliability_curves(LABELS, SCORES, "binary-class")
    assert np.isnan(curve.confidence).any()
    assert "nan" not in reliability_chart(curve, "reliability", share_of="right")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ModuleNotFoundError, match=r"not installed: pip install 'medmnist-np\[report\]'"):
        chart(draw, "a")


def _rings(drawn: str) -> int:
    return len(re.findall("stroke-width: 1.6", drawn)) // 2  # of the marker, and of where it is put
