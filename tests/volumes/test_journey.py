"""The whole way: an archive on a server, fetched by name, decoded, sliced, batched, measured and written out again."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from click.testing import CliRunner

import medmnist_np as mm
from medmnist_np.cache.manifest import Manifest
from medmnist_np.cli import main as program
from medmnist_np.errors import CacheError, UnknownSplitError
from medmnist_np.metrics import segmentation_table
from medmnist_np.registry import info, registered
from medmnist_np.testing import fake_datasets, make_volume_archive, make_volumes, serve
from tests.conftest import TEST_DATA
from tests.volumes.making import archived, decathlon, tar_of


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Image and mask of each real case; made-up ones would not show what real files hold."""
    folder = Path(TEST_DATA or "", "msd", "hippocampus")
    if not TEST_DATA or not folder.is_dir():
        pytest.skip("MEDMNIST_NP_TEST_DATA is not set: it names a folder with pairs of the Decathlon")
    images = sorted((folder / "imagesTr").iterdir())
    return {image.name.removesuffix(".nii.gz"): (image, folder / "labelsTr" / image.name) for image in images}


@pytest.fixture
def hippocampus(pairs: dict[str, tuple[Path, Path]], tmp_path: Path) -> Iterator[None]:
    """The task as the Decathlon packs its own, of the real pairs, on a server."""
    folder = tmp_path / "served"
    folder.mkdir()
    files = {name: (image.read_bytes(), mask.read_bytes()) for name, (image, mask) in pairs.items()}
    record = archived(info("msd/hippocampus"), tar_of(decathlon(info("msd/hippocampus"), files)), folder, {"train": 14})
    with serve(folder) as address:
        assert record.archive_file is not None
        archive = replace(record.archive_file, url=f"{address}/{record.archive_file.file_name}")
        with registered(replace(record, archive_file=archive, other_addresses=())):
            yield


def run(*arguments: str) -> str:
    result = CliRunner().invoke(program, arguments)
    assert result.exit_code == 0
    assert ("" if result.exit_code == 0 else result.output) == ""
    return result.output


@pytest.mark.usefixtures("hippocampus")
def test_real_pairs_go_the_whole_way(pairs: dict[str, tuple[Path, Path]], tmp_path: Path) -> None:
    assert "msd/hippocampus" in run("fetch", "msd/hippocampus")
    assert "1 of 1 are already on this machine" in run("fetch", "msd/hippocampus")
    assert "ok" in run("verify", "msd/hippocampus")
    ds = mm.VolumeDataset("msd/hippocampus", split="train", download=False)
    assert list(pairs) == ds.cases.tolist()

    slices = ds.slices(axis=2, shape=(48, 64))
    assert 0 < len(slices) < int(ds.shapes[:, 2].sum())
    seen = 0
    for batch in slices.batches(32, shuffle=True, seed=1, channels="first", dtype="float32"):
        assert batch.masks.shape[1:] == (48, 64)
        assert batch.images.shape[1:] == (1, 48, 64)
        assert batch.masks.any(axis=(1, 2)).all()
        seen += len(batch.images)
    assert len(slices) == seen

    train, val = ds.split_off(0.3, seed=0)
    threshold = np.mean([volume[mask > 0].mean() / volume.mean() for volume, mask in train])
    table = segmentation_table(
        [mask > 0 for mask in val.masks],
        [volume > threshold * volume.mean() for volume in val.images],
        spacing_mm=val.spacing_mm,
        cases=val.cases,
        labels=[1],
        metrics=["dice"],
    )
    interval = table.interval("dice")
    assert 0 < interval.low < table.mean("dice") < interval.high < 1

    folder = ds.save(tmp_path / "out")
    for name, (image, mask) in pairs.items():
        for kind, source in (("images", image), ("masks", mask)):
            original, again = nibabel.load(source), nibabel.load(folder / "train" / kind / f"{name}.nii.gz")
            np.testing.assert_array_equal(np.asanyarray(original.dataobj), np.asanyarray(again.dataobj))
            np.testing.assert_array_equal(original.affine, again.affine)


# With made-up cases


@pytest.fixture
def made_up(tmp_path: Path) -> Iterator[Path]:
    with fake_datasets(tmp_path, "msd/hippocampus", n_volumes={"train": 3, "test": 2}):
        yield tmp_path


def test_the_words_of_other_programs_are_understood(made_up: Path) -> None:
    assert "msd/hippocampus" in run(
        "download", "--dataset", "MSD", "--task", "Task04_Hippocampus", "--output", str(made_up / "here")
    )
    assert len(mm.VolumeDataset("msd/hippocampus", root=made_up / "here", download=False)) == 3


def test_decoding_is_spread_over_the_executor_of_fetch(made_up: Path) -> None:
    seen = []

    class Counting(ThreadPoolExecutor):
        def submit(self, function: Any, /, *args: Any, **more: Any) -> Any:
            seen.append(function)
            return super().submit(function, *args, **more)

    alone = mm.fetch("msd/hippocampus", root=made_up / "alone")
    with Counting(2) as executor:
        spread = mm.fetch("msd/hippocampus", root=made_up / "spread", executor=executor)
    assert 2 * (3 * 2 + 2) <= len(seen)  # the headers and the voxels of each file, at least
    assert alone != spread
    assert Manifest.read(alone) == Manifest.read(spread)


def test_what_is_saved_is_not_written_twice_and_never_over_something_else(made_up: Path) -> None:
    ds = mm.VolumeDataset("msd/hippocampus", "test")
    folder = ds.save(made_up / "out")
    files = sorted(folder.rglob("*.nii.gz"))
    assert ["images", "images"] == [file.parent.name for file in files]  # the test split has no masks
    before = [file.stat().st_mtime_ns for file in files]
    files[1].unlink()
    ds.save(made_up / "out")
    assert before[0] == files[0].stat().st_mtime_ns
    files[0].write_bytes(b"something else")
    with pytest.raises(CacheError, match="exists with other content"):
        ds.save(made_up / "out")
    assert files[0].read_bytes() == b"something else"
    assert list(folder.rglob(".*")) == []


def test_an_archive_and_a_folder_are_imported(tmp_path: Path) -> None:
    counts = {"train": 2, "test": 1}
    record = make_volume_archive(tmp_path, "msd/hippocampus", n_samples=counts)
    with registered(record):
        assert "Task04_Hippocampus.tar is msd/hippocampus: ready" in run("import", f"{tmp_path}/Task04_Hippocampus.tar")
        assert len(mm.VolumeDataset("msd/hippocampus", download=False)) == 2
    brats = make_volumes(tmp_path / "brats", "brats2021", n_samples={"train": 2}, shape=(8, 9, 7))
    with registered(replace(info("brats2021"), n_samples={"train": 2})):
        assert "brats2021: ready" in run("import", "--as", "brats2021", str(brats))
        volume, mask = mm.VolumeDataset("brats2021", download=False)[0]
        assert "ok" in run("verify", "brats2021")
        assert "brats2021" in run("list", "--collection", "brats")
    assert (*mask.shape, 4) == volume.shape


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fetch", "brats2021"], "cannot be downloaded automatically. Register at"),
        (["fetch", "msd/liver", "--split", "test"], "is one archive of whole volumes"),
        (["fetch", "msd/liver", "--size", "64"], "has no size 64"),
        (["import", "--as", "breastmnist", "."], "--as needs a set of volumes that differ in size"),
        (["import", "."], "is a folder. Say which data set it holds with --as"),
        (["download", "--dataset", "msd"], "Name a data set of msd with --task"),
        (["download", "--dataset", "msb"], "Did you mean 'msd'?"),
    ],
)
def test_wrong_usage_is_told_what_is_right(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(program, arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_a_volume_set_has_no_splits_to_fetch() -> None:
    with pytest.raises(UnknownSplitError, match="Fetch all of it"):
        mm.fetch("msd/liver", splits=["train"])


def test_of_a_folder_with_one_split_that_one_is_saved(tmp_path: Path) -> None:
    folder = make_volumes(tmp_path, "msd/hippocampus", n_samples={"train": 2})
    with registered(replace(info("msd/hippocampus"), n_samples={"train": 2, "test": 1})):
        run("import", "--as", "msd/hippocampus", str(folder))
        run("save", "msd/hippocampus", str(tmp_path / "out"))
        failed = CliRunner().invoke(program, ["save", "msd/hippocampus", str(tmp_path / "out"), "--split", "test"])
    assert [path.name for path in (tmp_path / "out" / "hippocampus").iterdir()] == ["train"]
    assert failed.exit_code == 1
    assert "without its test split" in " ".join(failed.output.split())
    assert "or `medmnist-np fetch msd/hippocampus`" in " ".join(failed.output.split())


def test_of_a_folder_with_the_last_split_alone_that_one_is_saved(tmp_path: Path) -> None:
    make_volumes(tmp_path / "here", "brats2021", n_samples={"val": 1}, shape=(8, 9, 7))
    with registered(replace(info("brats2021"), n_samples={"train": 1, "val": 1})):
        assert CliRunner().invoke(program, ["save", "brats2021", str(tmp_path / "out")]).exit_code == 1
        run("import", "--as", "brats2021", str(tmp_path / "here"))
        run("save", "brats2021", str(tmp_path / "out"))
        with pytest.raises(CacheError, match=r"import a folder that has train too\.$"):  # it has no archive
            mm.VolumeDataset("brats2021")
    assert [path.name for path in (tmp_path / "out" / "brats2021").iterdir()] == ["val"]


def test_an_archive_with_a_case_that_lacks_its_mask_is_fetched_without_it(tmp_path: Path) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    made = make_volumes(tmp_path, "msd/hippocampus", n_samples={"train": 3})
    names = sorted(path.name.removesuffix(".nii.gz") for path in (made / "imagesTr").iterdir())
    files = {
        name: tuple((made / kind / f"{name}.nii.gz").read_bytes() for kind in ("imagesTr", "labelsTr"))
        for name in names
    }
    contents = decathlon(info("msd/hippocampus"), files)
    contents = {name: data for name, data in contents.items() if not name.endswith(f"labelsTr/{names[1]}.nii.gz")}
    record = archived(info("msd/hippocampus"), tar_of(contents), folder, {"train": 3})
    with serve(folder) as address:
        assert record.archive_file is not None
        archive = replace(record.archive_file, url=f"{address}/{record.archive_file.file_name}")
        with registered(replace(record, archive_file=archive, other_addresses=())):
            refused = CliRunner().invoke(program, ["fetch", "msd/hippocampus"])
            assert refused.exit_code == 1
            assert "it has an image and no mask" in refused.output
            assert "downloads are kept" in " ".join(refused.output.split())
            assert "1 case(s) left out; " in run("fetch", "msd/hippocampus", "--skip")
            assert "1 case(s) left out; " in run("fetch", "msd/hippocampus")  # of whoever finds it here later
            ds = mm.VolumeDataset("msd/hippocampus", download=False)
            assert [names[0], names[2]] == ds.cases.tolist()
            assert f"Left out: {names[1]}; decoding.json in the folder says why" in repr(ds)


def test_the_zip_of_amos_is_imported_and_not_taken_for_corrupted_images(tmp_path: Path) -> None:
    with registered(make_volume_archive(tmp_path, "amos22", n_samples={"train": 2}, shape=(8, 9, 7))):
        assert "amos22.zip is amos22: ready" in run("import", f"{tmp_path}/amos22.zip")
        assert len(mm.VolumeDataset("amos22", download=False)) == 2


def test_what_was_imported_is_here_for_fetch_and_nothing_is_downloaded(tmp_path: Path) -> None:
    brats = make_volumes(tmp_path / "brats", "brats2021", n_samples={"train": 2}, shape=(8, 9, 7))
    task = make_volumes(tmp_path / "task", "msd/hippocampus", n_samples={"train": 2})
    for record, folder in (info("brats2021"), brats), (info("msd/hippocampus"), task):
        with registered(replace(record, n_samples={"train": 2})):
            run("import", "--as", record.qualified_name, str(folder))
            assert run("fetch", record.qualified_name) == "1 of 1 are already on this machine.\n"
            assert mm.VolumeDataset(record.qualified_name).folder == mm.fetch(record.qualified_name)
