"""Look at the packages in a folder, and at the wheel as installed: `python scripts/check_packages.py dist`.

The wheel has all that the package reads and nothing else; the source archive has the tests too. Then the wheel is
installed into an empty environment, where the program and a made-up data set are tried.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"

TRIAL = """
import tempfile
import medmnist_np as mm
from medmnist_np.testing import fake_datasets
from pathlib import Path

assert "site-packages" in mm.__file__, mm.__file__
assert Path(mm.__file__).with_name("py.typed").is_file()
with tempfile.TemporaryDirectory() as folder, fake_datasets(folder, "pathmnist"):
    ds = mm.Dataset("pathmnist", "test")
    evaluator = mm.Evaluator("pathmnist", "test")
    print(next(iter(ds.batches(8))).images.shape, evaluator.evaluate(evaluator.get_dummy_prediction()).AUC)
    mm.card("pathmnist")
print(len(mm.datasets()), "data sets")
"""


def expected() -> set[str]:
    """Return what the package has: its modules, and every file beside them that they read."""
    files = (path for path in (SOURCE / "medmnist_np").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(SOURCE).as_posix() for path in files}


def check_wheel(wheel: Path) -> list[str]:
    """Return what is wrong with the contents of a wheel."""
    names = set(zipfile.ZipFile(wheel).namelist())
    inside = {name for name in names if name.startswith("medmnist_np/")}
    meta = {name for name in names if ".dist-info/" in name}
    problems = [f"{name} is missing" for name in sorted(expected() - inside)]
    problems += [f"{name} does not belong there" for name in sorted((names - meta) - expected())]
    licenses = ["LICENSE", "NOTICE", *(f"LICENSES/{path.name}" for path in sorted((ROOT / "LICENSES").iterdir()))]
    problems += [f"{one} is missing" for one in licenses if not any(name.endswith(f"licenses/{one}") for name in meta)]
    kinds = ("medmnist_np/py.typed", ".toml", ".css")
    return problems + [f"there is no {kind}" for kind in kinds if not any(name.endswith(kind) for name in inside)]


def check_archive(archive: Path) -> list[str]:
    """Return what is wrong with the contents of a source archive."""
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    wanted = {f"src/{name}" for name in expected()} | {
        "pyproject.toml",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "tests/conftest.py",
    }
    problems = [f"{name} is missing" for name in sorted(wanted - names)]
    strays = (".npz", ".npy", ".part", ".pyc", ".whl")
    return problems + [f"{name} does not belong there" for name in sorted(names) if name.endswith(strays)]


def try_installed(wheel: Path) -> None:
    """Install a wheel into an empty environment, away from the sources, and use it there."""
    with tempfile.TemporaryDirectory(prefix="medmnist-np-installed-") as folder:
        bin_ = Path(folder, "venv", "bin")
        subprocess.run([sys.executable, "-m", "venv", bin_.parent], check=True)
        subprocess.run([bin_ / "python", "-m", "pip", "install", "--quiet", wheel.resolve()], check=True)
        subprocess.run([bin_ / "python", "-m", "pip", "check"], check=True)
        variables = {**os.environ, "MEDMNIST_NP_CACHE": str(Path(folder, "cache"))}
        for command in (
            [bin_ / "medmnist-np", "doctor", "--offline"],
            [bin_ / "medmnist-np", "demo", "--folder", Path(folder, "demo")],
            [bin_ / "python", "-I", "-c", TRIAL],
        ):
            subprocess.run(command, check=True, cwd=folder, env=variables)


def main(folder: Path) -> None:
    """Check all packages in a folder; exit with 1 if something is wrong."""
    (wheel,), (archive,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    problems = [f"{wheel.name}: {one}" for one in check_wheel(wheel)]
    problems += [f"{archive.name}: {one}" for one in check_archive(archive)]
    if problems:
        raise SystemExit("\n".join(problems))
    try_installed(wheel)
    print(f"{wheel.name} and {archive.name} are complete, and the wheel works in an empty environment.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
