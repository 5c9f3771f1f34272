"""Calls of the package in a process of its own: ``child.py [--without-rights] RECORDS WHAT [ARGUMENT...]``."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import pickle
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import medmnist_np as mm
from medmnist_np.cache import locks, settings
from medmnist_np.registry import registered


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def program(*arguments: str) -> None:
    from medmnist_np.cli import main as program_main

    program_main(arguments, prog_name="medmnist-np")


def load(*names: str) -> None:
    """Load the test split, of "breastmnist" if nothing else is named, and print the digest of its values."""
    for name in names or ("breastmnist",):
        images, labels = mm.load(name, "test")
        say(hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest())


def load_without_lock(pretended: str) -> None:
    """Load where no lock works; it is pretended that it was got, or said that it was not."""

    @contextlib.contextmanager
    def held(*_: object) -> Iterator[bool]:
        yield pretended == "yes"

    locks.held = held
    load()


def load_with_limit(n_bytes: str) -> None:
    """Load where no file may grow beyond so many bytes."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (int(n_bytes), int(n_bytes)))
    load()


def load_with_signal(name: str) -> None:
    """Load, and get a signal between the last byte and the comparison of the checksum."""
    from medmnist_np.cache.manifest import RunningHash

    read = RunningHash.read

    def interrupted(*arguments: Any) -> None:
        os.kill(os.getpid(), getattr(signal, name))
        read(*arguments)

    RunningHash.read = interrupted  # type: ignore[method-assign]
    load()


def lock_file() -> Path:
    return settings.current().lock_file(mm.info("breastmnist").storage_key(28))


def hold() -> None:
    """Take the lock and keep it."""
    with locks.held(lock_file()) as got:
        say(f"held {got}")
        time.sleep(600)


def leave_to_a_child() -> None:
    """Take the lock, leave it to a forked child and end."""
    import fcntl

    lock_file().parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock_file(), os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    if child := os.fork():
        say(child)
        os._exit(0)
    os.close(1)
    os.close(2)
    time.sleep(600)


def kill_at_every_step(cache: str, expected: str) -> None:
    """Load in forked children, each killed one step later than the last; print what there is after each.

    A step is a change of the disk inside the cache: an open for writing, a new folder, a rename, a removal. The lines
    are the step, what it was, what was published then, what the next run loads, and what is left over after that.
    """
    import json
    import shutil

    record = mm.info("breastmnist")
    published = Path(cache, "arrays", record.storage_key(28))
    mm.load("breastmnist")  # else each child would spend its time on imports
    for step in range(1, 200):
        shutil.rmtree(cache)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            killed_at(step, cache, writing)
            mm.load("breastmnist")
            os._exit(0)
        os.close(writing)
        _, status = os.waitpid(child, 0)
        with os.fdopen(reading) as stream:
            what = stream.read()
        if status == 0:
            return
        after = "nothing"
        if published.exists():
            manifest = published / "manifest.json"
            arrays = json.loads(manifest.read_bytes())["arrays"].values()
            whole = {array["file"]: array["bytes"] for array in arrays}
            sizes = {path.name: path.stat().st_size for path in published.iterdir() if path != manifest}
            after = "everything" if whole == sizes else f"something: {sizes}"
        child = os.fork()
        if child == 0:
            mm.fetch("breastmnist")  # collects what load(), which only reads a complete cache, leaves
            images, labels = mm.load("breastmnist", "test")
            found = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
            os._exit(0 if found == expected else 1)
        _, status = os.waitpid(child, 0)
        left = [path.name for path in Path(cache, "downloads").glob("*")]
        left += [path.name for path in published.parent.glob(".*")]
        say("\t".join([str(step), what, after, "right" if status == 0 else "wrong", " ".join(left)]))


def killed_at(step: int, cache: str, told: int) -> None:
    """Let this process die before its n-th change of the disk inside a folder."""
    changes = {"os.mkdir", "os.rename", "os.remove", "os.rmdir"}
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (writes or event in changes) and cache in (path := str(arguments[0])):
            seen += 1
            if seen == step:
                os.write(told, f"{event} {os.path.relpath(path, cache)}".encode())
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def give_up_rights() -> None:
    """Let the modes of files bind root as they bind everybody, by capset(2) with no capabilities."""
    version_3 = (ctypes.c_uint32 * 2)(0x20080522, 0)
    none = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None).capset(version_3, none) != 0:
        sys.exit("could not give up the rights of root")


def main() -> None:
    if sys.argv[1] == "--without-rights":
        del sys.argv[1]
        if os.geteuid() == 0:
            give_up_rights()
    _, records, what, *arguments = sys.argv
    with registered(*pickle.loads(Path(records).read_bytes())):
        calls = {
            "program": program,
            "load": load,
            "load without lock": load_without_lock,
            "load with limit": load_with_limit,
            "kill at every step": kill_at_every_step,
            "hold": hold,
            "leave to a child": leave_to_a_child,
            "load with signal": load_with_signal,
        }
        calls[what](*arguments)


if __name__ == "__main__":
    main()
