"""A folder that a call names as ``root`` is the only place that is looked in."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import click.testing
import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.cli import main
from medmnist_np.data.arrays import load_labels
from medmnist_np.errors import ArchiveError, CacheError, DigestError, NotCachedError, SupersededError
from medmnist_np.registry import DatasetInfo, Superseded, registered
from medmnist_np.testing import fake_datasets, make_arrays
from tests import audit as auditing
from tests.test_files import in_child

FEW = {"train": 12, "val": 4, "test": 6}
FILE = "breastmnist.npz"

Audit = Callable[[], AbstractContextManager[auditing.Recording]]

posix = pytest.mark.skipif(os.name != "posix", reason="modes of files")


@pytest.fixture
def fakes(tmp_path: Path) -> Iterator[DatasetInfo]:
    """The official set, which is in the cache and in ``~/.medmnist`` too."""
    with fake_datasets(tmp_path / "fakes", "breastmnist", n_samples=FEW) as (record,):
        mm.fetch("breastmnist")
        official = Path.home() / ".medmnist"
        official.mkdir()
        shutil.copy(tmp_path / "fakes" / "archives" / FILE, official)
        yield record


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "R"
    folder.mkdir()
    return folder


@pytest.fixture
def own(fakes: DatasetInfo, root: Path) -> dict[str, np.ndarray]:
    """Arrays that a user has put into ``root`` under the official name."""
    arrays = {name: 255 - array if name.endswith("images") else 1 - array for name, array in make_arrays(fakes).items()}
    np.savez(root / FILE, **arrays)
    return arrays


@pytest.fixture
def official(fakes: DatasetInfo, root: Path, tmp_path: Path) -> Path:
    """The official archive in ``root``."""
    return Path(shutil.copy(tmp_path / "fakes" / "archives" / FILE, root))


def run(*arguments: object) -> click.testing.Result:
    return click.testing.CliRunner().invoke(main, list(map(str, arguments)))


# The folder does not exist

OPENING = {
    "load": lambda root: mm.load("breastmnist", root=root),
    "load, without download": lambda root: mm.load("breastmnist", root=root, download=False),
    "labels": lambda root: load_labels("breastmnist", root=root),
    "Dataset": lambda root: mm.Dataset("breastmnist", root=root),
    "Evaluator": lambda root: mm.Evaluator("breastmnist", "test", root=root),
    "class": lambda root: mm.BreastMNIST("train", root=root),
    "class, with download": lambda root: mm.BreastMNIST("train", root=root, download=True),
    "audit": lambda root: mm.audit("breastmnist", root=root),
    "verify": lambda root: mm.verify("breastmnist", root=root),
}


@pytest.mark.parametrize("opening", OPENING.values(), ids=OPENING)
def test_a_folder_that_does_not_exist_is_an_error(fakes, root: Path, opening: Callable[[Path], object]) -> None:
    with pytest.raises(NotCachedError, match=f"The folder {root / 'typo'} does not exist"):
        opening(root / "typo")
    assert not (root / "typo").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["montage", "breastmnist", "-o", "out.png"],
        ["card", "breastmnist", "-o", "out.html"],
        ["verify"],
        ["cache"],
        ["audit", "breastmnist"],
    ],
    ids=lambda command: command[0],
)
def test_a_command_refuses_a_folder_that_does_not_exist(fakes, root: Path, command: list[str]) -> None:
    result = run(*command, "--root", root / "typo")
    assert result.exit_code == 1
    assert f"The folder {root / 'typo'} does not exist" in result.output
    assert not (root / "typo").exists()


@pytest.mark.parametrize("opening", [mm.load, load_labels, mm.Dataset])
def test_an_explicit_download_creates_the_folder(fakes, root: Path, opening: Callable[..., object]) -> None:
    opening("breastmnist", root=root / "new", download=True)
    assert (root / "new" / "arrays" / "medmnist").is_dir()


@pytest.mark.parametrize("command", [["fetch", "breastmnist"], ["download", "--task", "breastmnist"]])
def test_fetch_and_download_create_the_folder(fakes, root: Path, command: list[str]) -> None:
    assert run(*command, "--root", root / "new").exit_code == 0
    assert (root / "new" / "arrays" / "medmnist").is_dir()


# The official archive is there


def test_the_official_archive_is_used(fakes, official: Path, root: Path) -> None:
    images = mm.load("breastmnist", root=root, download=False).images
    assert Path(images.filename).is_relative_to(root / "arrays")


def test_the_official_archive_is_hashed_once(fakes, official: Path, root: Path, audit: Audit) -> None:
    mm.load("breastmnist", root=root, download=False)
    mm.BreastMNIST("train", root=root)  # notes checksums in the cache
    with audit() as seen:
        mm.load("breastmnist", root=root, download=False)
        mm.BreastMNIST("train", root=root)
        mm.Evaluator("breastmnist", "test", root=root)
    assert [path for path in seen.opened if path == str(official)] == []
    assert seen.writes == []


def test_arrays_of_an_older_release_are_recognised_too(fakes, official: Path, root: Path, audit: Audit) -> None:
    mm.load("breastmnist", root=root)
    shutil.rmtree(root / "checked")  # an older release noted nothing
    mm.load("breastmnist", root=root)
    with audit() as seen:
        mm.load("breastmnist", root=root)
    assert [path for path in seen.opened if path == str(official)] == []


def test_an_archive_that_is_replaced_is_noticed(fakes, official: Path, root: Path) -> None:
    mm.load("breastmnist", root=root)
    with official.open("ab") as stream:
        stream.write(b"more")
    with pytest.raises(DigestError, match=str(official)):
        mm.load("breastmnist", root=root)


@posix
def test_the_official_archive_in_a_read_only_root_is_unpacked_into_the_cache(fakes, official: Path, root: Path) -> None:
    shutil.rmtree(Path(os.environ["MEDMNIST_NP_CACHE"]))
    Path(os.environ["MEDMNIST_NP_CACHE"]).mkdir()
    root.chmod(0o555)
    try:
        found = in_child(_file_of, fakes, root, rights=False)
    finally:
        root.chmod(0o755)
    assert Path(found).is_relative_to(os.environ["MEDMNIST_NP_CACHE"])


def _file_of(record: DatasetInfo, root: Path) -> str:
    with registered(record):
        mm.load("breastmnist", root=root)
        return str(mm.load("breastmnist", root=root, download=False).images.filename)


# Another archive of that name is there


@pytest.mark.parametrize(
    "opening", [OPENING[name] for name in ("load", "load, without download", "labels", "Dataset", "Evaluator")]
)
def test_another_archive_is_refused(own, root: Path, opening: Callable[[Path], object]) -> None:
    with pytest.raises(DigestError, match=rf"(?s){root / FILE} is not the archive.*medmnist_np\.build"):
        opening(root)
    assert [path.name for path in root.glob("*.npz")] == [FILE]


@pytest.mark.parametrize("how", [{}, {"splits": ["test"]}, {"labels_only": True}], ids=["all", "split", "labels"])
def test_another_archive_is_not_replaced_by_a_download(own, root: Path, how: dict[str, object]) -> None:
    before = (root / FILE).read_bytes()
    with pytest.raises(DigestError, match="is not the archive"):
        mm.fetch("breastmnist", root=root, **how)
    assert before == (root / FILE).read_bytes()


def test_another_archive_beside_official_arrays_is_refused(fakes, root: Path, request) -> None:
    mm.fetch("breastmnist", root=root)
    mm.fetch("breastmnist", root=root, labels_only=True)
    request.getfixturevalue("own")
    for opening in (OPENING["load"], OPENING["labels"], OPENING["Evaluator"]):
        with pytest.raises(DigestError, match="is not the archive"):
            opening(root)


def test_another_archive_beside_official_labels_is_refused(fakes, root: Path, request) -> None:
    mm.fetch("breastmnist", root=root, labels_only=True)
    request.getfixturevalue("own")
    with pytest.raises(DigestError, match="is not the archive"):
        mm.Evaluator("breastmnist", "test", root=root)


def test_an_archive_of_an_older_release_is_named(fakes: DatasetInfo, official: Path, root: Path) -> None:
    old = Superseded(fakes.archive(28).digest, "2.2.3")
    present = replace(fakes.archive(28), digest=f"md5:{'a' * 32}", superseded=(old,))
    with registered(replace(fakes, archives={28: present})), pytest.raises(SupersededError, match="older release"):
        mm.load("breastmnist", root=root)


@pytest.mark.parametrize("command", [["fetch"], ["montage", "-o", "out.png"], ["mirror", "out"]])
def test_a_command_refuses_another_archive(own, root: Path, command: list[str], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*command, "breastmnist", "--root", root)
    assert result.exit_code == 1
    assert "is not the archive" in result.output


# The official classes use it


def test_an_official_class_uses_another_archive(own, root: Path) -> None:
    with pytest.warns(UserWarning, match="is not the official archive"):
        dataset = mm.BreastMNIST("train", root=root)
    assert np.array_equal(own["train_images"], dataset.imgs)
    assert np.array_equal(own["train_labels"], dataset.labels)


def test_an_official_class_warns_once_and_at_the_callers_line(own, root: Path) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        mm.BreastMNIST("train", root=root, download=True)
    assert [__file__] == [warning.filename for warning in seen]


def test_an_official_class_does_not_unpack_another_archive_twice(own, root: Path, audit: Audit) -> None:
    with pytest.warns(UserWarning, match="official archive"):
        mm.BreastMNIST("train", root=root)
    with audit() as seen, pytest.warns(UserWarning, match="official archive"):
        mm.BreastMNIST("test", root=root)
    assert seen.writes == []


def test_an_official_class_takes_other_counts_and_integer_labels(fakes, root: Path) -> None:
    arrays = {f"{split}_images": np.full((n, 28, 28), n, np.uint8) for split, n in (("train", 5), ("test", 2))}
    arrays |= {f"{split}_labels": np.ones((n, 1), np.int64) for split, n in (("train", 5), ("test", 2))}
    np.savez_compressed(root / FILE, **arrays, more=np.arange(3))
    with pytest.warns(UserWarning, match="official archive"):
        dataset = mm.BreastMNIST("train", root=root)
    assert len(dataset) == 5
    assert int(dataset.labels[0, 0]) == 1


def test_state_of_another_archive_does_not_fit_the_official_one(own, root: Path) -> None:
    with pytest.warns(UserWarning, match="official archive"):
        mine = mm.BreastMNIST("train", root=root)
    assert mine._identity() != mm.BreastMNIST("train")._identity()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"train_images": np.zeros((12, 29, 28), np.uint8)}, "train_images"),
        ({"train_images": np.zeros((12, 28, 28), np.float32)}, "train_images"),
        ({"train_labels": np.zeros((11, 1), np.uint8)}, "train_labels"),
        ({"train_labels": np.full((12, 1), 2, np.uint8)}, "train_labels|classes"),
    ],
)
def test_an_official_class_checks_the_arrays(own, root: Path, changed: dict[str, np.ndarray], said: str) -> None:
    np.savez(root / FILE, **{**own, **changed})
    with pytest.raises(ArchiveError, match=said):
        mm.BreastMNIST("train", root=root)


def test_an_official_class_names_a_split_that_another_archive_lacks(own, root: Path) -> None:
    np.savez(root / FILE, **{name: array for name, array in own.items() if not name.startswith("val")})
    with pytest.warns(UserWarning, match="official archive"), pytest.raises(ValueError, match="has no split 'val'"):
        mm.BreastMNIST("val", root=root)


def test_an_official_class_refuses_what_is_no_archive(fakes, root: Path) -> None:
    (root / FILE).write_bytes(b"nothing of the kind")
    with pytest.raises(ArchiveError, match=f"{root / FILE} cannot be used"):
        mm.BreastMNIST("train", root=root)


# Nothing is there


def test_no_other_copy_is_used(fakes, root: Path) -> None:
    for name in ("load, without download", "class", "verify"):
        with pytest.raises(NotCachedError, match="breastmnist"):
            OPENING[name](root)
    assert list(root.iterdir()) == []


def test_no_shared_copy_is_used(fakes, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDMNIST_NP_SHARED", os.environ["MEDMNIST_NP_CACHE"])
    with pytest.raises(NotCachedError):
        mm.load("breastmnist", root=root, download=False)


def test_it_is_downloaded_into_the_folder(fakes, root: Path) -> None:
    assert Path(mm.load("breastmnist", root=root).images.filename).is_relative_to(root)


@posix
def test_nothing_is_put_elsewhere_in_place_of_a_read_only_folder(fakes, root: Path) -> None:
    root.chmod(0o555)
    try:
        with pytest.raises(CacheError, match=f"{root} cannot be written to"):
            in_child(_file_of, fakes, root, rights=False)
    finally:
        root.chmod(0o755)
