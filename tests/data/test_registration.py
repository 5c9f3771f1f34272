from __future__ import annotations

import hashlib
import os
import re
import shutil
import traceback
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import medmnist_np as mm
from medmnist_np.builder import build
from medmnist_np.cache import settings
from medmnist_np.cli import main
from medmnist_np.data.registration import register
from medmnist_np.errors import ArchiveError, DownloadError, MedMNISTError, OfflineError, RecordError
from medmnist_np.testing import fake_datasets, serve
from tests.builder.pictures import noise


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    yield
    mm.configure()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a colleague hands out; this cache knows nothing of it."""
    mm.configure(cache=tmp_path / "theirs")
    images = [noise(number) for number in range(20)]
    build(name="moles", images=images, labels=[0, 1] * 10, output=tmp_path / "out")
    mm.configure()
    return tmp_path / "out"


def changed(folder: Path, *pairs: tuple[str, str]) -> Path:
    text = (folder / "moles.toml").read_text("utf-8")
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    (folder / "moles.toml").write_text(text, "utf-8")
    return folder / "moles.toml"


def test_a_record_is_registered_once_and_found_by_its_name(folder: Path) -> None:
    with pytest.raises(MedMNISTError, match="Unknown data set 'moles'"):
        mm.info("moles")
    record = register(folder / "moles.toml")
    assert record == mm.info("moles") == register(folder / "moles.toml")
    assert mm.load("moles", "test").images.shape == (4, 28, 28)


def test_archives_may_be_elsewhere(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "archives").mkdir()
    shutil.move(folder / "moles.npz", tmp_path / "archives" / "moles.npz")
    with pytest.raises(RecordError, match=r"File not found: .*moles\.npz\. .* has no web address for it"):
        register(folder / "moles.toml")
    register(folder / "moles.toml", base_url=str(tmp_path / "archives"))
    assert mm.load("moles", "test").images.shape == (4, 28, 28)


def test_a_record_may_say_where_the_archives_are(folder: Path) -> None:
    with serve(folder) as base_url:
        changed(folder, ('file_name = "moles.npz"', f'file_name = "moles.npz"\nurl = "{base_url}/moles.npz"'))
        assert f"{base_url}/moles.npz" == register(folder / "moles.toml").archive(28).url
        (folder / "moles.npz").rename(folder / "other.npz")
        assert f"{base_url}/other.npz" != register(folder / "moles.toml", base_url=base_url).archive(28).url


def with_labels(folder: Path, labels: np.ndarray) -> Path:
    """Put other training labels into the archive, and its checksum into the record."""
    file = folder / "moles.npz"
    before = file.read_bytes()
    with np.load(file) as arrays:
        np.savez(file, **{**arrays, "train_labels": labels})
    (digest,) = re.findall(r'digest = "(md5:\w+|sha256:\w+)"', (folder / "moles.toml").read_text("utf-8"))
    algorithm = digest.partition(":")[0]
    fresh = f"{algorithm}:{hashlib.new(algorithm, file.read_bytes()).hexdigest()}"
    text = re.sub(r"(?m)^(bytes|sha256) = .*\n", "", (folder / "moles.toml").read_text("utf-8"))
    assert before != file.read_bytes()
    (folder / "moles.toml").write_text(text.replace(digest, fresh), "utf-8")
    return folder / "moles.toml"


def test_labels_outside_the_classes_of_the_record_are_refused(folder: Path) -> None:
    labels = np.load(folder / "moles.npz")["train_labels"].copy()
    labels[-1] = 2
    register(with_labels(folder, labels))
    with pytest.raises(ArchiveError, match="values go from 0 to 2, and the classes of the record are 0 to 1"):
        mm.load("moles", "train")


def test_another_set_of_the_name_is_refused(folder: Path) -> None:
    register(folder / "moles.toml")
    digest = mm.info("moles").archive(28).digest
    with pytest.raises(RecordError, match="The data set 'moles' already exists, with other archives"):
        register(changed(folder, (digest, f"sha256:{0:064}")))
    with pytest.raises(RecordError, match="'breastmnist' is the name of a published data set"):
        register(changed(folder, ('name = "moles"', 'name = "breastmnist"')))
    assert digest == mm.info("moles").archive(28).digest


def test_a_record_on_the_web_leads_to_no_file_of_this_machine(folder: Path) -> None:
    changed(folder, ('file_name = "moles.npz"', 'file_name = "moles.npz"\nurl = "file:///etc/passwd"'))
    with (
        serve(folder) as base_url,
        pytest.raises(RecordError, match=r"has the URL file:///etc/passwd for .*, which is not a web address"),
    ):
        register(f"{base_url}/moles.toml")


def test_an_invalid_record_is_rejected(folder: Path, tmp_path: Path) -> None:
    with serve(folder) as base_url:
        with pytest.raises(RecordError, match=r"moles\.npz is not a record"):
            register(f"{base_url}/moles.npz")
        with pytest.raises(DownloadError, match="404"):
            register(f"{base_url}/absent.toml")
        (folder / "large.toml").write_bytes(b"#" * (1 << 21))
        with pytest.raises(RecordError, match="is too large for a record: 2097152 bytes"):
            register(f"{base_url}/large.toml")
    with pytest.raises(RecordError, match=r"absent\.toml cannot be read"):
        register(tmp_path / "absent.toml")
    assert list(settings.current().downloads.iterdir()) == []


def test_offline_means_offline(monkeypatch) -> None:
    monkeypatch.setenv("MEDMNIST_NP_OFFLINE", "1")
    with pytest.raises(OfflineError, match="MEDMNIST_NP_OFFLINE is set"):
        register("https://lab.example/moles.toml")


def test_a_shared_cache_brings_its_records(folder: Path, tmp_path: Path) -> None:
    mm.configure(shared=[tmp_path / "theirs"])
    assert mm.load("moles", "train", download=False).images.shape == (14, 28, 28)


def test_an_archive_that_changed_is_refused(folder: Path) -> None:
    register(folder / "moles.toml")
    with np.load(folder / "moles.npz") as arrays:
        np.savez(folder / "moles.npz", **{**arrays, "test_images": arrays["test_images"] + 1})
    with pytest.raises(DownloadError, match=r"file://.*moles\.npz: there is no such file, or it is another one"):
        mm.load("moles", "test")


@pytest.mark.parametrize("file", ["moles.toml", "none.toml", "moles.npz"])
def test_an_address_with_a_password_is_not_shown(folder: Path, file: str) -> None:
    with serve(folder) as base_url:
        private = base_url.replace("//", "//me:hunter2@")
        changed(folder, ("format = 1", "format = 7"))
        address = f"{private}/{file}?token=s3cr3t"  # not in the line that fails, which a traceback shows
        with pytest.raises(MedMNISTError) as caught:
            register(address)
    told = "".join(traceback.format_exception(caught.value))
    assert [secret for secret in ("hunter2", "s3cr3t") if secret in told] == []


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_a_record_whose_address_has_a_password_is_for_its_owner_alone(folder: Path) -> None:
    with serve(folder) as base_url:
        register(f"{base_url.replace('//', '//me:hunter2@')}/moles.toml")
        assert mm.load("moles", "test").images.shape == (4, 28, 28)
    (record,) = Path(os.environ["MEDMNIST_NP_CACHE"]).glob("records/*.toml")
    assert record.stat().st_mode & 0o777 == 0o600


# Archives of one file name


def renamed(folder: Path, base_url: str) -> str:
    """Give the archive the file name of a published one; return the record as an older release may have kept it."""
    (folder / "moles.npz").rename(folder / "breastmnist.npz")
    return changed(
        folder, ('file_name = "moles.npz"', f'file_name = "breastmnist.npz"\nurl = "{base_url}/breastmnist.npz"')
    ).read_text("utf-8")


@pytest.fixture
def both(folder: Path, tmp_path: Path) -> Iterator[Path]:
    """The folder of downloads with a kept official archive and a part; a set of one's own has the same file name."""
    with (
        serve(folder) as base_url,
        fake_datasets(tmp_path / "fakes", "breastmnist", n_samples={"train": 4, "val": 2, "test": 2}),
    ):
        mm.fetch("breastmnist", keep_archive=True)
        records = Path(os.environ["MEDMNIST_NP_CACHE"], "records")
        records.mkdir()
        (records / "moles.toml").write_text(renamed(folder, base_url), "utf-8")
        downloads = records.parent / "downloads"
        (downloads / "breastmnist.npz.part").write_bytes(b"half of the official one")
        yield downloads


def test_an_archive_with_the_file_name_of_a_published_one_is_refused(folder: Path) -> None:
    renamed(folder, "https://lab.example")
    with pytest.raises(RecordError, match=r"breastmnist\.npz of moles has the file name of a published archive"):
        register(folder / "moles.toml")


def test_archives_of_one_file_name_do_not_replace_each_other(both: Path) -> None:
    before = {path: path.read_bytes() for path in both.iterdir() if path.is_file()}
    assert len(before) == 2
    mm.fetch("moles", keep_archive=True)
    mm.fetch("moles", splits=["test"])
    assert before == {path: path.read_bytes() for path in both.iterdir() if path.is_file()}
    assert len(list(both.glob("local/moles_28-*/breastmnist.npz"))) == 1


@pytest.mark.parametrize(
    ("name", "left"), [("moles", "breastmnist"), ("breastmnist", "moles"), ("moles_28", "breastmnist")]
)
def test_clean_removes_only_the_archives_of_the_named_set(both: Path, name: str, left: str) -> None:
    mm.fetch("moles", keep_archive=True)
    assert CliRunner().invoke(main, ["clean", "--yes", name]).exit_code == 0
    official = {path.name for path in both.iterdir() if path.is_file()}
    own = {path.parent.name.partition("_")[0] for path in both.glob("local/*/*")}
    expected = ({"breastmnist.npz", "breastmnist.npz.part"}, set()) if left == "breastmnist" else (set(), {"moles"})
    assert expected == (official, own)
