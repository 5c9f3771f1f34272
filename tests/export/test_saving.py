from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np._progress import silent
from medmnist_np.errors import CacheError, NoSpaceError
from medmnist_np.export import LAYOUTS, Plan, save
from medmnist_np.testing import fake_record, make_arrays

N = {"train": 9, "val": 4, "test": 5}


def arrays(name: str, split: str = "train") -> tuple[Any, Any]:
    made = make_arrays(fake_record(name, n_samples=N))
    return made[f"{split}_images"], made[f"{split}_labels"]


def export(
    name: str, folder: Path, split: str = "train", *, positions: Any = None, workers: int = 1, **options: Any
) -> Any:
    plan = Plan(mm.info(name), 28, split, **options)
    return save(plan, *arrays(name, split), folder, positions=positions, workers=workers, progress=silent)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


# What the official package writes, in its own words


@pytest.mark.parametrize("name", ["breastmnist", "retinamnist", "chestmnist", "adrenalmnist3d"])
def test_the_official_layout_has_the_official_names_and_table(name: str, tmp_path: Path) -> None:
    lines, names = "", set()
    postfix = "gif" if name.endswith("3d") else "png"
    for split, word in {"train": "TRAIN", "val": "VALIDATION", "test": "TEST"}.items():
        saved = export(name, tmp_path, split)
        assert (tmp_path / name, tmp_path / f"{name}.csv", N[split], N[split]) == saved
        for idx, label in enumerate(arrays(name, split)[1]):
            file_name = f"{split}{idx}_{'_'.join(map(str, label))}.{postfix}"
            lines += f"{word},{file_name},{','.join(map(str, label))}\n"
            names.add(f"{name}/{file_name}")
    found = content(tmp_path)
    assert lines == found.pop(f"{name}.csv").decode()
    assert names == set(found)


def test_the_table_can_be_left_out(tmp_path: Path) -> None:
    plan = Plan(mm.info("breastmnist"), 28, "val")
    saved = save(plan, *arrays("breastmnist", "val"), tmp_path, write_csv=False, progress=silent)
    assert saved.table is None
    assert list(tmp_path.glob("**/*.csv")) == []


# Again, and again


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_second_run_writes_nothing(layout: Any, tmp_path: Path) -> None:
    for split in N:
        export("retinamnist", tmp_path, split, layout=layout)
    before, when = content(tmp_path), stamps(tmp_path)
    assert [export("retinamnist", tmp_path, split, layout=layout).n_written for split in N] == [0, 0, 0]
    assert before == content(tmp_path)
    assert when == stamps(tmp_path)


def test_an_export_with_holes_is_filled(tmp_path: Path) -> None:
    export("breastmnist", tmp_path)
    whole = content(tmp_path)
    for path in sorted((tmp_path / "breastmnist").iterdir())[:3]:
        path.unlink()
    (tmp_path / "breastmnist.csv").unlink()
    assert export("breastmnist", tmp_path).n_written == 3
    assert whole == content(tmp_path)


@pytest.mark.parametrize("layout", ["automl", "csv"])
def test_parts_add_up_to_the_whole(layout: Any, tmp_path: Path) -> None:
    for part in ([0, 1, 2], [2, 3, 4], range(9)):
        export("retinamnist", tmp_path / "parts", layout=layout, positions=part)
    export("retinamnist", tmp_path / "whole", layout=layout)
    assert content(tmp_path / "whole") == content(tmp_path / "parts")


def test_a_sample_that_is_chosen_twice_is_written_once(tmp_path: Path) -> None:
    saved = export("breastmnist", tmp_path, positions=[3, 3, 1, 3], workers=2)
    assert saved.n_files == 2
    assert saved.n_written == 2
    assert len(saved.table.read_text().splitlines()) == 2


def test_a_part_is_called_after_its_places_in_the_split(tmp_path: Path) -> None:
    saved = export("breastmnist", tmp_path, layout="csv", positions=np.array([7, 2]), format="npy")
    assert {path.name for path in (saved.folder / "train").iterdir()} == {"train7.npy", "train2.npy", "metadata.csv"}
    images, _ = arrays("breastmnist")
    assert np.array_equal(images[7], np.load(saved.folder / "train" / "train7.npy"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_several_workers_write_the_same(layout: Any, tmp_path: Path) -> None:
    plan = Plan(fake_record("breastmnist"), 28, "train", layout=layout)
    made = make_arrays(plan.record)
    for workers in (1, 3):
        save(
            plan, made["train_images"], made["train_labels"], tmp_path / str(workers), workers=workers, progress=silent
        )
    assert content(tmp_path / "1") == content(tmp_path / "3")
    assert 200 <= len(content(tmp_path / "1"))


def test_data_sets_and_sizes_share_a_folder(tmp_path: Path) -> None:
    export("breastmnist", tmp_path)
    export("retinamnist", tmp_path)
    big = fake_record("breastmnist_64", n_samples=N)
    made = make_arrays(big)
    save(Plan(big, 64, "train"), made["train_images"], made["train_labels"], tmp_path, progress=silent)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {
        "breastmnist",
        "breastmnist_64",
        "retinamnist",
    }


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("other", [*({"layout": layout} for layout in LAYOUTS), {"format": "jpg"}])
def test_a_folder_is_of_one_layout_and_one_format(layout: Any, other: dict[str, Any], tmp_path: Path) -> None:
    export("breastmnist", tmp_path, layout=layout)
    before, options = content(tmp_path), {"layout": layout} | other
    if options == {"layout": layout}:
        assert export("breastmnist", tmp_path, **options).n_written == 0
        return
    for split in ("train", "val"):
        with pytest.raises(
            CacheError, match=rf"already has images in the layout '{layout}' and the format 'png'.* to another folder"
        ):
            export("breastmnist", tmp_path, split, **options)
    assert before == content(tmp_path)


# What is somebody else's


def test_a_file_that_is_something_else_is_left_and_named(tmp_path: Path) -> None:
    _, labels = arrays("breastmnist")
    theirs = tmp_path / "breastmnist" / f"train4_{labels[4, 0]}.png"
    theirs.parent.mkdir()
    theirs.write_bytes(b"mine")
    with pytest.raises(CacheError, match=r"train4_.* already exists with other content") as caught:
        export("breastmnist", tmp_path)
    assert theirs.read_bytes() == b"mine"
    assert str(theirs) == caught.value.filename


def test_other_files_in_the_folder_are_left(tmp_path: Path) -> None:
    (tmp_path / "breastmnist").mkdir()
    (tmp_path / "breastmnist" / "notes.txt").write_text("mine")
    export("breastmnist", tmp_path)
    assert (tmp_path / "breastmnist" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("a,b\n", "it cannot have the row 'a,b'"),
        ("TRAIN,train0_1.png,1", "its last row is incomplete"),
        ("TRAIN,train0_9.png,0\nTRAIN,train1_0.png,0,0\n", "it cannot have the row 'TRAIN,train1_0.png,0,0'"),
        ("\n", "it cannot have the row ''"),
    ],
)
def test_a_table_that_is_something_else_is_refused_first(table: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "breastmnist.csv").write_text(table)
    with pytest.raises(CacheError, match="is not the table of this data set") as caught:
        export("breastmnist", tmp_path)
    assert why in str(caught.value)
    assert {"breastmnist.csv": table.encode()} == content(tmp_path)


def test_a_table_that_says_another_label_is_refused(tmp_path: Path) -> None:
    saved = export("breastmnist", tmp_path, layout="csv")
    changed = saved.table.read_text().replace("train0.png,train,0,malignant", "train0.png,train,1,malignant")
    changed = changed.replace('train0.png,train,1,"', 'train0.png,train,0,"')
    saved.table.write_text(changed)
    with pytest.raises(CacheError, match=r"has the row .* instead of"):
        export("breastmnist", tmp_path, layout="csv")
    assert changed == saved.table.read_text()


def test_a_table_with_another_head_is_refused(tmp_path: Path) -> None:
    (tmp_path / "breastmnist" / "train").mkdir(parents=True)
    (tmp_path / "breastmnist" / "train" / "metadata.csv").write_text("file_name,text\n")
    with pytest.raises(CacheError, match="its header is 'file_name,text'"):
        export("breastmnist", tmp_path, layout="csv")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    _, labels = arrays("breastmnist")
    (tmp_path / "breastmnist").mkdir()
    (tmp_path / "breastmnist" / f"train0_{labels[0, 0]}.png").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CacheError):
        export("breastmnist", tmp_path)
    assert not (tmp_path / "elsewhere").exists()


# Faults


@contextmanager
def small_disk(folder: Path, n_bytes: int) -> Iterator[Path]:
    """Mount a disk of that size, or skip the test."""
    folder.mkdir()
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if os.name != "posix" or os.geteuid() != 0 or mount is None or unmount is None:
        pytest.skip("a small disk needs root and mount")
    command = [mount, "-t", "tmpfs", "-o", f"size={n_bytes}", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:  # noqa: S603
        pytest.skip("a small disk could not be mounted")
    try:
        yield folder
    finally:
        subprocess.run([unmount, "--lazy", str(folder)], check=True)  # noqa: S603


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_is_named_and_the_rest_goes_on_later(workers: int, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 600_000) as disk:
        (disk / "filler").write_bytes(bytes(400_000))
        with pytest.raises(NoSpaceError, match=r"The disk is full: could not save images\. .* try again"):
            _many(disk, workers)
        kept = list((disk / "breastmnist").glob("*.tiff"))
        assert 0 < len(kept) < 100
        assert list(disk.glob("breastmnist/.*")) == []
        (disk / "filler").unlink()
        assert 100 - len(kept) == _many(disk, workers).n_written
        _many(tmp_path / "undisturbed", 1)
        assert content(tmp_path / "undisturbed") == content(disk)


def _many(folder: Path, workers: int) -> Any:
    record = fake_record("breastmnist", n_samples={"train": 100})
    made = make_arrays(record)
    plan = Plan(record, 28, "train", format="tiff")
    return save(plan, made["train_images"], made["train_labels"], folder, workers=workers, progress=silent)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match=r"Could not save images in .*file: "):
        export("breastmnist", tmp_path / "file")


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_the_middle_leaves_whole_files_only(workers: int, tmp_path: Path) -> None:
    record = fake_record("breastmnist")
    made = make_arrays(record)

    class Interrupted(Exception):
        pass

    class Bar:
        total = None

        def update(self, n_bytes: int, /) -> None:
            raise Interrupted

    @contextmanager
    def progress(task: str, total: int | None, done: int = 0) -> Any:
        yield Bar()

    plan = Plan(record, 28, "train")
    with pytest.raises(Interrupted):
        save(plan, made["train_images"], made["train_labels"], tmp_path / "a", workers=workers, progress=progress)
    found = content(tmp_path / "a")
    save(plan, made["train_images"], made["train_labels"], tmp_path / "b", progress=silent)
    whole = content(tmp_path / "b")
    assert found.items() < whole.items()
    save(plan, made["train_images"], made["train_labels"], tmp_path / "a", progress=silent)
    assert whole == content(tmp_path / "a")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((8, 1), np.uint8), "9 images and 8 labels"),
        (np.zeros((9, 2), np.uint8), r"shape \(9, 2\) and dtype uint8\. They must be \(n, 1\) integers"),
        (np.zeros((9, 1)), "dtype float64"),
        (np.full((9, 1), 2, np.uint8), "The labels are from 2 to 2. Those of breastmnist must be from 0 to 1"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        save(Plan(mm.info("breastmnist"), 28, "train"), arrays("breastmnist")[0], labels, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_images_of_another_dtype_are_refused(tmp_path: Path) -> None:
    images, labels = arrays("breastmnist")
    with pytest.raises(ValueError, match=r"dtype float64\. They must be uint8"):
        save(Plan(mm.info("breastmnist"), 28, "train"), images / 255, labels, tmp_path)


def test_less_than_one_worker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="workers is 0"):
        export("breastmnist", tmp_path, workers=0)


def test_progress_counts_the_pixels(tmp_path: Path) -> None:
    seen: dict[str, int | None] = {}

    class Bar:
        total = None
        done = 0

        def update(self, n_bytes: int, /) -> None:
            self.done += n_bytes

    bar = Bar()

    @contextmanager
    def progress(task: str, total: int | None, done: int = 0) -> Any:
        seen[task] = total
        yield bar

    plan = Plan(mm.info("breastmnist"), 28, "train")
    save(plan, *arrays("breastmnist"), tmp_path, positions=range(5), progress=progress)
    assert {"saving breastmnist train": 5 * 784} == seen
    assert 5 * 784 == bar.done
