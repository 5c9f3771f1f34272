"""How many processors a command takes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.windows_refuses
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says which processors a process may use")
def test_only_allotted_processors_are_used() -> None:
    one = min(os.sched_getaffinity(0))
    script = (
        f"import os; os.sched_setaffinity(0, {{{one}}}); from medmnist_np.cli.output import *; print(n_processors())"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)  # noqa: S603
    assert done.stdout == "1\n"
    assert done.stderr == ""
