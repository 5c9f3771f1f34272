"""The pages on frameworks: their code blocks are marked `py`, as they cannot run where no framework is installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = [pytest.mark.framework, pytest.mark.usefixtures("fakes")]

PAGES = Path(__file__).parents[2] / "docs" / "interop"
NEEDS = {
    "dask": ("distributed", "Dask"),
    "grain": ("grain", "Grain"),
    "huggingface": ("datasets", "Hugging Face datasets"),
    "jax": ("jax", "JAX"),
    "keras": ("keras", "Keras and a backend"),
    "pandas": ("pandas", "pandas"),
    "pytorch": ("torch", "PyTorch"),
    "scikit-learn": ("sklearn", "scikit-learn"),
    "tensorflow": ("tensorflow", "TensorFlow"),
}


def test_every_page_is_run() -> None:
    assert sorted([*NEEDS, "dlpack", "index"]) == sorted(page.stem for page in PAGES.glob("*.md"))


@pytest.mark.parametrize("page", NEEDS)
def test_code_of_a_page_runs(page: str, tmp_path: Path, monkeypatch) -> None:
    module, name = NEEDS[page]
    pytest.importorskip(module, reason=f"needs {name}: pip install 'medmnist-np[interop]'")
    monkeypatch.chdir(tmp_path)
    text = (PAGES / f"{page}.md").read_text("utf-8")
    code = "\n".join(re.findall(r"^```py\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    exec(compile(code, f"{page}.md", "exec"), {"__name__": "page"})  # noqa: S102
