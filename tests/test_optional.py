"""What is said where a framework is not installed."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import medmnist_np as mm
from medmnist_np import interop
from medmnist_np._optional import framework

pytestmark = pytest.mark.usefixtures("fakes")

FRAMEWORKS = {
    "to_dask": ("dask", "Dask"),
    "to_huggingface": ("datasets", "Hugging Face datasets"),
    "to_jax": ("jax", "JAX"),
    "to_keras": ("keras", "Keras"),
    "to_pandas": ("pandas", "pandas"),
    "to_tensorflow": ("tensorflow", "TensorFlow"),
    "to_torch": ("torch", "PyTorch"),
    "to_torch_iterable": ("torch", "PyTorch"),
}
WITHOUT = {"to_grain", "to_sklearn"}


def test_every_adapter_is_listed_here() -> None:
    assert sorted(interop.__all__) == sorted([*FRAMEWORKS, *WITHOUT])


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_framework_that_is_not_installed_is_named_with_its_extra(name: str, monkeypatch) -> None:
    module, spoken = FRAMEWORKS[name]
    for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setattr(sys, "meta_path", [Absent(module), *sys.meta_path])
    adapter: Callable[..., Any] = getattr(interop, name)
    batch_size = (4,) if "batch_size" in inspect.signature(adapter).parameters else ()
    with pytest.raises(ModuleNotFoundError, match=rf"needs {spoken}, .*pip install 'medmnist-np\[interop\]'") as caught:
        adapter(mm.Dataset("breastmnist"), *batch_size)
    assert module == caught.value.name


def test_a_framework_that_is_broken_fails_with_its_own_error(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "broken_framework.py").write_text("import of_which_it_depends")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="of_which_it_depends"):
        framework("broken_framework", "Broken")


def test_importing_the_adapters_imports_no_framework() -> None:
    modules = sorted({module for module, _ in FRAMEWORKS.values()} | {"grain", "sklearn"})
    code = f"import sys, medmnist_np.interop; print([name for name in {modules} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"


class Absent:
    """An import finder to which one module does not exist."""

    def __init__(self, module: str) -> None:
        self.module = module

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == self.module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
