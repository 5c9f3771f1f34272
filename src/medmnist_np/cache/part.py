"""The unfinished download of one archive: the bytes so far, and a note of what they are part of."""

from __future__ import annotations

import errno
import glob
import json
import os
import re
import secrets
import stat
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, cast

from medmnist_np._files import open_without_following
from medmnist_np.cache import locks


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the bytes of a part came from: the url, its validator (a strong ETag, or a date) and the total size.

    The url has no passwords and tokens: see :func:`~medmnist_np.cache.settings.redacted`.
    """

    url: str = ""
    validator: str = ""
    total_bytes: int | None = None


class Part:
    """A file that only ever grows, and its note ``<name>.part.json``.

    A part is never truncated: another process may be reading it. A restart unlinks it and makes a new one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._note = path.with_name(f"{path.name}.json")

    @property
    def bytes(self) -> int:
        """Bytes that are there. Anything but a plain file in its place is refused."""
        try:
            found = os.lstat(self.path)
        except FileNotFoundError:
            return 0
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.ELOOP, "a link or folder is where the unfinished download should be", str(self.path))
        return found.st_size

    @property
    def origin(self) -> Origin:
        """What the note says; empty if there is none or it cannot be read (the digest decides in the end)."""
        try:
            table = json.loads(self._note.read_bytes())
            total = table["total_bytes"]
            return Origin(str(table["url"]), str(table["validator"]), int(total) if total is not None else None)
        except (OSError, ValueError, KeyError, TypeError):
            return Origin()

    def note(self, origin: Origin) -> None:
        """Write the note, replacing an older one in one step."""
        self._clear_fresh_notes()
        fresh = self._note.with_name(f"{self._note.name}.{secrets.token_hex(4)}")
        with open(fresh, "x", encoding="utf-8", opener=open_without_following) as stream:
            json.dump(asdict(origin), stream)
        with suppress(FileNotFoundError):  # another process took it for a stray one; the digest decides anyway
            os.replace(fresh, self._note)

    def open(self, position: int) -> BinaryIO:
        """Open for writing from a position on, unbuffered; a link in its place is refused.

        Not for appending: where two processes bring the same bytes at the same time because locks do nothing, each
        puts them where they belong, and the part is right.
        """
        stream = cast("BinaryIO", open(self.path, "r+b", buffering=0, opener=_open_or_make))  # noqa: SIM115
        stream.seek(position)
        return stream

    def restart(self) -> None:
        """Forget everything."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        self._clear_fresh_notes()

    def lend_to(self, target: str | os.PathLike[str]) -> None:
        """Make the file appear under another name too; where the file system has no links, it moves there.

        Raises
        ------
        FileNotFoundError
            If another process has taken the part away.
        """
        with suppress(FileNotFoundError):
            os.unlink(target)
        try:
            os.link(self.path, target)
        except FileNotFoundError:
            raise
        except OSError:
            os.replace(self.path, target)

    def _clear_fresh_notes(self) -> None:
        # Left by a process that was killed between writing a note and renaming it.
        for stray in self._note.parent.glob(f"{glob.escape(self._note.name)}.*"):
            stray.unlink(missing_ok=True)


def take_over(name: str, part: Path) -> None:
    """Go on from what a process left that worked on ``<name>.part`` without the lock, if that is more than there is."""
    with suppress(OSError):
        for size, path in sorted(left_over(part.parent, re.escape(name)), reverse=True):
            if path == part:
                continue
            if size > Part(part).bytes:
                Part(part).restart()
                os.replace(path, part)
            Part(path).restart()


def left_over(folder: Path, pattern: str) -> list[tuple[int, Path]]:
    """Return size and path of unfinished downloads whose names match, and at which no process works any more."""
    own = re.compile(rf"{pattern}(\.[0-9a-f]{{8}})*\.part")
    left = []
    with suppress(OSError):
        for path in folder.iterdir():
            state = path.lstat()
            idle = time.time() - state.st_mtime > locks.PATIENCE_S
            if own.fullmatch(path.name) and idle and stat.S_ISREG(state.st_mode):
                left.append((state.st_size, path))
    return left


def _open_or_make(path: str, flags: int) -> int:
    return open_without_following(path, flags | os.O_CREAT)
