from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from weakref import ref

import numpy as np
import pytest
from numpy.typing import NDArray

from medmnist_np.metrics import (
    SEGMENTATION_METRICS,
    average_surface_distance,
    dice,
    hausdorff,
    iou,
    segmentation_table,
    surface_dice,
)
from tests.metrics.made_masks import Labels, made_masks

SPACE = (1, 3, 5, 7)  # seeds of volumes


def made() -> tuple[list[Labels], list[Labels], NDArray[np.float64]]:
    references, predictions, spacings = zip(*map(made_masks, SPACE), strict=True)
    return list(references), list(predictions), np.array(spacings)


def test_a_table_holds_what_the_functions_give() -> None:
    references, predictions, spacings = made()
    tolerance_mm = [1, 2]
    table = segmentation_table(references, predictions, spacing_mm=spacings, labels=[1, 2], tolerance_mm=tolerance_mm)

    assert table.cases == ("0", "1", "2", "3")
    assert table.labels == ("1", "2")
    assert table.metrics == SEGMENTATION_METRICS
    for number, (a, b, spacing_mm) in enumerate(zip(references, predictions, spacings, strict=True)):
        scale = {"labels": [1, 2], "spacing_mm": spacing_mm}
        expected = [
            dice(a, b, labels=[1, 2]),
            iou(a, b, labels=[1, 2]),
            hausdorff(a, b, **scale),
            hausdorff(a, b, **scale, percentile=95),
            average_surface_distance(a, b, **scale),
            surface_dice(a, b, **scale, tolerance_mm=tolerance_mm),
        ]
        np.testing.assert_array_equal(np.transpose(expected), table.values[number])


def test_without_a_tolerance_there_is_no_surface_dice() -> None:
    references, predictions, spacings = made()
    assert segmentation_table(references, predictions, spacing_mm=spacings).metrics == SEGMENTATION_METRICS[:-1]
    with pytest.raises(ValueError, match='"surface_dice" needs tolerance_mm'):
        segmentation_table(references, predictions, spacing_mm=spacings, metrics=["surface_dice"])


def test_the_table_has_the_requested_metrics_in_their_order() -> None:
    references, predictions, _ = made()
    both = segmentation_table(references, predictions, spacing_mm=1, metrics=["iou", "dice"])
    alone = segmentation_table(references, predictions, spacing_mm=1, metrics=["dice"], cases="abcd")

    assert both.metrics == ("iou", "dice")
    assert alone.cases == ("a", "b", "c", "d")
    np.testing.assert_array_equal(both["dice"], alone["dice"])


def processes() -> Executor:
    return ProcessPoolExecutor(2, mp_context=get_context("spawn"))


@pytest.mark.parametrize("pool", [partial(ThreadPoolExecutor, 2), processes], ids=["threads", "processes"])
def test_an_executor_gives_the_same_table(pool: partial[Executor], tmp_path: Path) -> None:
    references, predictions, spacings = made()
    expected = segmentation_table(references, predictions, spacing_mm=spacings, labels=[1, 2])
    paths = [tmp_path / f"{number}.npy" for number in range(len(predictions))]
    for path, mask in zip(paths, predictions, strict=True):
        np.save(path, mask)

    with pool() as executor:
        for masks in (predictions, [partial(np.load, path) for path in paths]):
            found = segmentation_table(references, masks, spacing_mm=spacings, labels=[1, 2], executor=executor)
            np.testing.assert_array_equal(expected.values, found.values)


@pytest.mark.parametrize("executor", [None, "threads"])
def test_no_more_than_one_case_is_held_while_the_next_is_read(executor: str | None) -> None:
    alive: list[ref[Labels]] = []
    most = 0

    def masks() -> Iterator[Labels]:
        nonlocal most
        for number in range(12):
            most = max(most, sum(one() is not None for one in alive))
            mask = np.zeros((12, 12), dtype=np.int64)
            mask[3:9, 3 : 5 + number % 4] = 1
            alive.append(ref(mask))
            yield mask
            del mask

    if executor is None:
        segmentation_table(masks(), masks(), spacing_mm=1)
    else:
        with ThreadPoolExecutor(1) as pool:
            segmentation_table(masks(), masks(), spacing_mm=1, executor=pool)
    assert most <= 1  # the reference, while its prediction is read


def test_progress_is_shown_in_bytes() -> None:
    updates: list[int] = []

    class Bar:
        total: int | None = None

        def update(self, n_bytes: int, /) -> None:
            updates.append(n_bytes)

    @contextmanager
    def progress(task: str, total: int | None, done: int = 0) -> Iterator[Bar]:
        assert task == "measuring masks"
        assert total is None
        assert done == 0
        yield Bar()

    mask = np.ones((4, 4), dtype=np.uint8)
    segmentation_table([mask, mask], [mask, mask], spacing_mm=1, progress=progress)
    assert updates == [32, 32]


def test_empty_masks_have_the_chosen_value() -> None:
    full, empty = np.ones((3, 4)), np.zeros((3, 4))
    plain = segmentation_table([full, empty], [empty, empty], spacing_mm=1, tolerance_mm=1)
    chosen = segmentation_table(
        [full, empty], [empty, empty], spacing_mm=1, tolerance_mm=1, both_empty="perfect", one_empty="diagonal"
    )
    np.testing.assert_array_equal([[0, 0, math.inf, math.inf, math.inf, 0], [math.nan] * 6], plain.values[:, 0])
    np.testing.assert_array_equal([[0, 0, 5, 5, 5, 0], [1, 1, 0, 0, 0, 1]], chosen.values[:, 0])


MASK = np.ones((3, 4), dtype=np.uint8)


def test_the_message_names_an_invalid_case() -> None:
    with pytest.raises(ValueError, match=r"Case liver_7: The reference has shape"):
        segmentation_table([MASK, MASK], [MASK, MASK.T], spacing_mm=1, cases=["liver_3", "liver_7"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"references": [MASK]}, "references ended after 1 cases, but there are more predictions"),
        ({"predictions": []}, "predictions ended after 0 cases, but there are more references"),
        ({"spacing_mm": [[1, 1]]}, "spacing_mm ended after 1 cases, but there are more references and predictions"),
        ({"cases": ["a", "b", "c"]}, "references and predictions ended after 2 cases, but there are more cases"),
        ({"references": [], "predictions": []}, "are empty"),
        ({"metrics": ["hausdorf"]}, r"Unknown segmentation metric 'hausdorf'\. Did you mean 'hausdorff"),
        ({"metrics": []}, "at least one metric, and each only once"),
        ({"metrics": ["dice", "dice"]}, "at least one metric, and each only once"),
        ({"tolerance_mm": -1}, "tolerance_mm is -1"),
        ({"both_empty": "one"}, "Unknown value of both_empty: 'one'"),
        ({"references": np.stack([MASK] * 2), "spacing_mm": (1, 1, 3)}, r"Pass a single volume as a list: \[volume\]"),
    ],
)
def test_invalid_input_is_refused(given: dict[str, object], message: str) -> None:
    fitting = {"references": [MASK, MASK], "predictions": [MASK, MASK], "spacing_mm": 1}
    with pytest.raises(ValueError, match=message):
        segmentation_table(**{**fitting, **given})  # type: ignore[arg-type]
