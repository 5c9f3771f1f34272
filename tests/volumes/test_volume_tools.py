"""The page on MONAI, torchio and nnU-Net: its code runs where the library is installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from medmnist_np.testing import fake_datasets

pytestmark = pytest.mark.framework

PAGE = Path(__file__).parents[2] / "docs" / "volume_tools.md"
LIBRARIES = {"MONAI": "monai", "torchio": "torchio", "nnU-Net": "nnunetv2"}


def code(text: str) -> str:
    return "\n".join(re.findall(r"^```py(?:thon)?\n(.*?)^```", text, re.DOTALL | re.MULTILINE))


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_code_for_a_library_runs(library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(LIBRARIES[library], reason=f"needs {library}")
    monkeypatch.chdir(tmp_path)
    for variable in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        monkeypatch.setenv(variable, "nnunet")  # what the page sets ends with the test
    start, *sections = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    section = next(one for one in sections if one.startswith(f"{library}\n"))
    with fake_datasets(tmp_path / "sets", "msd/hippocampus"):
        exec(compile(code(start + section), PAGE.name, "exec"), {"__name__": "__main__"})  # noqa: S102
