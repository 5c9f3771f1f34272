"""The file rules of Windows, as far as Linux can imitate them.

    PYTHONPATH=tests/windows_rules python -m pytest tests/cache

These rules hold in every process that starts with that variable:

- A file that this process, its parent or their children have open or mapped cannot be renamed, replaced or removed.
  A folder that holds such a file cannot be renamed.
- ``os.rename`` refuses a target that exists, and ``os.replace`` a folder as target.
- Names that Windows reserves (``con``, ``aux.txt``), characters that it does not allow (``a:b``), and names that end
  with a dot or a space cannot be created. Neither can paths of 260 characters or more.
- A name that differs from an existing one only in letter case cannot be created: there, it would be the same file.
- For every fifth change that the package makes, a virus scanner is faster: a rename is refused, or a folder that was
  just emptied is not empty yet. The next try succeeds.
- The package cannot create symbolic links, which need a privilege.
- Calls that Windows does not have are missing: ``os.pread``, ``os.sched_getaffinity``, ``mmap.MADV_*``, ...
- Processes are spawned, not forked.

This is a simulation. It knows no sharing modes, no drives, no locked ranges, no console and no real antivirus program.
"""

from __future__ import annotations

import errno
import mmap
import multiprocessing
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import Any

# The libraries of Linux need others (os.geteuid, os.fchmod, ...). For the package, mypy finds these: --platform win32.
MISSING = ["O_NOFOLLOW", "mkfifo", "posix_fadvise", "pread", "preadv", "pwrite", "pwritev", "sched_getaffinity"]
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
LONGEST = 259

_PACKAGE = f"{os.sep}medmnist_np{os.sep}"
_TESTS = f"{os.sep}tests{os.sep}"
_changes = count(1)
_calls = {name: getattr(os, name) for name in ("rename", "replace")}


class WindowsError32(PermissionError):
    """What Windows raises. On Linux, an ``OSError`` has no ``winerror`` of its own."""

    def __init__(self, number: int, text: str, path: str) -> None:
        super().__init__(errno.EACCES, f"{text} (simulated WinError {number})", path)
        self.winerror = number


class NotEmpty(OSError):
    """A folder whose files are removed, but not gone yet."""

    winerror = 145


def _processes() -> set[str]:
    """Return the numbers of this process, its parent, and the children of both."""
    families = {str(os.getpid()), str(os.getppid())}
    processes = set(families)
    for process in families:
        try:
            with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as children:
                processes.update(children.read().split())
        except OSError:  # it has ended
            continue
    return processes


def files_in_use() -> dict[tuple[int, int], str]:
    """Return the files, as device and inode, that these processes have open or mapped, and which of the two."""
    used = {}
    for process in _processes():
        try:
            for descriptor in os.listdir(f"/proc/{process}/fd"):
                with suppress(FileNotFoundError):  # it was closed meanwhile
                    status = os.stat(f"/proc/{process}/fd/{descriptor}")
                    if stat.S_ISREG(status.st_mode):
                        used[status.st_dev, status.st_ino] = "open"
            with open(f"/proc/{process}/maps", encoding="utf-8", errors="replace") as maps:
                for line in maps:
                    _, _, _, device, inode, *_ = line.split(maxsplit=5)
                    if inode != "0":
                        major, minor = (int(number, 16) for number in device.split(":"))
                        used[os.makedev(major, minor), int(inode)] = "mapped"
        except OSError:  # it has ended
            continue
    return used


def _files_below(path: str) -> Iterator[str]:
    yield path
    for folder, _, names in os.walk(path):
        yield from (os.path.join(folder, name) for name in names)


def refuse_if_in_use(action: str, path: str) -> None:
    """Raise an error if a file, or one below a folder, is in use."""
    statuses = {}
    for file in _files_below(path):
        try:
            status = os.lstat(file)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            statuses[status.st_dev, status.st_ino] = file
    if statuses and (found := statuses.keys() & (used := files_in_use()).keys()):
        file = next(iter(found))
        raise WindowsError32(32, f"{action}: the file is {used[file]}", statuses[file])


def refuse_name(path: str) -> None:
    """Raise an error if a new path cannot exist on Windows."""
    full = os.path.abspath(path)
    folder, name = os.path.split(full)
    if full.startswith(("/proc/", "/dev/", "/sys/")):
        return
    if len(full) > LONGEST:
        raise FileNotFoundError(errno.ENOENT, f"{len(full)} characters are too many (simulated WinError 206)", full)
    if name.split(".")[0].rstrip(" ").lower() in RESERVED or name[-1:] in (".", " ") or set(name) & set('<>:"|?*\\'):
        raise OSError(errno.EINVAL, "Windows does not allow this name (simulated WinError 123)", full)
    if os.path.lexists(full):
        return
    try:
        other = next((there for there in os.listdir(folder) if there.casefold() == name.casefold()), None)
    except OSError:
        return
    if other is not None:
        raise OSError(errno.EEXIST, f"On Windows, this is the same file as {other!r}", full)


def _who() -> str:
    """Return who makes a change, from the stack: "package" or "tests", whichever is nearer, or "" for pytest itself."""
    frame = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if _TESTS in file and not file.startswith(os.path.dirname(__file__)):
            return "tests"
        if _PACKAGE in file:
            return "package"
        frame = frame.f_back  # type: ignore[assignment]
    return ""


def _scanner_is_faster() -> bool:
    return next(_changes) % 5 == 0


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, (str, bytes)) and isinstance(flags, int) and flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR):
            refuse_name(os.fsdecode(path))
    elif event == "os.mkdir":
        refuse_name(os.fsdecode(arguments[0]))
    elif event == "os.remove" and _who() and not (path := os.fsdecode(arguments[0])).startswith("/dev/"):
        refuse_if_in_use("remove", path)
    elif event == "os.rmdir":
        path = os.fsdecode(arguments[0])
        if _who() == "package" and not os.listdir(path) and _scanner_is_faster():
            raise NotEmpty(errno.ENOTEMPTY, "The folder is not empty yet (simulated WinError 145)", path)
    elif event == "os.symlink" and _who() == "package":
        raise OSError(errno.EPERM, "Links need a privilege (simulated WinError 1314)", os.fsdecode(arguments[1]))


def _moved(name: str, source: Any, target: Any) -> None:
    old, new = os.fsdecode(source), os.fsdecode(target)
    if old != new and os.path.abspath(old).casefold() != os.path.abspath(new).casefold():
        refuse_name(new)
    if os.path.lexists(new) and (name == "rename" or os.path.isdir(new)):
        raise WindowsError32(183 if name == "rename" else 5, f"{name}: the target exists", new)
    refuse_if_in_use(name, old)
    refuse_if_in_use(name, new)
    if _who() == "package" and _scanner_is_faster():
        raise WindowsError32(5, f"{name}: a virus scanner reads the file", old)
    _calls[name](source, target)


def _rename(src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
    _moved("rename", src, dst)


def _replace(src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
    _moved("replace", src, dst)


def install() -> None:
    """Let the rules hold in this process, until it ends."""
    os.rename, os.replace = _rename, _replace
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    for name in MISSING:
        if hasattr(os, name):
            delattr(os, name)
    for name in [name for name in dir(mmap) if name.startswith("MADV_")]:
        delattr(mmap, name)
    multiprocessing.set_start_method("spawn")
    sys.addaudithook(_watch)
