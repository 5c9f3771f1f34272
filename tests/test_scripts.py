"""The scripts that are run by hand, by make or at night."""

from __future__ import annotations

import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from medmnist_np.testing import serve

ROOT = Path(__file__).parents[1]


def script(name: str) -> ModuleType:
    spec = spec_from_file_location(f"scripts_{name}", ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(sys.modules, spec.name, module)  # dataclasses look there for theirs
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_requirement_has_a_lowest_release(project: dict[str, object]) -> None:
    lines = script("lowest").constraints(project, ["test", "interop"])
    assert len(set(lines)) == len(lines)
    assert {"numpy==1.26", "click==8.2", "dask==2024.8"} <= set(lines)


def test_an_extra_that_there_is_not_is_refused(project: dict[str, object]) -> None:
    with pytest.raises(SystemExit, match="There is no extra nonsense"):
        script("lowest").constraints(project, ["nonsense"])


def test_a_requirement_without_a_lower_bound_is_refused() -> None:
    with pytest.raises(SystemExit, match="'numpy<3' has no lower bound"):
        script("lowest").constraints({"dependencies": ["numpy<3"], "optional-dependencies": {}}, [])


def test_the_tests_with_the_lowest_releases_are_there() -> None:
    lowest = script("lowest")
    missing = [test for test in lowest.TESTS if not (ROOT / "tests" / test).exists()]
    for test in lowest.LEFT_OUT:
        file, _, name = test.partition("::")
        if f"def {name}(" not in (ROOT / "tests" / file).read_text(encoding="utf-8"):
            missing.append(test)
    assert missing == []


def test_the_nightly_run_asks_every_published_address_once() -> None:
    wanted = list(script("nightly").wanted(None))
    assert len(wanted) == len({one.url for one in wanted})
    assert sum(1 for one in script("nightly").wanted("medmnist")) == 60


def test_the_nightly_run_finds_files_that_are_missing_or_of_another_size(tmp_path: Path) -> None:
    nightly = script("nightly")
    (tmp_path / "x.npz").write_bytes(b"x" * 100)
    with serve(tmp_path) as url:
        right = nightly.fault(nightly.Wanted("x", f"{url}/x.npz", 100), tmp_path)
        longer = nightly.fault(nightly.Wanted("x", f"{url}/x.npz?", 99), tmp_path)
        missing = nightly.fault(nightly.Wanted("y", f"{url}/y.npz", 100), tmp_path)
    assert right == ""
    assert longer == "it has 100 bytes, and the registry says 99"
    assert "404" in missing
