"""Runs programs that import ``medmnist``, with the official package or with ours, and writes down what they do.

    python -m tests.compat.worker PACKAGE ARCHIVES FOLDER PROGRAM...

PACKAGE is ``official``; ``installed``, where ours takes the name ``medmnist``; or ``changed``, where only the import in
the program is changed. ARCHIVES has the archives of the official names. In FOLDER, a home and a folder for each program
are made. For each program, one line of JSON is written to ``FOLDER/results.jsonl``: what it printed, what its variables
hold at the end, which files it wrote, which warnings it gave, and how it failed, if it did.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import random
import re
import runpy
import sys
import traceback
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tests import audit
from tests.compat import made
from tests.compat.description import describe, describe_file

STUBS = Path(__file__).with_name("stubs")

# Where they come from and how often they are given depends on the packages beneath.
UNCOUNTED = (ResourceWarning, DeprecationWarning, PendingDeprecationWarning, FutureWarning)


def main() -> None:
    package, archives, folder, *programs = sys.argv[1:]
    audit.install()
    home = Path(folder).resolve() / "home"
    made.furnish(home, Path(archives))
    os.environ.update(
        HOME=str(home),
        USERPROFILE=str(home),
        MPLBACKEND="Agg",
        MEDMNIST_NP_CACHE=str(home / "cache"),
        NO_PROXY="127.0.0.1",
    )
    if any("import lightning" in Path(program).read_text(encoding="utf-8") for program in programs):
        import lightning  # noqa: F401  # TorchMetrics would take the stub for all of torchvision
    sys.path.insert(0, str(STUBS))
    with genuine(Path(archives)) as records:
        module = import_medmnist(package)
        describe_archives(module.INFO, records)
        with (home.parent / "results.jsonl").open("w", encoding="utf-8") as results:
            for program in map(Path, programs):
                info = copy.deepcopy(module.INFO)
                audit.breaches.clear()
                result = run(program, package, home)
                result["breaches"] = list(audit.breaches)
                module.INFO.clear()
                module.INFO.update(info)
                results.write(json.dumps({"program": program.stem, **result}) + "\n")
                results.flush()


@contextlib.contextmanager
def genuine(archives: Path) -> Any:
    """Serve the archives, and have our registry take them for the published ones."""
    from medmnist_np.registry import registered
    from medmnist_np.testing import serve

    with serve(archives) as base_url:
        os.environ["MEDMNIST_NP_MIRRORS"] = base_url
        records = list(made.records(archives, base_url))
        with registered(*records):
            yield records


def import_medmnist(package: str) -> ModuleType:
    if package == "official":
        import medmnist

        return medmnist
    import medmnist_np.compat

    if package == "installed":
        medmnist_np.compat.install()
    return medmnist_np.compat


def describe_archives(info: dict[str, dict[str, Any]], records: list[Any]) -> None:
    """Write into INFO what is true of these archives."""
    for record in records:
        entry = info[record.name]
        entry["n_samples"] = dict(record.n_samples)
        for size, archive in record.archives.items():
            suffix = "" if size == 28 else f"_{size}"
            entry[f"url{suffix}"] = archive.url
            entry[f"MD5{suffix}"] = archive.digest.removeprefix("md5:")


def changed(source: str) -> str:
    """Change the import, as a user does by hand."""
    source = re.sub(r"\bimport medmnist$", "import medmnist_np.compat as medmnist", source, flags=re.MULTILINE)
    return re.sub(r"\b(from|import) medmnist\b(?!_np)", r"\1 medmnist_np.compat", source)


def run(program: Path, package: str, home: Path) -> dict[str, Any]:
    folder = home.parent / program.stem
    folder.mkdir()
    path = home.parent / program.name
    source = program.read_text(encoding="utf-8")
    path.write_text(changed(source) if package == "changed" else source, encoding="utf-8")
    seed()
    printed = io.StringIO()
    variables: dict[str, Any] = {}
    error = None
    before = Path.cwd(), list(sys.argv)
    os.chdir(folder)
    sys.argv = [str(path)]
    try:
        with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
            warnings.simplefilter("always")
            variables = runpy.run_path(str(path), run_name="__main__")
            described = {
                name: describe(value)
                for name, value in variables.items()
                if not name.startswith("_") and not isinstance(value, ModuleType)
            }
    except (Exception, SystemExit) as failure:  # noqa: BLE001  # how a program fails is a result too
        error = "".join(traceback.format_exception(failure))
        described = {}
    finally:
        os.chdir(before[0])
        sys.argv = before[1]
    given = sorted(
        {f"{one.category.__name__}: {one.message}" for one in caught if not issubclass(one.category, UNCOUNTED)}
    )
    replaced = {str(home): "HOME", str(folder): "FOLDER"}
    result = {
        "printed": printed.getvalue(),
        "variables": described,
        "files": files(folder),
        "warnings": given,
        "error": error,
    }
    return json.loads(plain(json.dumps(result), replaced))


def plain(text: str, replaced: dict[str, str]) -> str:
    """Remove what differs from run to run: folders and ports."""
    for found, name in replaced.items():
        text = text.replace(json.dumps(found)[1:-1], name)
    return re.sub(r"127\.0\.0\.1:\d+", "SERVER", text)


def files(folder: Path) -> dict[str, str]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): describe_file(path) for path in found}


def seed() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002  # programs use it
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


if __name__ == "__main__":
    main()
