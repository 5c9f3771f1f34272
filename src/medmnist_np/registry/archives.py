"""Records of files that can be downloaded: where each lies, how it is proven and which arrays it holds."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from medmnist_np.cache.settings import redacted
from medmnist_np.errors import RecordError

_DIGEST_LENGTHS = {"md5": 32, "sha256": 64}
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Member:
    """One array of an archive, as it must be: its name, its shape and the dtypes that it may have.

    ``optional`` arrays may be missing. Arrays with a ``highest`` value are labels or masks: their values are 0 to
    ``highest``, and they are stored as uint8. Of ``binarised`` masks all that is not 0 becomes 1.
    """

    name: str
    shape: tuple[int, ...]
    dtypes: tuple[str, ...]
    optional: bool = False
    highest: int | None = None
    binarised: bool = False

    @property
    def n_values(self) -> int:
        """Number of values in the array."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Superseded:
    """An archive of an older release under the same file name: recognised, named and never used."""

    digest: str
    seen_in_version: str
    n_samples: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_digest(self.digest, "a superseded archive")


@dataclass(frozen=True, slots=True)
class Archive:
    """One downloadable file: what it is called, where it lies, how it is proven and what it holds.

    Attributes
    ----------
    file_name : str
        A bare file name, as on the server.
    url : str
        The official address.
    digest : str
        ``"md5:<hex>"`` or ``"sha256:<hex>"`` of the whole file: the authority on whether it is genuine.
    members : tuple of Member
        The arrays in it.
    also : tuple of Member
        Those of them that belong to other records, which share the file. Where there are any, none is certain to be
        there.
    exact : bool
        Whether these are all; else others are passed over.
    kind : str
        The container: ``"npz"``, ``"tar"``, ``"zip"`` or ``"zip of npz"``.
    bytes : int, optional
        Size of the file in bytes, where known.
    sha256 : str, optional
        A second digest in hex, where known, for people who compare by hand.
    superseded : tuple of Superseded
        Older files of the same name.
    """

    file_name: str
    url: str
    digest: str
    members: tuple[Member, ...] = ()
    also: tuple[Member, ...] = ()
    exact: bool = True
    kind: str = "npz"
    bytes: int | None = None
    sha256: str | None = None
    superseded: tuple[Superseded, ...] = ()

    def __post_init__(self) -> None:
        if not _FILE_NAME.fullmatch(self.file_name):
            raise RecordError(f"{self.file_name!r} is not a plain file name: letters, digits, '_', '-' and '.'.")
        if not _is_address(self.url):
            raise RecordError(f"{self.file_name}: the url {redacted(self.url)!r} is none of https, http and file.")
        _check_digest(self.digest, self.file_name)
        if self.sha256 is not None:
            _check_digest(f"sha256:{self.sha256}", self.file_name)
        if self.bytes is not None and self.bytes <= 0:
            raise RecordError(f"{self.file_name}: {self.bytes} bytes is not a size.")

    @property
    def array_bytes(self) -> int:
        """Bytes of all arrays when unpacked, one byte a value."""
        return sum(member.n_values for member in self.members)

    @property
    def short_digest(self) -> str:
        """First eight hex digits of the digest, as used in folder names."""
        return self.digest.partition(":")[2][:8]


def _is_address(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("https", "http", "file") and "://" in url
    except ValueError:  # "http://[lab"
        return False


def _check_digest(digest: str, of: str) -> None:
    algorithm, _, value = digest.partition(":")
    if len(value) != _DIGEST_LENGTHS.get(algorithm) or not re.fullmatch("[0-9a-f]+", value):
        raise RecordError(f"{of}: {digest!r} is not 'md5:' and 32 or 'sha256:' and 64 lower-case hex digits.")
