"""What the fault table is tried on: a small data set, its server, and processes of their own that use it."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.cache.http import Patience
from medmnist_np.registry import Archive, DatasetInfo, registered
from tests.fault_server import FaultServer, Piece, Serve, ServedFile

K = 100_000
CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class Fake:
    """A made-up data set: its record, its archive and the digest of each split's values."""

    record: DatasetInfo
    data: bytes
    digests: Mapping[str, str]


@dataclass
class Lab:
    """One data set on one server, and the cache that it goes to."""

    folder: Path
    cache: Path
    server: FaultServer
    fake: Fake
    monkeypatch: pytest.MonkeyPatch
    stack: ExitStack
    file: ServedFile = field(init=False)
    record: DatasetInfo = field(init=False)

    def __post_init__(self) -> None:
        self.file = self.server.file(self.fake.record.archive(28).file_name, self.fake.data)
        self.record = self.fake.record
        self.change(url=self.file.url)
        self.be_patient(tries=3, connect=5, read=5, first_wait=0.02)

    # What is fetched and how

    @property
    def archive(self) -> Archive:
        return self.record.archive(28)

    @property
    def size(self) -> int:
        """Bytes of the archive."""
        return len(self.fake.data)

    def change(self, **facts: Any) -> None:
        """Let the record of the archive say something else."""
        self.record = replace(self.record, archives={28: replace(self.archive, **facts)})
        self.stack.enter_context(registered(self.record))

    def be_patient(self, **times: Any) -> None:
        """Set how long this process tries."""
        patience = Patience(**times)
        values = tuple(getattr(patience, name) for name in Patience.__dataclass_fields__)
        self.monkeypatch.setattr(Patience.__init__, "__defaults__", values)

    # What came of it

    @property
    def part(self) -> Path:
        return self.cache / "downloads" / f"{self.archive.file_name}.part"

    @property
    def part_bytes(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    @property
    def published(self) -> Path:
        return self.cache / "arrays" / self.record.storage_key(28)

    @property
    def ranges(self) -> list[str | None]:
        """What was asked for, request by request."""
        return [request.range for request in self.file.requests]

    @property
    def cost(self) -> float:
        """Bytes on the wire, in units of the file."""
        return self.file.body_bytes / self.size

    def loads_what_is_right(self) -> bool:
        """Load every split as a user does, and compare it with what was put into the archive."""
        return self.fake.digests == {split: digest(*mm.load("breastmnist", split)) for split in self.record.splits}

    def fails(self, kind: type[BaseException], *told: str) -> str:
        """Load, which must fail with that error and a message that holds these pieces; return the message."""
        with pytest.raises(kind) as caught:
            mm.load("breastmnist")
        message = str(caught.value)
        assert [piece for piece in told if piece not in message] == [], message
        assert not self.published.exists()
        return message

    # Processes of their own

    def start(self, *arguments: str, without_rights: bool = False, **options: Any) -> subprocess.Popen[str]:
        """Start ``child.py`` with these arguments; without rights, as one whom the modes of files bind, unlike root."""
        records = self.folder / "records"
        records.write_bytes(pickle.dumps([self.record]))
        if without_rights and os.geteuid() == 0 and sys.platform != "linux":
            pytest.skip("the tests run as root, and only Linux lets root give its rights up")
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | options.pop("env", {})
        rights = ["--without-rights"] if without_rights else []
        command = [sys.executable, str(CHILD), *rights, str(records), *arguments]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"} | options
        child = subprocess.Popen(command, env=environment, **options)  # noqa: S603
        self.stack.callback(ended, child)
        return child

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run ``child.py`` to its end."""
        child = self.start(*arguments, **options)
        out, err = child.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, child.returncode, out, err)

    def program(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run the program ``medmnist-np`` to its end."""
        return self.run("program", *arguments, **options)


@dataclass(frozen=True, kw_only=True)
class Meanwhile(Serve):
    """Do something in the world after so many bytes of the body, and send the rest."""

    after: int
    action: Callable[[], object]

    def pieces(self, body: bytes) -> Iterator[Piece]:
        yield body[: self.after]
        self.action()
        yield body[self.after :]


def digest(images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> str:
    return hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()


def names(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def ended(child: subprocess.Popen[str]) -> None:
    if child.poll() is None:
        child.kill()
    child.communicate()


def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@contextmanager
def closed(*folders: Path, mode: int = 0o555) -> Iterator[None]:
    """Take the right to write away from folders and all that is in them."""
    paths = [path for folder in folders for path in (folder, *folder.rglob("*")) if not path.is_symlink()]
    before = [path.stat().st_mode for path in paths]
    try:
        for path in reversed(paths):
            path.chmod(mode if path.is_dir() else 0o444)
        yield
    finally:
        for path, old in zip(paths, before, strict=True):
            path.chmod(old)
