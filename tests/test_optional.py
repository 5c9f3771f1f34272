"""Messages about optional dependencies that are not installed."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import medmnist_np as mm
from medmnist_np import interop
from medmnist_np._optional import OPTIONAL, require
from medmnist_np.testing import fake_datasets

# Adapter -> the framework that it imports.
FRAMEWORKS = {
    "to_dask": "dask",
    "to_huggingface": "datasets",
    "to_jax": "jax",
    "to_keras": "keras",
    "to_pandas": "pandas",
    "to_tensorflow": "tensorflow",
    "to_torch": "torch",
    "to_torch_iterable": "torch",
}
WITHOUT = {"huggingface_card", "to_grain", "to_sklearn"}


def test_every_adapter_is_listed_here() -> None:
    assert sorted(interop.__all__) == sorted([*FRAMEWORKS, *WITHOUT])


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a package look as if it were not installed."""

    def remove(package: str) -> None:
        for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == package]:
            monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setattr(sys, "meta_path", [Absent(package), *sys.meta_path])

    return remove


@pytest.mark.parametrize("package", OPTIONAL)
def test_an_absent_package_is_named_with_the_command_that_installs_it(
    package: str, absent: Callable[[str], None]
) -> None:
    name, extra, purpose = OPTIONAL[package]
    absent(package)
    with pytest.raises(ModuleNotFoundError) as caught:
        require(package)
    assert str(caught.value).startswith(f"{purpose} {name}, which is not installed: pip install 'medmnist-np[{extra}]'")
    assert package == caught.value.name


@pytest.mark.parametrize("package", OPTIONAL)
def test_the_extra_installs_the_package(package: str) -> None:
    extra = re.compile(rf"{package}\b.*extra == .{OPTIONAL[package][1]}\b", re.IGNORECASE)
    assert any(map(extra.match, metadata.requires("medmnist-np") or []))


@pytest.mark.parametrize("adapter", FRAMEWORKS)
def test_an_adapter_names_the_framework_that_it_needs(
    adapter: str, absent: Callable[[str], None], tmp_path: Path
) -> None:
    absent(FRAMEWORKS[adapter])
    function: Callable[..., Any] = getattr(interop, adapter)
    batch_size = (4,) if "batch_size" in inspect.signature(function).parameters else ()
    message = rf"or pip install {FRAMEWORKS[adapter]} alone\.$"
    with fake_datasets(tmp_path, "breastmnist"), pytest.raises(ModuleNotFoundError, match=message):
        function(mm.Dataset("breastmnist"), *batch_size)


def test_a_module_of_an_absent_package_is_reported_as_the_package(absent: Callable[[str], None]) -> None:
    absent("dask")
    with pytest.raises(ModuleNotFoundError, match=r"^This function needs Dask, which is not installed"):
        require("dask.array")


def test_a_package_that_is_broken_fails_with_its_own_error(tmp_path: Path, monkeypatch, absent) -> None:
    absent("torch")
    monkeypatch.setattr(sys, "meta_path", sys.meta_path[1:])
    (tmp_path / "torch.py").write_text("import of_which_it_depends")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'of_which_it_depends'"):
        require("torch")


def test_importing_the_adapters_imports_no_framework() -> None:
    modules = sorted(set(FRAMEWORKS.values()) | {"grain", "sklearn"})
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
