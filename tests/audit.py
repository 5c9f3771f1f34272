"""What the tests may do and what they were seen to do, by one audit hook for the whole process.

The hook refuses every connection and every name look-up that leaves the machine, and it tells the open
recorders what happened. It does not see child processes, nor C code that makes system calls of its own.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

# The events that change something on disk, beside an `open` for writing.
CHANGES = {
    "os.chmod",
    "os.chown",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.setxattr",
    "os.symlink",
    "os.truncate",
    "os.utime",
}
# These may name a file relative to an open folder.
REMOVALS = {"os.remove", "os.rmdir"}
LOCKS = {"fcntl.flock", "fcntl.lockf", "msvcrt.locking"}
NETWORK = {
    "socket.__new__",
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.sendmsg",
    "socket.sendto",
}
RECORDED = CHANGES | LOCKS | NETWORK | {"open"}

breaches: list[str] = []
_recorders: list[Recording] = []


class OutsideError(RuntimeError):
    """A test reached for another machine. Not an `OSError`, lest it pass for a network failure."""


@dataclass
class Recording:
    """The audited events of a `with` block, in order, of all threads."""

    events: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def named(self, *names: str) -> list[tuple[Any, ...]]:
        """Return the arguments of the events of those names."""
        return [arguments for name, arguments in self.events if name in names]

    @property
    def opened(self) -> list[str]:
        """Paths that were opened, for reading or writing."""
        return [_text(path) for path, *_ in self.named("open")]

    @property
    def opened_for_writing(self) -> list[str]:
        return [_text(path) for path, mode, flags in self.named("open") if writes(path, mode, flags)]

    @property
    def writes(self) -> list[str]:
        """Everything that changed the disk, as ``"event path"``."""
        return [
            f"{name} {_text(arguments[0])}"
            for name, arguments in self.events
            if name in CHANGES or (name == "open" and writes(*arguments))
        ]

    @property
    def locks(self) -> list[str]:
        return [name for name, _ in self.events if name in LOCKS]

    @property
    def network(self) -> list[str]:
        """Sockets that were made and used, and names that were looked up."""
        return [f"{name} {arguments[1:]}" for name, arguments in self.events if name in NETWORK]


@contextmanager
def record() -> Iterator[Recording]:
    """Record the events of the block. Modules imported in it leave no bytecode behind, which would count as a write."""
    recording = Recording()
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    _recorders.append(recording)
    try:
        yield recording
    finally:
        _recorders.remove(recording)
        sys.dont_write_bytecode = bytecode


def writes(path: object, mode: str | None, flags: int | None) -> bool:
    """Whether an `open` event is for writing. The null device does not count."""
    if path == os.devnull:
        return False
    return bool(flags & WRITE_FLAGS) if isinstance(flags, int) else bool(set(mode or "") & set("wax+"))


def is_local(host: object) -> bool:
    """Whether a host is this machine's loopback. No name is looked up to find out."""
    if isinstance(host, bytes | bytearray):
        host = host.decode("ascii", "replace")
    if host is None or host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _check_address(connection: socket.socket, address: Any) -> None:
    if connection.family in {socket.AF_INET, socket.AF_INET6} and address is not None and not is_local(address[0]):
        _refuse(f"connect to {address}")


def _check_name(host: object, *_: object) -> None:
    if not is_local(host):
        _refuse(f"look up {host!r}")


def _refuse(what: str) -> None:
    breaches.append(what)
    raise OutsideError(f"A test tried to {what}. Tests use loopback only.")


_CHECKS: dict[str, Callable[..., None]] = {
    "socket.connect": _check_address,
    "socket.sendto": _check_address,
    "socket.sendmsg": _check_address,
    "socket.getaddrinfo": _check_name,
    "socket.gethostbyname": _check_name,
    "socket.gethostbyaddr": _check_name,
}


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _recorders and event in RECORDED:
        if event in REMOVALS and arguments[1] != -1:
            arguments = (_below(arguments[1], arguments[0]), -1)
        for recording in _recorders:
            recording.events.append((event, arguments))
    if event in _CHECKS:
        _CHECKS[event](*arguments)


def _below(folder: int, name: object) -> str:
    """Return the path of a name in an open folder, as :func:`shutil.rmtree` removes it."""
    try:
        return os.path.join(os.readlink(f"/proc/self/fd/{folder}"), _text(name))  # noqa: PTH115, PTH118
    except OSError:  # no such folder on this system
        return _text(name)


def _text(path: object) -> str:
    return os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else repr(path)


def install() -> None:
    """Add the hook, once a process. An audit hook cannot be taken away again."""
    if not getattr(sys, "_medmnist_np_tests_audited", False):
        sys._medmnist_np_tests_audited = True  # type: ignore[attr-defined]
        sys.addaudithook(_hook)
