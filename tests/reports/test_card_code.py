"""The lines that a card shows are Python, run under the real frameworks, and do what their comments say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import medmnist_np as mm
from medmnist_np import registry
from medmnist_np.registry import DatasetInfo
from medmnist_np.reports.card_code import scoring, snippets
from medmnist_np.testing import fake_datasets

FRAMEWORKS = {
    "NumPy": "numpy",
    "scikit-learn": "numpy",  # its adapter gives arrays
    "PyTorch": "torch",
    "TensorFlow": "tensorflow",
    "JAX": "jax",
    "Keras": "keras",
}
NAMES = ("breastmnist", "chestmnist", "retinamnist", "adrenalmnist3d")


@pytest.fixture
def fakes(tmp_path: Path) -> Iterator[None]:
    with fake_datasets(tmp_path, *NAMES, n_samples={"train": 256, "test": 4}):
        yield


def test_there_are_six_frameworks() -> None:
    assert list(FRAMEWORKS) == list(snippets(registry.info("breastmnist"), 28, 28))


@pytest.mark.parametrize("record", registry.datasets(), ids=lambda record: record.name)
def test_code_for_every_record_and_size_compiles_and_fits_the_page(record: DatasetInfo) -> None:
    for size in record.sizes:
        for framework, lines in snippets(record, size, 28).items():
            compile(lines, framework, "exec")
            assert max(map(len, lines.splitlines())) <= 92
            assert (f"size={size}" in lines) == (size != 28)


@pytest.mark.framework
@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_code_runs_and_its_comments_are_true(framework: str, name: str) -> None:
    pytest.importorskip(FRAMEWORKS[framework], reason=f"needs {framework}: pip install 'medmnist-np[interop]'")
    lines = snippets(registry.info(name), 28, 28)[framework]
    found: dict[str, Any] = {}
    exec(compile(lines, framework, "exec"), found)  # noqa: S102
    if framework == "JAX":
        arrays = list(found["batch"][:2])
    elif framework == "scikit-learn":
        arrays = [found["y"]]
        assert str(found["X"].dtype) == "float32"
        assert len(found["X"]) == 256
    else:
        arrays = [found["images"], found["labels"]]
    comments = " ".join(line.partition("#")[2] for line in lines.splitlines())
    for array in arrays:
        assert str(tuple(array.shape)) in comments


# Segmentation sets

MASKS = ("medsegbench/kvasir", "medsegbench/abdomenus")


@pytest.mark.parametrize("record", registry.datasets(collection="medsegbench"), ids=lambda record: record.name)
def test_code_for_segmentation_sets_compiles_and_fits_the_page(record: DatasetInfo) -> None:
    for framework, lines in {**snippets(record, 128, 512), "scoring": scoring(record, 128, 512)}.items():
        compile(lines, framework, "exec")
        assert max(map(len, lines.splitlines())) <= 100
        assert f'"{record.qualified_name}", split=' in lines


@pytest.mark.framework
@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("framework", [name for name in FRAMEWORKS if name != "scikit-learn"])
def test_the_code_for_masks_runs_and_its_comments_are_true(framework: str, name: str, tmp_path: Path) -> None:
    pytest.importorskip(FRAMEWORKS[framework], reason=f"needs {framework}: pip install 'medmnist-np[interop]'")
    with fake_datasets(tmp_path, f"{name}_128", n_samples={"train": 32, "test": 4}):
        lines = snippets(registry.info(name), 128, 512)[framework]
        found: dict[str, Any] = {}
        exec(compile(lines, framework, "exec"), found)  # noqa: S102
    arrays = list(found["batch"][:2]) if framework == "JAX" else [found["images"], found["masks"]]
    comments = " ".join(line.partition("#")[2] for line in lines.splitlines())
    for array in arrays:
        assert str(tuple(array.shape)) in comments
    assert "uint8" in str(arrays[1].dtype)


def test_the_code_that_scores_masks_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with fake_datasets(tmp_path, "medsegbench/abdomenus_128", n_samples={"train": 2, "test": 4}):
        record = registry.info("medsegbench/abdomenus")
        predicted = mm.load(record, "test", size=128).masks
        exec(compile(scoring(record, 128, 512), "scoring", "exec"), {"predicted": predicted})  # noqa: S102
    assert "liver" in capsys.readouterr().out
