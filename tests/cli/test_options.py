"""What shells offer on Tab: the program is run with the variables that click's shell scripts set."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PROGRAM = "from medmnist_np.cli import main; main(prog_name='medmnist-np')"


def offered(line: str, **environment: str) -> list[str]:
    """Return the words that bash would offer at the end of a line."""
    words = line.split(" ")
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", PROGRAM],
        check=True,
        capture_output=True,
        encoding="utf-8",
        env={
            **os.environ,
            "_MEDMNIST_NP_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
            **environment,
        },
    )
    assert done.stderr == ""
    return [word.partition(",")[2] for word in done.stdout.split()]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("medmnist-np fet", ["fetch"]),
        ("medmnist-np info path", ["pathmnist"]),
        ("medmnist-np info Path", ["pathmnist"]),
        ("medmnist-np fetch breastmnist ret", ["retinamnist"]),
        ("medmnist-np fetch adrenalmnist3d --size ", ["28", "64", "all"]),
        ("medmnist-np fetch --size 2", ["28", "224"]),
        ("medmnist-np montage pathmnist --size 1", ["128"]),
        ("medmnist-np fetch pathmnist --split t", ["train", "test"]),
        ("medmnist-np save pathmnist folder --layout i", ["imagefolder"]),
        ("medmnist-np montage organmnist3d --view s", ["sheet"]),
        ("medmnist-np list --task b", ["binary-class"]),
        ("medmnist-np corrupt octmnist --kind m", ["motion_blur"]),
        ("medmnist-np corrupt organmnist3d --kind m", []),
        ("medmnist-np fetch pathmnst --size ", []),
        ("medmnist-np audit path", ["pathmnist"]),
        ("medmnist-np info msd/li", ["msd/liver"]),
        ("medmnist-np fetch brats2021 am", ["amos22"]),
        ("medmnist-np import --as msd/l", ["msd/liver", "msd/lung"]),
        ("medmnist-np import --ids breast", ["breastmnist"]),
        ("medmnist-np list --collection m", ["medmnist", "medsegbench", "msd"]),
    ],
)
def test_completion_offers_commands_options_and_values(line: str, words: list[str]) -> None:
    assert words == offered(line)


def test_completion_offers_other_collections_after_the_first_letters() -> None:
    assert all("/" not in word for word in offered("medmnist-np info "))


def test_completion_is_silent_if_an_environment_variable_is_invalid() -> None:
    assert offered("medmnist-np info path", MEDMNIST_NP_MIRRORS="nonsense") == ["pathmnist"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(shell: str) -> None:
    if shell == "bash" and not os.path.exists("/bin/bash"):  # noqa: PTH110
        pytest.skip("click asks bash for its version")
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", PROGRAM],
        check=True,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "_MEDMNIST_NP_COMPLETE": f"{shell}_source"},
    )
    assert f"_MEDMNIST_NP_COMPLETE={shell}_complete" in done.stdout


# Prints what is loaded after the words were offered.
LOADED = f"""
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
{PROGRAM}
"""


@pytest.mark.parametrize(
    "line", ["medmnist-np ", "medmnist-np fetch path", "medmnist-np montage path", "medmnist-np evaluate x --"]
)
def test_completion_imports_no_slow_module(line: str) -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", LOADED],
        check=True,
        capture_output=True,
        encoding="utf-8",
        env={
            **os.environ,
            "_MEDMNIST_NP_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(line.split(" ")) - 1),
        },
    )
    slow = {"scipy", "PIL", "imageio", "pooch", "requests", "tqdm", "matplotlib", "nibabel", "SimpleITK"}
    assert done.stdout != ""
    assert slow & set(json.loads(done.stderr)) == set()
