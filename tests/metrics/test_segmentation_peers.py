"""Figures that MedPy 0.5.2 and MONAI 1.6.1 gave for masks made from a seed.

Run with torch 2.13.0 (CPU), SciPy 1.17.1 and NumPy 2.4.6, they gave them by::

    from medpy.metric import binary
    reference, prediction, spacing_mm = made_masks(seed)
    a, b = reference == label, prediction == label
    binary.dc(b, a), binary.jc(b, a), binary.hd(b, a, spacing_mm), binary.hd95(b, a, spacing_mm)
    binary.asd(b, a, spacing_mm), binary.assd(b, a, spacing_mm)
    # of one-hot tensors (1, 1, ...), include_background=True
    compute_hausdorff_distance(b, a, percentile=95, spacing=spacing_mm)
    compute_surface_dice(b, a, [1.5], spacing=spacing_mm)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from medmnist_np.metrics import average_surface_distance, dice, hausdorff, iou, surface_dice, surface_distances
from tests.metrics.made_masks import made_masks


class Figures(NamedTuple):
    seed: int
    label: int
    dice: float
    iou: float
    hausdorff: float
    pooled_95: float
    from_prediction: float
    average: float
    hausdorff_95: float  # MONAI, in float32
    surface_dice: float  # MONAI, in float32


FIGURES = [
    Figures(0, 1, 0.488372093, 0.3230769231, 6.75, 5.3881428099, 2.8901325998, 2.9554360344, 5.308034, 0.263158),
    Figures(0, 2, 0.8, 0.6666666667, 3.3634060118, 3.3634060118, 2.1167117294, 2.1167117294, 3.363406, 0.35),
    Figures(1, 1, 0.7992766727, 0.6656626506, 3.9131189606, 2.5, 0.8633634071, 0.8602048382, 2.5, 0.831897),
    Figures(1, 2, 0.8244473342, 0.7013274336, 3.9131189606, 2.0, 0.7064565887, 0.7074784194, 2.0, 0.908257),
    Figures(2, 1, 0.6944444444, 0.5319148936, 2.25, 2.25, 1.2958447393, 1.2879113579, 2.25, 0.678571),
    Figures(2, 2, 0.6850828729, 0.5210084034, 3.0923292192, 3.0923292192, 1.860764096, 1.8558330069, 3.092329, 0.40625),
    Figures(
        3, 1, 0.4083333333, 0.2565445026, 7.5705019649, 5.0621141828, 2.7153996029, 2.6158862209, 5.350234, 0.273543
    ),
    Figures(3, 2, 0.8576122673, 0.7507190796, 2.0, 2.0, 0.5989137023, 0.6386697249, 2.0, 0.854795),
    Figures(4, 1, 0.4285714286, 0.2727272727, 8.3216584885, 6.75, 3.4535884908, 3.2331982785, 6.8875, 0.233333),
    Figures(
        4, 2, 0.6164383562, 0.4455445545, 8.3216584885, 8.3216584885, 4.1465604388, 4.1465604388, 7.98253, 0.142857
    ),
    Figures(
        5, 1, 0.5395683453, 0.3694581281, 7.6321687612, 6.8282455469, 3.5265776997, 3.5265776997, 6.826416, 0.181818
    ),
    Figures(
        5, 2, 0.4371584699, 0.2797202797, 12.5149910108, 11.1018016556, 5.5513349144, 5.5127845318, 11.101802, 0.08377
    ),
]


@pytest.mark.parametrize("peer", FIGURES, ids=lambda peer: f"{peer.seed}-{peer.label}")
def test_metrics_are_those_of_medpy_and_monai(peer: Figures) -> None:
    reference, prediction, spacing_mm = made_masks(peer.seed)
    masks, scale = (reference == peer.label, prediction == peer.label), {"spacing_mm": spacing_mm}
    (distances,) = surface_distances(*masks, **scale)

    assert [peer.dice, peer.iou, peer.hausdorff, peer.pooled_95, peer.from_prediction, peer.average] == pytest.approx(
        [
            dice(*masks)[0],
            iou(*masks)[0],
            hausdorff(*masks, **scale)[0],
            np.percentile(np.append(distances.from_reference, distances.from_prediction), 95),
            average_surface_distance(*masks, **scale, direction="from_prediction")[0],
            average_surface_distance(*masks, **scale)[0],
        ],
        abs=1e-9,
    )
    assert [peer.hausdorff_95, peer.surface_dice] == pytest.approx(
        [hausdorff(*masks, **scale, percentile=95)[0], surface_dice(*masks, **scale, tolerance_mm=1.5)[0]], abs=2e-6
    )
