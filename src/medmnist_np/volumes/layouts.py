"""Find cases (image, mask and split) among file names in the known folder layouts, and report those left out."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medmnist_np import _files
from medmnist_np.errors import ArchiveError
from medmnist_np.registry import bundled_records, datasets, volume_info
from medmnist_np.registry.volume_records import VolumeInfo
from medmnist_np.volumes.nifti import is_nifti

REPORT = "decoding.json"
"""Report in a folder of arrays on how they were made: the chosen dtype, and the cases left out."""

_SHOWN_CASES = 5


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A case that cannot be used, and why; or a split that lacks cases, and how many.

    ``split`` is the split of a case that has a mask, or should have one; else it is empty.
    """

    case: str
    why: str
    split: str = field(default="", compare=False)


def words(left_out: Sequence[LeftOut]) -> str:
    """Return the first few cases with their reasons, and how many more there are."""
    shown = "; ".join(f"{one.case}: {one.why}" for one in left_out[:_SHOWN_CASES])
    return shown + (f"; and {len(left_out) - _SHOWN_CASES} more" if len(left_out) > _SHOWN_CASES else "")


def refuse(left_out: Sequence[LeftOut], record: VolumeInfo, *, skip: bool) -> None:
    """Raise :class:`ArchiveError` if there are unusable cases and ``skip`` is false."""
    if left_out and not skip:
        raise ArchiveError(
            f"{record.qualified_name} cannot be imported: {words(left_out)}. No arrays were made, and downloads are "
            "kept. Repair or complete the files, or leave out these cases with skip=True (`--skip`)."
        )


def refuse_lost_splits(left_out: Sequence[LeftOut], splits: Iterable[str], record: VolumeInfo) -> None:
    """Raise :class:`ArchiveError` if a split with masks would be left out as a whole. ``splits`` remain."""
    lost = {one.split for one in left_out} - {"", *splits}
    for split in sorted(lost):
        of_split = [one for one in left_out if one.split == split]
        raise ArchiveError(
            f"No case of the {split} split of {record.qualified_name} can be used: {words(of_split)}. No arrays were "
            "made. skip=True (`--skip`) leaves out single cases, not a whole split."
        )


def none_left(left_out: Sequence[LeftOut], record: VolumeInfo) -> ArchiveError:
    """Return the error for a set without a single usable case."""
    return ArchiveError(f"No case of {record.qualified_name} can be used: {words(left_out)}. No arrays were made.")


def write_report(folder: Path, **facts: Any) -> None:
    """Write into a folder of arrays how it was made; ``left_out=`` is a sequence of :class:`LeftOut`."""
    facts["left_out"] = {one.case: one.why for one in facts["left_out"]}
    (folder / REPORT).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8", newline="\n")


def read_report(folder: Path) -> list[LeftOut]:
    """Return the cases that were left out of a folder of arrays when it was made."""
    try:
        facts = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        return [LeftOut(str(case), str(why)) for case, why in facts["left_out"].items()]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # made by another version, or changed
        return []


Read = Callable[[str], bytes]

_SPLITS = {"Tr": "train", "Va": "val", "Ts": "test"}
_CASE_NAME = re.compile(_files.NOT_RESERVED + r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_CHANNEL = re.compile(r"(?<=.)(_\d{4})$")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Case:
    """One case: the names of its image, or of the image of each channel, and of its mask (None if it has none)."""

    name: str
    split: str
    images: tuple[str, ...]
    mask: str | None


@dataclass(slots=True)
class Listing:
    """The cases found in a listing of files.

    Attributes
    ----------
    cases : list of Case
        In the order of splits and names.
    faults : list of LeftOut
        Cases that lack a file.
    missing : list of LeftOut
        Cases listed in ``dataset.json`` without any files: the folder is incomplete.
    remarks : list of str
        Disagreements between ``dataset.json`` and the record or the files, and other remarks.
    """

    cases: list[Case] = field(default_factory=list)
    faults: list[LeftOut] = field(default_factory=list)
    missing: list[LeftOut] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def find_cases(names: Iterable[str], record: VolumeInfo, read: Read) -> Listing:
    """Find the cases of a set among the names of its files.

    Parameters
    ----------
    names : iterable of str
        File names with ``/`` as separator. The folder of the set may be nested in others, and its name may be missing.
    record : VolumeInfo
        The volume set; its ``layout`` gives the layout of the files.
    read : callable
        Returns the content of a file by its name; called for ``dataset.json`` alone.

    Raises
    ------
    ArchiveError
        If the names are not those of such a set.
    """
    files = sorted(names)
    volumes = [name for name in files if is_nifti(name)]
    if record.layout == "brats":
        found = _cases_in_folders(volumes, record)
    else:
        root = _root(volumes, record)
        found = _cases_by_kind(volumes, root, record)
        if (table := f"{root}dataset.json") in files:
            _hold_against(found, read(table), root, record)
    if not found.cases and not found.faults:
        more = f" and {len(volumes) - 2} more" if len(volumes) > 2 else ""
        there = f"{', '.join(volumes[:2])}{more}" if volumes else "no .nii or .nii.gz file"
        raise ArchiveError(
            f"No volumes of {record.qualified_name} were found: {_expected(record)} There is {there}. Unpack the "
            "archive, or name the folder that holds these."
        )
    order = list(_SPLITS.values())
    found.cases.sort(key=lambda case: (order.index(case.split), case.name))
    return found


def refuse_another_data_set(found: Listing, record: VolumeInfo) -> None:
    """Raise an error if the case names, case counts or year of a folder contradict the record.

    Data sets can use the same file layout with different meanings. Only names and counts distinguish them.

    Parameters
    ----------
    found : Listing
        The cases of a folder. Archives do not need this check, since their checksum identifies the data set.
    record : VolumeInfo
        The expected data set.

    Raises
    ------
    ArchiveError
        If a case name does not match the record, a split has more cases than in the record, or a folder is named after
        another year of BraTS. The message lists the contradictions.
    """
    pattern, shown_pattern = _case_names(record)
    strangers = [case.name for case in found.cases if not re.fullmatch(pattern, case.name, re.IGNORECASE)]
    problems = []
    if strangers:
        more = f" and {len(strangers) - _SHOWN} more" if len(strangers) > _SHOWN else ""
        problems.append(
            f"{len(strangers)} of {len(found.cases)} cases are not named {shown_pattern}: "
            f"{', '.join(strangers[:_SHOWN])}{more}.{_owner(strangers[0])}"
        )
    counts = Counter(case.split for case in found.cases)
    problems += [
        f"The {split} split has {counts[split]} cases, and that of {record.qualified_name} has {expected}."
        for split, expected in record.n_samples.items()
        if 0 < expected < counts[split]
    ]
    problems += [
        f"{record.qualified_name} has no {split} split." for split in sorted(counts.keys() - set(record.splits))
    ]
    problems += _other_years(found, record)
    if problems:
        raise ArchiveError(
            f"The folder is not {record.qualified_name} as published. {' '.join(problems)} Name a folder that holds "
            "the published files under their own names."
        )


def _case_names(record: VolumeInfo) -> tuple[str, str]:
    """Return the names of the cases of a record as a pattern, and as a message shows them."""
    prefix = record.layout_facts.get("prefix")
    if prefix is None:  # a user's own
        return _CASE_NAME.pattern, "<name>"
    if record.layout == "brats":
        return rf"{re.escape(prefix)}[_-][A-Z0-9_-]+", f"{prefix}{record.layout_facts['separator']}<id>"
    return rf"{re.escape(prefix)}_\d+", f"{prefix}_<number>"


def _owner(case: str) -> str:
    """Return a hint on the data set that a case belongs to, if it is known."""
    known = (record for name in bundled_records.COLLECTIONS for record in datasets(collection=name))
    for record in (volume_info(record) for record in known if not record.same_shape):
        if re.fullmatch(_case_names(record)[0], case, re.IGNORECASE):
            name = record.qualified_name
            return f" {case} is a case of {name}: import the folder of that with `medmnist-np import --as {name}`."
    return ""


def _other_years(found: Listing, record: VolumeInfo) -> list[str]:
    """Say so if a folder is named after another year of BraTS than the record; some years share names of cases."""
    year = re.search(r"20\d\d", record.name)
    if record.layout != "brats" or year is None:
        return []
    folders = {case.images[0].rpartition("/")[0] for case in found.cases}
    years = {years[-1] for folder in folders if (years := re.findall(r"brats[ _-]?(20\d\d)", folder, re.IGNORECASE))}
    others = ", ".join(sorted(years - {year[0]}))
    return [f"The name of its folder says BraTS {others}."] if others else []


def _expected(record: VolumeInfo) -> str:
    if record.layout == "brats":
        names = [f"CASE{record.layout_facts['separator']}{name}.nii.gz" for name in record.layout_facts["files"]]
        return f"each case is a folder CASE with {', '.join(names)} in it."
    folder = record.layout_facts.get("folder")
    return (
        f"a folder{f' {folder}' if folder else ''} has imagesTr/CASE.nii.gz and labelsTr/CASE.nii.gz, or images/ and "
        "labels/."
    )


# Images and masks in two folders: the Decathlon, AMOS, nnU-Net and what VolumeDataset.save writes


def place_of(name: str) -> tuple[str, str, str] | None:
    """Return what comes before the folders of a layout in a file name, ``"images"`` or ``"labels"``, and the split.

    ``"Task04_Hippocampus/imagesTr/a.nii"`` gives ``("Task04_Hippocampus/", "images", "train")``, and so does
    ``"train/images/a.nii"`` with the root ``""``. Masks are in ``labels`` or ``masks``. None if the file is elsewhere.
    """
    *above, folder = name.split("/")[:-1] or [""]
    if match := re.fullmatch("(images|labels)(Tr|Va|Ts)", folder):
        kind, split = match[1], _SPLITS[match[2]]
    elif folder in ("images", "labels", "masks"):
        kind, split = "images" if folder == "images" else "labels", "train"
        if above and above[-1] in _SPLITS.values():
            split = above.pop()
    else:
        return None
    return "".join(f"{part}/" for part in above), kind, split


def _root(volumes: Sequence[str], record: VolumeInfo) -> str:
    """Return what comes before ``imagesTr/`` in the names, with the slash."""
    roots = {place[0] for name in volumes if (place := place_of(name))}
    folder = str(record.layout_facts.get("folder", ""))
    # nnU-Net calls Task04_Hippocampus Task004_Hippocampus or Dataset004_Hippocampus.
    task, _, title = folder.partition("_")
    pattern = rf"(?:Task|Dataset)0*{task[4:].lstrip('0')}_{re.escape(title)}" if title else re.escape(folder)
    named = {root for root in roots if re.fullmatch(pattern, root[:-1].rpartition("/")[2])}
    chosen = sorted(named or roots)
    if len(chosen) > 1:
        raise ArchiveError(
            f"There are several folders that could be {record.qualified_name}: {', '.join(chosen[:_SHOWN])}. "
            "Name one of them."
        )
    root = chosen[0] if chosen else f"{folder}/"
    # The files themselves do not identify the organ.
    other = re.search(r"(?:^|/)(Task\d\d_)[^/]*/$", root)
    if other and folder and not folder.startswith(other[1]) and not named:
        raise ArchiveError(f"{root} is the folder of another set: {record.qualified_name} is in {folder}/")
    return root


def _cases_by_kind(volumes: Sequence[str], root: str, record: VolumeInfo) -> Listing:
    found = Listing()
    stored: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in volumes:
        if (place := place_of(name)) and place[0] == root:
            stored[place[1:]][_stem(name.rpartition("/")[2])].append(name)
    per_channel = bool(channel_suffixes(volumes, root))
    channels = [f"_{number:04}" for number in range(len(record.modalities))] if per_channel else []
    damaged = record.layout_facts.get("damaged", ())
    for split in _SPLITS.values():
        images, masks = stored["images", split], stored["labels", split]
        if per_channel:
            images = _by_case(images)
        labelled = split if split != "test" or any(masks.values()) else ""
        for case in sorted(images.keys() | masks.keys()):
            if why := _fault(images[case], masks[case], channels, needs_mask=bool(labelled)):
                found.faults.append(LeftOut(case, why, labelled))
            elif not _CASE_NAME.fullmatch(case):
                why = "its name has characters other than letters, digits, '_', '-' and '.'"
                found.faults.append(LeftOut(case, why, labelled))
            elif case in damaged:
                found.remarks.append(f"{case} is known to be damaged and was left out.")
            else:
                mask = masks[case][0] if masks[case] else None
                found.cases.append(Case(case, split, tuple(images[case]), mask))
    return found


def channel_suffixes(volumes: Iterable[str], root: str) -> list[str]:
    """Return the endings of the names of images for nnU-Net, which has a file for each channel: ``"_0000"``, ...

    Masks are then named ``CASE.nii.gz``, and images ``CASE_0000.nii.gz``. Empty if an image is one file. Other data
    sets number their cases with four digits, as in ``amos_0001``, but there an image and its mask have the same name.
    """
    stems: dict[str, set[str]] = {"images": set(), "labels": set()}
    for name in volumes:
        if (place := place_of(name)) and place[0] == root:
            stems[place[1]].add(_stem(name.rpartition("/")[2]))
    suffixes = {match[1] for stem in stems["images"] if (match := _CHANNEL.search(stem))}
    of_nnunet = all(map(_CHANNEL.search, stems["images"])) and stems["images"].isdisjoint(stems["labels"])
    return sorted(suffixes) if of_nnunet and "_0000" in suffixes else []


def _by_case(images: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the files of each case in the order of their channels."""
    cases: dict[str, list[str]] = defaultdict(list)
    for stem in sorted(images):
        cases[stem[:-5]] += images[stem]
    return cases


def _fault(images: Sequence[str], masks: Sequence[str], channels: Sequence[str], *, needs_mask: bool) -> str:
    if not images:
        return "it has a mask and no image"
    if not masks and needs_mask:
        return "it has an image and no mask"
    if channels and [_stem(name)[-5:] for name in images] != channels:
        there = ", ".join(name.rpartition("/")[2] for name in images)
        return f"it is there as {there}, and its name with {', '.join(channels)} is needed"
    if len(images) > (len(channels) or 1) or len(masks) > 1:
        return f"it is there as {' and '.join([*images, *masks])}"
    return ""


def _stem(file: str) -> str:
    return re.sub(r"\.nii(\.gz)?$", "", file, flags=re.IGNORECASE)


def labels_in(table: Mapping[str, Any]) -> dict[int, str]:
    """Return the names of the label values in a ``dataset.json``.

    The Decathlon and nnU-Net 1 write ``{"0": "background"}``, and nnU-Net 2 writes ``{"background": 0}``, or a list of
    values for a region. A value that only regions contain is named ``label 3``.
    """
    entries = table.get("labels", {})
    if all(str(key).isdigit() and isinstance(name, str) for key, name in entries.items()):
        return {int(value): name for value, name in entries.items()}
    single = {int(value): str(name) for name, value in entries.items() if not isinstance(value, (list, tuple))}
    regions = [int(value) for values in entries.values() if isinstance(values, (list, tuple)) for value in values]
    return {**{value: f"label {value}" for value in regions}, **single}


def channels_in(table: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the channels in a ``dataset.json``: ``modality``, or ``channel_names`` since nnU-Net 2."""
    names = table.get("channel_names") or table.get("modality") or {}
    return tuple(str(names[key]) for key in sorted(names, key=int))


def _hold_against(found: Listing, data: bytes, root: str, record: VolumeInfo) -> None:
    """Compare with ``dataset.json`` what was found, and note where they differ."""
    try:
        _compare(found, json.loads(data), root, record)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        found.remarks.append(f"{root}dataset.json is not valid ({error}). The files were used as they are.")


def _compare(found: Listing, table: Any, root: str, record: VolumeInfo) -> None:
    listed: dict[str, str] = {}
    for key, split in {"training": "train", "validation": "val", "test": "test"}.items():
        for entry in table.get(key, ()):
            listed[_stem((entry["image"] if isinstance(entry, dict) else entry).rpartition("/")[2])] = split
    there = {case.name for case in found.cases} | {one.case for one in found.faults}
    damaged = set(record.layout_facts.get("damaged", ()))
    found.missing += [
        LeftOut(case, "dataset.json lists it, and it is not there", "" if listed[case] == "test" else listed[case])
        for case in sorted(listed.keys() - there - damaged)
    ]
    if listed and (more := sorted(there - listed.keys())):
        shown = ", ".join(more[:_SHOWN]) + (", ..." if len(more) > _SHOWN else "")
        found.remarks.append(f"{root}dataset.json does not list {len(more)} of the existing cases: {shown}.")
    labels = labels_in(table)
    if labels and sorted(labels) != sorted(record.label_values):
        known = ", ".join(map(str, record.label_values))
        found.remarks.append(f"{root}dataset.json has the labels {labels}, and the record has {known}.")
    channels = channels_in(table)
    if channels and record.layout == "decathlon" and len(channels) != len(record.modalities):
        found.remarks.append(f"{root}dataset.json has {len(channels)} modalities, and the record {record.modalities}.")
    n_train = sum(split == "train" for split in listed.values())
    if listed and table.get("numTraining", n_train) != n_train:
        found.remarks.append(f"{root}dataset.json says {table['numTraining']} training cases, and lists {n_train}.")
    # nnU-Net 2 lists no cases: their number shows whether the folder is complete.
    n_there = sum(case.split == "train" for case in found.cases) + sum(one.split == "train" for one in found.faults)
    if not listed and n_there < (expected := int(table.get("numTraining", 0))):
        found.missing.append(LeftOut("train split", f"dataset.json says {expected} cases, and {n_there} are there"))


# A folder for each case: BraTS


def _cases_in_folders(volumes: Sequence[str], record: VolumeInfo) -> Listing:
    by_folder: dict[str, dict[str, str]] = defaultdict(dict)
    misnamed = record.layout_facts.get("misnamed", {})
    for name in volumes:
        folder, _, file = name.rpartition("/")
        case = folder.rpartition("/")[2]
        stem = _stem(file)
        # "BraTS2021_00000_t1ce" or "BraTS-MEN-00004-000-t1c": the last part is the modality or the mask.
        if (match := re.fullmatch(f"{re.escape(case)}[_-]([A-Za-z0-9]+)", misnamed.get(stem, stem))) and case:
            by_folder[folder][match[1].lower()] = name
    found = Listing()
    facts = record.layout_facts
    any_mask = any(facts["mask"] in files for files in by_folder.values())
    seen: dict[str, str] = {}
    for folder, files in sorted(by_folder.items(), key=lambda item: item[0].rpartition("/")[2]):
        case = folder.rpartition("/")[2]
        split = _split_of(folder, record) or ("train" if any_mask or len(record.splits) == 1 else "val")
        kinds = zip(facts["files"], record.modalities, strict=True)
        images = [files.get(own, files.get(other)) for own, other in kinds]
        lacking = [kind for kind, image in zip(facts["files"], images, strict=True) if image is None]
        labelled = split if split in facts["masked"] else ""
        mask = files.get(facts["mask"]) if labelled else None
        if split in facts["masked"] and mask is None:
            lacking.append(facts["mask"])
        if lacking:
            found.faults.append(
                LeftOut(case, f"{', '.join(lacking)} {'are' if len(lacking) > 1 else 'is'} missing", labelled)
            )
        elif case in seen or not _CASE_NAME.fullmatch(case):
            why = f"its name is not plain, or {seen.get(case, folder)} has it too"
            found.faults.append(LeftOut(case, why, labelled))
        else:
            found.cases.append(Case(case, split, tuple(name for name in images if name is not None), mask))
        seen.setdefault(case, folder)
    return found


def _split_of(folder: str, record: VolumeInfo) -> str | None:
    parts = folder.split("/")
    return next((split for split, root in record.layout_facts["folders"].items() if root in parts), None)
