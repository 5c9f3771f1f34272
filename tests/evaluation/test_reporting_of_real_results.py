"""Pages about files that other people wrote with the official evaluator."""

from __future__ import annotations

from pathlib import Path

import pytest

import medmnist_np as mm
from medmnist_np.evaluation import Evaluator
from medmnist_np.reports.evaluation_page import cached_images, report
from tests.reports.reading import read


@pytest.mark.parametrize("name", ["breastmnist", "retinamnist", "adrenalmnist3d"])
def test_pages_about_real_results_have_the_values_of_their_file_names(
    name: str, real_archives: Path, real_root: Path
) -> None:
    files = sorted((real_archives.parent / "results" / name).glob("*/*_test_*.csv"))
    if not files:
        pytest.skip("MEDMNIST_NP_TEST_DATA has no results")
    for file in files:
        before = file.read_bytes()
        result = Evaluator.parse_and_evaluate(file, root=real_root)
        page = read(report(result, cached_images(result, root=real_root), file=file))
        assert [f"[AUC]{page.facts['AUC'][:5]}_[ACC]{page.facts['ACC'][:5]}"] == [
            file.name.partition("_test_")[2].partition("@")[0]
        ]
        assert len(page.all("img", "src")) == 12
        assert file.name == page.facts["File"]
        assert before == file.read_bytes()


def test_images_of_the_size_of_the_scores_are_used_if_available(real_archives: Path, tmp_path: Path) -> None:
    # A root of its own: other tests unpack both sizes into the shared one.
    for archive in real_archives.glob("adrenalmnist3d*.npz"):
        (tmp_path / archive.name).symlink_to(archive)
    evaluator = Evaluator("adrenalmnist3d", "test", size=64, root=tmp_path)
    result = evaluator.evaluate(evaluator.get_dummy_prediction())
    for size in (28, 64):
        expected = mm.load("adrenalmnist3d", "test", size=size, root=tmp_path).images
        images = cached_images(result, root=tmp_path)
        assert images is not None
        assert expected.shape == images.shape
        assert expected[7, 30 % size].tolist() == images[7, 30 % size].tolist()
