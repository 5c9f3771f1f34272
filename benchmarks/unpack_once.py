"""Unpack one archive one way and print the seconds: ``python -m benchmarks.unpack_once WAY ARCHIVE FOLDER NAME [N]``.

WAY is ``zipfile`` (the standard library alone), ``zlib`` or ``isal`` (this package, without and with the optional
inflater), or ``nothing`` (only what importing NumPy takes). NAME is the record; N replaces its number of training
samples, and the other splits then have one.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from time import perf_counter


def by_zipfile(archive: str, folder: str) -> float:
    import shutil
    import zipfile
    from pathlib import Path

    start = perf_counter()
    with zipfile.ZipFile(archive) as members:
        for name in members.namelist():
            with members.open(name) as source, Path(folder, name).open("xb") as target:
                shutil.copyfileobj(source, target)
                target.flush()
                os.fsync(target.fileno())
    return perf_counter() - start


def by_this_package(archive: str, folder: str, name: str, n_train: str | None) -> float:
    from dataclasses import replace
    from pathlib import Path

    from medmnist_np.cache import npz
    from medmnist_np.registry import resolve_size

    record, size = resolve_size(name)
    if n_train is not None:
        record = replace(record, n_samples={"train": int(n_train), "val": 1, "test": 1})
    start = perf_counter()
    with Path(archive).open("rb") as stream:
        npz.unpack(stream, record.archive(size), Path(folder))
    return perf_counter() - start


def main(way: str, archive: str, folder: str, name: str, n_train: str | None = None) -> None:
    if way == "nothing":
        import_module("numpy")
        seconds = 0.0
    elif way == "zipfile":
        seconds = by_zipfile(archive, folder)
    else:
        if way == "zlib":
            sys.modules["isal"] = None  # type: ignore[assignment]  # importing it then fails, as where it is missing
        else:
            import_module("isal")  # fails where it is missing
        seconds = by_this_package(archive, folder, name, n_train)
    print(seconds)


if __name__ == "__main__":
    main(*sys.argv[1:])
