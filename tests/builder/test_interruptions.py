"""``build`` is interrupted at changes of the disk: the same call finishes the set, and nothing is left over."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.builder import build
from medmnist_np.cache import settings
from medmnist_np.cli import main
from tests.builder.pictures import noise, save, table

CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("source", "fault"), [("files", "killed"), ("arrays", "disk full")])
def test_the_same_call_finishes_what_was_interrupted_at_any_step(tmp_path: Path, source: str, fault: str) -> None:
    rows = [[save(tmp_path / f"{n}.png", noise(n)).name, "ab"[n % 2], f"patient {n // 2}"] for n in range(20)]
    table(tmp_path / "labels.csv", ["image", "label", "patient"], rows)
    arguments = [sys.executable, "-m", "tests.builder.test_interruptions", source, fault, str(tmp_path)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=280)  # noqa: S603
    assert done.returncode == 0
    assert done.stderr == ""
    outcomes = json.loads(done.stdout)
    assert len(outcomes) > 20
    assert [outcome for outcome in outcomes if outcome["wrong"]] == []


def interrupt_everywhere(source: str, fault: str, folder: Path) -> list[dict[str, str]]:
    """Build in forked children, each interrupted two steps later than the last, then once more to the end."""
    cache = settings.current().cache
    images = np.stack([noise(number) for number in range(20)])

    def run() -> None:
        if source == "files":
            words = f"build {folder / 'labels.csv'} --name moles --size 8 --group-by patient --workers 1"
            main(words.split(), standalone_mode=False)
        else:
            groups = [number // 2 for number in range(20)]
            build(name="moles", images=images, labels=["a", "b"] * 10, sizes=8, groups=groups, output=folder / "out")

    places = [cache, folder / "out"]
    if error := in_a_child(run):
        raise AssertionError(error)
    expected = {place: files(place) for place in places}
    outcomes = []
    for step in range(1, 200, 2):
        for place in places:
            shutil.rmtree(place, ignore_errors=True)
        what = in_a_child(run, lambda step=step: interrupted_at(step, fault, folder, cache))
        if what == "":
            return outcomes
        wrong = ""
        if (cache / "records" / "moles.toml").exists() and not (cache / "ids" / "moles.csv").exists():
            wrong = "there is a record without ids"
        if error := in_a_child(run):
            wrong = f"the second run failed: {error}"
        elif expected != (found := {place: files(place) for place in places}):
            wrong = f"the second run left {sorted(map(str, {**found[cache], **found[places[1]]}))}"
        outcomes.append({"step": f"{step} {what}", "wrong": wrong})
    raise AssertionError("build does not end")


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder but locks and what a killed writer of statistics leaves; of folders their names alone."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {
        name: path.read_bytes() if path.is_file() else b""
        for name, path in found.items()
        if not name.startswith("locks") and ".statistics.json." not in name
    }


def in_a_child(work: Callable[[], None], before: Callable[[], None] = lambda: None) -> str:
    """Return what stopped the work in a forked child; an empty text if nothing did."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(1, 2)
            before()
            work()
        except BaseException as error:  # noqa: BLE001 -- told to the parent
            os.write(writing, repr(error).encode()[:4000])
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        said = stream.read()
    _, status = os.waitpid(child, 0)
    return "" if status == 0 else said or f"status {status}"


def interrupted_at(step: int, fault: str, *folders: Path) -> None:
    """Let the n-th change of the disk inside some folders kill this process, or find the disk full from then on."""
    seen = 0

    def hook(event: str, details: tuple[object, ...]) -> None:
        nonlocal seen
        writes = event == "open" and isinstance(details[2], int) and details[2] & (os.O_WRONLY | os.O_RDWR)
        if not (writes or event in CHANGES) or not str(details[0]).startswith(tuple(map(str, folders))):
            return
        if fault == "disk full" and event not in ("open", "os.mkdir", "os.rename"):
            return
        seen += 1
        if fault == "killed" and seen == step:
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "disk full" and seen >= step:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(details[0]))

    sys.addaudithook(hook)


def test_another_source_does_not_replace_a_set_that_is_known_already(tmp_path: Path) -> None:
    given = {"name": "moles", "labels": ["a", "b"] * 10, "sizes": 8}
    built = build(images=np.stack([noise(number) for number in range(20)]), **given)
    archive = (built.folder / "moles_8.npz").read_bytes()
    (built.folder / "unfinished").mkdir()
    with pytest.raises(ValueError, match="The data set 'moles' already exists, with other archives"):
        build(images=np.stack([noise(100 + number) for number in range(20)]), **given)
    assert archive == (built.folder / "moles_8.npz").read_bytes()
    assert mm.verify("moles").ok


if __name__ == "__main__":
    sys.stdout.write(json.dumps(interrupt_everywhere(sys.argv[1], sys.argv[2], Path(sys.argv[3]))))
