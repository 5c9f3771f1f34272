"""The examples that need a framework: on the official archives where these are at hand, else on made-up ones."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from medmnist_np.data.arrays import adopt
from medmnist_np.testing import fake_datasets
from tests.conftest import TEST_DATA

pytestmark = pytest.mark.framework

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("retinamnist", "adrenalmnist3d")
NEEDS = {
    "dask_classifier": ("distributed", "Dask"),
    "grain_classifier": ("grain", "Grain"),
    "jax_classifier": ("jax", "JAX"),
    "keras_classifier": ("keras", "Keras and a backend"),
    "pytorch_classifier": ("torch", "PyTorch"),
    "scikit_learn_classifier": ("sklearn", "scikit-learn"),
    "tensorflow_classifier": ("tensorflow", "TensorFlow"),
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder that holds both sets."""
    folder = tmp_path_factory.mktemp("examples")
    if TEST_DATA:
        (folder / "cache").mkdir()
        for name in NAMES:
            (folder / "cache").mkdir(exist_ok=True)
            adopt(Path(TEST_DATA) / "medmnist" / f"{name}.npz", root=folder / "cache")
        yield folder / "cache"
    else:
        with fake_datasets(folder, *NAMES, n_samples={"train": 800, "test": 100}):
            yield folder / "cache"


@pytest.mark.parametrize("example", NEEDS)
def test_an_example_learns(example: str, cache: Path, monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    module, name = NEEDS[example]
    pytest.importorskip(module, reason=f"needs {name}: pip install 'medmnist-np[interop]'")
    monkeypatch.setenv("MEDMNIST_NP_CACHE", str(cache))
    runpy.run_path(str(EXAMPLES / f"{example}.py"), run_name="__main__")
    printed = re.findall(r"^(\w+).*: .*AUC ([01]\.\d{3}), ACC [01]\.\d{3}$", capsys.readouterr().out, re.MULTILINE)
    assert list(NAMES) == [name for name, _ in printed]
    assert min(float(auc) for _, auc in printed) > 0.6
