"""An introduction to each MedMNIST set, from one template: executed, shown as a page, and offered as a notebook.

It runs on the official archive if the folder in MEDMNIST_NP_TEST_DATA has it, and otherwise on made-up images in the
shape of the set. The page states which.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docs._ext import data_sets
from docs._ext.cells import Executed, execute
from docs._ext.written import Pages
from medmnist_np.data.arrays import adopt
from medmnist_np.registry import DatasetInfo
from medmnist_np.testing import fake_datasets

_TEMPLATE = (Path(__file__).parent / "notebook.md").read_text("utf-8")
_REAL = """\
The outputs below are from the official archive, `{file_name}`: {n_samples:,} samples, with a verified checksum. If you
run it yourself, you get the same, apart from rounding."""
_MADE_UP = """\
**The outputs below are from made-up images.** The official archive was not available when this page was built, so
{n_samples} images of stripes in the shape of {python_class} replace it. The pictures and numbers say nothing
about the real set. If you run it yourself, you get the real images."""
_INDEX = """\
# Introductions

One notebook for each MedMNIST set: its images, its labels, a first model. Each states whether it was run
on the official archive or on made-up images.

| set | contents | notebook |
| --- | --- | --- |
{rows}

```{{toctree}}
:hidden:

{names}
```
"""


def records() -> list[DatasetInfo]:
    """Return the sets that have an introduction."""
    return [record for record in data_sets.records() if data_sets.has_notebook(record)]


def write(pages: Pages) -> None:
    """Write page and notebook of each set."""
    for record in records():
        executed = run(record)
        address = f"/_generated/notebooks/pictures/{record.name}"
        pages.write(f"notebooks/{record.name}.md", executed.markdown(pages.folder / "notebooks/pictures", address))
        pages.write(f"notebooks/{record.name}.ipynb", executed.notebook())
    pages.write("notebooks/index.md", _index())


def run(record: DatasetInfo) -> Executed:
    """Run the introduction to a set, on the official archive if that is available."""
    real = real_archive(record)
    with tempfile.TemporaryDirectory() as folder:
        if real is not None:
            with _cache_of(real, Path(folder)):
                return execute(text(record), Path(folder))
        with fake_datasets(folder, record.name) as (made_up,):
            return execute(text(record, made_up), Path(folder))


def real_archive(record: DatasetInfo) -> Path | None:
    """Return the path of the official archive, or None if it is not available."""
    folder = os.environ.get("MEDMNIST_NP_TEST_DATA")
    path = Path(folder or "") / "medmnist" / record.archive(28).file_name
    return path if folder and path.is_file() else None


def text(record: DatasetInfo, made_up: DatasetInfo | None = None) -> str:
    """Return the introduction in Markdown, with a notice about its data: the official archive, or made-up images."""
    n_samples = sum((made_up or record).n_samples.values())
    notice = (_MADE_UP if made_up else _REAL).format(
        file_name=record.archive(28).file_name, python_class=record.python_class, n_samples=n_samples
    )
    return _TEMPLATE.format(
        python_class=record.python_class,
        name=record.name,
        description=record.description,
        notice=notice,
        labels=_labels(record),
        view=', view="middle"' if record.ndim == 3 else "",
        of_volumes=" For each volume, the middle slice is shown." if record.ndim == 3 else "",
        target=_target(record),
        notes=_notes(record),
    )


def _notes(record: DatasetInfo) -> str:
    if not record.notes:
        return ""
    return "\n".join(("Common pitfalls:", "", *(f"- {note}" for note in record.notes)))


def _labels(record: DatasetInfo) -> str:
    if record.multi_label:
        return (
            f"A label is a row of {record.n_classes} zeros and ones, one for each finding. Several can be 1, or none: "
            "it is not a class number, and the counts below are of images with that finding."
        )
    if record.task == "ordinal-regression":
        return (
            "A label is one number, and the numbers have an order: predicting 0 instead of 4 is worse than "
            "predicting 3 instead of 4."
        )
    return "A label is a class number."


def _target(record: DatasetInfo) -> str:
    return "known.labels" if record.multi_label else "known.labels == np.arange(train.info.n_classes)"


@contextmanager
def _cache_of(archive: Path, folder: Path) -> Iterator[None]:
    """Use a cache with only this archive inside a ``with`` block."""
    (folder / "cache").mkdir()
    adopt(archive, root=folder / "cache")
    before = os.environ.get("MEDMNIST_NP_CACHE")
    os.environ["MEDMNIST_NP_CACHE"] = str(folder / "cache")
    try:
        yield
    finally:
        if before is None:
            del os.environ["MEDMNIST_NP_CACHE"]
        else:
            os.environ["MEDMNIST_NP_CACHE"] = before


def _index() -> str:
    rows = [
        f"| [{record.python_class}]({record.name}.md) | {record.description} | "
        f"{{download}}`{record.name}.ipynb </_generated/notebooks/{record.name}.ipynb>` |"
        for record in records()
    ]
    return _INDEX.format(rows="\n".join(rows), names="\n".join(record.name for record in records()))
