"""Folders, tables and arrays as hospitals, Kaggle and other programs have them: each builds with at most one option."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medmnist_np as mm
from medmnist_np.builder import Built
from tests.builder.pictures import noise, save
from tests.builder.test_signatures import write_dicom

THREE_VOLUMES = {"train": 14, "val": 2, "test": 4}
THREE = {"train": 42, "val": 6, "test": 12}  # 60 images, divided 7:1:2


@dataclass(frozen=True)
class Expected:
    """What a layout becomes: its classes, the number of samples, the task, and whether patients are known."""

    classes: tuple[str, ...]
    samples: dict[str, int] | int
    task: str = "binary-class"
    groups: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    write: Callable[[Path], dict[str, Any]]
    expected: Expected
    needs: dict[str, Any] = field(default_factory=dict)


LAYOUTS: dict[str, Layout] = {}


def layout(
    expected: Expected, **needs: Any
) -> Callable[[Callable[[Path], dict[str, Any] | None]], Callable[[Path], dict[str, Any] | None]]:
    """Register a function that writes a layout. ``needs`` is the one option without which it is refused."""

    def register(write: Callable[[Path], dict[str, Any] | None]) -> Callable[[Path], dict[str, Any] | None]:
        name = write.__name__.replace("_", " ")
        LAYOUTS[name] = Layout(lambda folder: write(folder) or {"source": folder}, expected, needs)
        return write

    return register


def numbered(folder: Path, start: int, n: int, name: str = "{}.png") -> list[Path]:
    """Write ``n`` different images into a folder."""
    return [save(folder / name.format(number), noise(number)) for number in range(start, start + n)]


def lines(path: Path, rows: Iterable[Sequence[object]], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)
    return path


# Class folders


@layout(Expected(("NORMAL", "PNEUMONIA"), {"train": 8, "val": 4, "test": 6}))
def kaggle_chest_x_ray_with_its_copies_for_macos(folder: Path) -> None:
    start = 0
    for split, n in [("train", 4), ("val", 2), ("test", 3)]:
        for name in ("NORMAL", "PNEUMONIA"):
            place = folder / "chest_xray" / split / name
            numbered(place, start, n, "IM-{:04}-0001.jpeg")
            (place / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
            shadow = folder / "chest_xray" / "__MACOSX" / split / name / "._IM-0000-0001.jpeg"
            shadow.parent.mkdir(parents=True)
            shadow.write_bytes(b"\0\5\x16\7")
            start += n


@layout(Expected(("glioma", "meningioma", "notumor", "pituitary"), {"train": 20, "test": 8}, "multi-class"))
def kaggle_brain_tumour_with_training_and_testing(folder: Path) -> None:
    start = 0
    for split, n in [("Training", 5), ("Testing", 2)]:
        for name in ("glioma", "meningioma", "notumor", "pituitary"):
            numbered(folder / split / name, start, n, split[:2] + "-gl_{}.jpg")
            start += n


@layout(Expected(("benign", "malignant"), {"train": 8, "val": 4, "test": 4}))
def roboflow_export_with_notes_beside_the_splits(folder: Path) -> None:
    start = 0
    for split, n in [("train", 4), ("valid", 2), ("test", 2)]:
        for name in ("benign", "malignant"):
            numbered(folder / split / name, start, n, "scan_{}_png.rf.0f3b.jpg")
            start += n
    (folder / "README.dataset.txt").write_text("Lesions, version 3\n")
    (folder / "README.roboflow.txt").write_text("Exported on a Monday\n")


@layout(Expected(("n01440764", "n02102040"), {"train": 10, "val": 4}))
def fastai_with_a_table_of_the_same_images(folder: Path) -> None:
    rows = [("path", "noisy_labels_0", "is_valid")]
    start = 0
    for split, n in [("train", 5), ("val", 2)]:
        for name in ("n01440764", "n02102040"):
            files = numbered(folder / split / name, start, n, "ILSVRC_{}.JPEG")
            rows += [(file.relative_to(folder).as_posix(), name, str(split == "val")) for file in files]
            start += n
    lines(folder / "noisy_imagenette.csv", rows)


@layout(Expected(("benign", "malignant"), {"train": 8, "test": 4}))
def splits_inside_of_classes(folder: Path) -> None:
    start = 0
    for name in ("benign", "malignant"):
        for split, n in [("Train", 4), ("TEST", 2)]:
            numbered(folder / name / split, start, n)
            start += n


@layout(Expected(("benign", "malignant"), THREE))
def junk_of_several_programs(folder: Path) -> None:
    for number, name in enumerate(("benign", "malignant")):
        numbered(folder / name, 30 * number, 30)
        numbered(folder / name / ".ipynb_checkpoints", 200, 1)
        (folder / name / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
        (folder / name / "desktop.ini").write_text("[.ShellClassInfo]\n")
        (folder / name / "99.png.crdownload").write_bytes(b"half of it")
    (folder / "LICENSE").write_text("CC0\n")


@layout(Expected(("benign", "malignant"), 60, groups=True), group_by_folder=True)
def a_folder_for_each_patient(folder: Path) -> None:
    for patient in range(20):
        numbered(folder / ("benign", "malignant")[patient % 2] / f"patient{patient:02}", 3 * patient, 3)


# Tables


@layout(Expected(("MEL", "NV", "BCC", "AKIEC"), THREE, "multi-class"))
def isic_challenge_with_one_column_for_each_class(folder: Path) -> dict[str, Any]:
    names = ("MEL", "NV", "BCC", "AKIEC")
    rows = [("image", *names)]
    for file in numbered(folder / "ISIC2018_Task3_Training_Input", 0, 60, "ISIC_{:07}.jpg"):
        number = int(file.stem[5:])
        rows.append((file.stem, *(f"{float(number % 4 == index)}" for index in range(4))))
    table = lines(folder / "GroundTruth" / "ISIC2018_Task3_Training_GroundTruth.csv", rows)
    return {"source": folder / "ISIC2018_Task3_Training_Input", "labels": table}


@layout(Expected(("bkl", "mel", "nv"), 60, "multi-class", groups=True))
def ham10000_in_two_parts(folder: Path) -> dict[str, Any]:
    rows = [("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization")]
    for part in (1, 2):
        for file in numbered(folder / f"HAM10000_images_part_{part}", 100 * part, 30, "ISIC_{:07}.jpg"):
            number = int(file.stem[5:])
            lesion = f"HAM_{number // 2:07}"
            rows.append((lesion, file.stem, ("nv", "mel", "bkl")[number // 2 % 3], "histo", "60.0", "male", "back"))
    return {"source": folder, "labels": lines(folder / "HAM10000_metadata.csv", rows)}


@layout(Expected(("Edema", "Mass"), 60, "multi-label, binary-class", groups=True))
def nih_chest_x_ray(folder: Path) -> dict[str, Any]:
    rows = [("Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "View Position")]
    for part in (1, 2):
        for file in numbered(folder / f"images_00{part}" / "images", 100 * part, 30, "{:08}_000.png"):
            number = int(file.stem[:8])
            findings = ("No Finding", "Edema", "Mass", "Edema|Mass")[number % 4]
            rows.append((file.name, findings, 0, number // 2, 58, "PA"))
    (folder / "test_list.txt").write_text("00000100_000.png\n")
    return {"source": folder, "labels": lines(folder / "Data_Entry_2017.csv", rows)}


def small_table(folder: Path, names: Callable[[Path], str] = lambda file: file.name, **options: Any) -> Path:
    rows: list[Sequence[object]] = [("filename", "diagnosis", "patient_id")]
    for file in numbered(folder / "images", 0, 60):
        number = int(file.stem)
        rows.append((names(file), ("benign", "malignant")[number % 2], f"p{number // 2}"))
    return lines(folder / "table.csv", rows, **options)


SMALL = Expected(("benign", "malignant"), 60, groups=True)


@layout(SMALL)
def excel_in_europe_with_semicolons(folder: Path) -> None:
    small_table(folder, delimiter=";")


@layout(SMALL)
def excel_with_a_byte_order_mark(folder: Path) -> None:
    small_table(folder, encoding="utf-8-sig")


@layout(SMALL)
def tabs_and_names_without_an_ending(folder: Path) -> None:
    small_table(folder, lambda file: file.stem, delimiter="\t").rename(folder / "table.tsv")


@layout(SMALL)
def backslashes_in_paths(folder: Path) -> None:
    small_table(folder, lambda file: f"images\\{file.name}")


@layout(SMALL)
def paths_of_another_machine(folder: Path) -> None:
    small_table(folder, lambda file: f"/home/anna/study/images/{file.name}")


@layout(SMALL)
def paths_of_another_machine_with_windows(folder: Path) -> None:
    small_table(folder, lambda file: f"D:\\study\\images\\{file.name}")


@layout(Expected(("gutartig", "Übergang"), THREE, notes=("Latin-1",)))
def umlauts_in_latin_1(folder: Path) -> None:
    rows: list[Sequence[object]] = [("filename", "label")]
    rows += [(file.name, ("gutartig", "Übergang")[int(file.stem) % 2]) for file in numbered(folder / "images", 0, 60)]
    lines(folder / "table.csv", rows, encoding="latin-1")


@layout(Expected(("0", "1"), THREE))
def whole_numbers_that_a_program_wrote_as_floats(folder: Path) -> None:
    rows: list[Sequence[object]] = [("file", "target")]
    rows += [(file.name, float(int(file.stem) % 2)) for file in numbered(folder / "images", 0, 60)]
    lines(folder / "table.csv", rows)


@layout(Expected(("benign", "malignant"), {"train": 40, "val": 10, "test": 10}))
def a_column_with_the_split(folder: Path) -> None:
    rows: list[Sequence[object]] = [("image", "label", "Split")]
    for file in numbered(folder / "images", 0, 60):
        number = int(file.stem)
        split = "Training" if number < 40 else "Validation" if number < 50 else "Test"
        rows.append((file.name, ("benign", "malignant")[number % 2], split))
    lines(folder / "table.csv", rows)


@layout(Expected(("benign", "malignant"), 60, groups=True))
def class_folders_and_a_table_with_the_patients_only(folder: Path) -> dict[str, Any]:
    rows: list[Sequence[object]] = [("filename", "patient_id")]
    for number, name in enumerate(("benign", "malignant")):
        files = numbered(folder / "photos" / name, 30 * number, 30)
        rows += [(file.name, f"p{int(file.stem) // 3}") for file in files]
    return {"source": folder / "photos", "labels": lines(folder / "patients.csv", rows)}


@layout(Expected(("benign", "malignant"), THREE, notes=("does not list them: 3",)))
def images_that_the_table_does_not_list(folder: Path) -> None:
    rows: list[Sequence[object]] = [("image", "label")]
    rows += [(file.name, ("benign", "malignant")[int(file.stem) % 2]) for file in numbered(folder / "images", 0, 60)]
    numbered(folder / "images", 500, 3)
    lines(folder / "table.csv", rows)


@layout(Expected(("benign", "malignant"), 60), label="biopsy")
def two_columns_that_may_be_the_label(folder: Path) -> None:
    rows: list[Sequence[object]] = [("image", "suspicion", "biopsy")]
    for file in numbered(folder / "images", 0, 60):
        number = int(file.stem)
        rows.append((file.name, ("no", "yes")[number % 3 == 0], ("benign", "malignant")[number % 2]))
    lines(folder / "table.csv", rows)


# DICOM


@layout(Expected(("benign", "malignant"), 40), window="dicom")
def x_rays_as_single_dicom_files(folder: Path) -> None:
    pytest.importorskip("SimpleITK", reason="reads DICOM files")
    for number in range(40):
        write_dicom(
            folder / ("benign", "malignant")[number % 2] / f"CR{number:06}",
            noise(number).astype(np.uint16) * 16,
            series=f"1.2.3.{number}",
            window=(2048, 4096),
        )


@layout(Expected(("benign", "malignant"), 40, groups=True))
def dicom_files_that_name_their_patients(folder: Path) -> dict[str, Any]:
    pytest.importorskip("SimpleITK", reason="reads DICOM files")
    for number in range(40):
        place = folder / ("benign", "malignant")[number % 2] / f"CR{number:06}.dcm"
        write_dicom(place, noise(number), series=f"1.2.3.{number}", patient=f"p{number // 4}")
    return {"source": folder, "group_by": "PatientID"}


@layout(Expected(("benign", "malignant"), THREE_VOLUMES))
def a_dicom_series_for_each_patient(folder: Path) -> None:
    pytest.importorskip("SimpleITK", reason="reads DICOM files")
    for number in range(20):
        series = folder / ("benign", "malignant")[number % 2] / f"patient{number:02}"
        for slice_number in range(8):
            write_dicom(
                series / f"IM{slice_number}.dcm", noise(8 * number + slice_number, (8, 8)), series=f"1.2.3.{number}"
            )


# Arrays and archives


def archive(folder: Path, name: str = "lesions.npz", **arrays: np.ndarray) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / name, **arrays)
    return {"source": folder / name}


def stack(start: int, n: int) -> np.ndarray:
    return np.stack([noise(number) for number in range(start, start + n)])


def alternating(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.uint8) % 2


SPLIT = Expected(("0", "1"), {"train": 8, "val": 4, "test": 4})


@layout(SPLIT)
def an_archive_in_the_official_form(folder: Path) -> dict[str, Any]:
    return archive(
        folder,
        train_images=stack(0, 8),
        val_images=stack(8, 4),
        test_images=stack(12, 4),
        train_labels=alternating(8)[:, None],
        val_labels=alternating(4)[:, None],
        test_labels=alternating(4)[:, None],
    )


@layout(SPLIT)
def an_archive_with_flat_labels_a_channel_axis_and_another_order(folder: Path) -> dict[str, Any]:
    return archive(
        folder,
        test_labels=alternating(4).astype(np.float64),
        test_images=stack(12, 4)[..., None],
        val_labels=alternating(4),
        val_images=stack(8, 4)[..., None],
        train_labels=alternating(8),
        train_images=stack(0, 8)[..., None],
    )


@layout(Expected(("0", "1"), {"train": 8, "test": 4}))
def an_archive_without_val(folder: Path) -> dict[str, Any]:
    return archive(
        folder,
        train_images=stack(0, 8),
        train_labels=alternating(8)[:, None],
        test_images=stack(8, 4),
        test_labels=alternating(4)[:, None],
    )


@layout(Expected(("1", "2"), {"train": 8, "test": 4}), first_label=1)
def an_archive_with_labels_from_1(folder: Path) -> dict[str, Any]:
    return archive(
        folder,
        train_images=stack(0, 8),
        train_labels=alternating(8)[:, None] + 1,
        test_images=stack(8, 4),
        test_labels=alternating(4)[:, None] + 1,
    )


@layout(Expected(("0", "1"), THREE))
def a_generator_of_images(folder: Path) -> dict[str, Any]:
    return {"images": (noise(number) for number in range(60)), "labels": alternating(60)}


@layout(SPLIT)
def arrays_by_split(folder: Path) -> dict[str, Any]:
    n = {"train": (0, 8), "val": (8, 4), "test": (12, 4)}
    return {
        "images": {split: stack(*where) for split, where in n.items()},
        "labels": {split: alternating(where[1]) for split, where in n.items()},
    }


@pytest.fixture
def built(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Built, Expected]:
    chosen = LAYOUTS[request.param]
    call = chosen.write(tmp_path / "data")
    return mm.build(name="lesions", license="CC0", **call, **chosen.needs), chosen.expected


every = pytest.mark.parametrize("built", LAYOUTS, indirect=True)
refused = pytest.mark.parametrize("name", [name for name, one in LAYOUTS.items() if one.needs])


def _has_groups(ds: mm.Dataset) -> bool:
    try:
        return len(ds.groups) > 0
    except mm.MedMNISTError:
        return False


@every
def test_a_layout_has_its_classes(built: tuple[Built, Expected]) -> None:
    result, expected = built
    assert result.record.class_names == expected.classes


@every
def test_a_layout_has_its_task(built: tuple[Built, Expected]) -> None:
    result, expected = built
    assert result.record.task == expected.task


@every
def test_a_layout_has_its_samples(built: tuple[Built, Expected]) -> None:
    result, expected = built
    n_samples = dict(result.record.n_samples)
    assert (n_samples if isinstance(expected.samples, dict) else sum(n_samples.values())) == expected.samples


@every
def test_a_layout_has_its_patients(built: tuple[Built, Expected]) -> None:
    _, expected = built
    assert _has_groups(mm.Dataset("lesions", split="train")) == expected.groups


@every
def test_a_layout_has_its_notes(built: tuple[Built, Expected]) -> None:
    result, expected = built
    text = " ".join(result.notes)
    assert [note for note in expected.notes if note not in text] == []


@refused
def test_a_layout_that_needs_an_option_is_refused_and_the_error_names_it(tmp_path: Path, name: str) -> None:
    chosen = LAYOUTS[name]
    (option,) = chosen.needs
    with pytest.raises(ValueError, match=rf"\b{option}="):
        mm.build(name="lesions", license="CC0", **chosen.write(tmp_path / "data"))
