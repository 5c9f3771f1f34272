"""Ask the real servers whether each archive is where the registry says, does Range, and has its size.

    python scripts/nightly.py                     all archives of all collections
    python scripts/nightly.py --only medmnist     of one collection

One byte of each is fetched by the transport of the package itself, with its patience. Then the smallest set is brought
whole, which proves its digest, and the labels of another out of its archive. Exit code 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import medmnist_np as mm
from medmnist_np import registry
from medmnist_np.cache.download import ResumingDownloader
from medmnist_np.errors import MedMNISTError

AT_ONCE = 2  # what Zenodo puts up with
WHOLE, LABELS = "breastmnist", "retinamnist"


@dataclass(frozen=True)
class Wanted:
    """An address, whose file it is, and how many bytes it has where that is known."""

    title: str
    url: str
    bytes: int | None


def wanted(collection: str | None) -> Iterator[Wanted]:
    """Yield every address of every published archive, each once."""
    seen = set()
    for record, size, archive in registry.known_archives():
        if not registry.is_published(record) or collection not in (None, record.collection.name):
            continue
        for url in record.addresses(size):
            if url not in seen:
                seen.add(url)
                yield Wanted(f"{record.qualified_name} {size or ''}".strip(), url, archive.bytes)


def fault(one: Wanted, folder: Path) -> str:
    """Fetch the first byte; return what is wrong, or an empty text."""
    downloader = ResumingDownloader(folder / f"{abs(hash(one.url))}.part", window=range(1))
    try:
        found = downloader.bring(one.url).origin.total_bytes
    except MedMNISTError as error:
        return " ".join(str(error).split())
    if one.bytes is not None and found != one.bytes:
        return f"it has {found} bytes, and the registry says {one.bytes}"
    return ""


def fetched(root: str) -> Iterator[str]:
    """Bring an archive and some labels; yield what is wrong."""
    for name, choice in ((WHOLE, {}), (LABELS, {"labels_only": True})):
        try:
            mm.fetch(name, root=root, **choice)
        except MedMNISTError as error:
            yield f"{name}: {' '.join(str(error).split())}"


def main() -> int:
    """Ask, print what is wrong, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="COLLECTION")
    chosen = list(wanted(parser.parse_args().only))
    if not chosen:
        parser.error("there is no archive of such a collection")
    with tempfile.TemporaryDirectory() as folder:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            faults = threads.map(lambda one: fault(one, Path(folder)), chosen)
            problems = [f"{one.title}: {one.url}: {found}" for one, found in zip(chosen, faults, strict=True) if found]
        problems += fetched(folder)
    print("\n".join(problems))
    print(f"{len(chosen)} addresses asked, {WHOLE} and labels of {LABELS} fetched, {len(problems)} problem(s).")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
