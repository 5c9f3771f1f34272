"""NIfTI files of every kind, and archives around them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from medmnist_np.cache.archives import Verified
from medmnist_np.registry import Archive, VolumeInfo
from medmnist_np.volumes.stored_files import StoredFile, folder_files

AFFINE = np.array([[-0.7, 0, 0, 90], [0, 0.7, 0, -126], [0, 0, 3, -72], [0, 0, 0, 1]])


def nifti(array: np.ndarray, **fields: Any) -> bytes:
    """Return a file with these stored numbers. Fields of the header may be given; ``sform=None`` leaves a qform alone.

    ``order`` is ``"<"`` or ``">"``, ``version`` 1 or 2, ``slope`` and ``inter`` are the scaling, ``extra`` are bytes
    behind the voxels.
    """
    order, version, extra = fields.pop("order", "<"), fields.pop("version", 1), fields.pop("extra", b"")
    slope, inter = fields.pop("slope", 1), fields.pop("inter", 0)
    header = (nibabel.Nifti1Header if version == 1 else nibabel.Nifti2Header)(endianness=order)
    header.set_data_dtype(array.dtype.newbyteorder(order))
    header.set_data_shape(array.shape)
    header["pixdim"][1:4] = np.linalg.norm(AFFINE[:3, :3], axis=0)
    header.set_qform(AFFINE, code=1)
    if (sform := fields.pop("sform", AFFINE)) is not None:
        header.set_sform(sform, code=1)
    header["scl_slope"], header["scl_inter"] = slope, inter
    header["magic"] = b"n+1" if version == 1 else b"n+2"
    header["vox_offset"] = 352 if version == 1 else 544
    for name, value in fields.items():
        header[name] = value
    head = header.binaryblock.ljust(int(header["vox_offset"]) if "vox_offset" not in fields else 352, b"\0")
    return head + array.astype(array.dtype.newbyteorder(order)).tobytes(order="F") + extra


def stored(folder: Path, name: str, data: bytes) -> StoredFile:
    """Write a file into a folder and list it."""
    (folder / name).write_bytes(data)
    return folder_files(folder)[name]


def tar_of(files: Mapping[str, bytes], tar_format: int = tarfile.USTAR_FORMAT) -> bytes:
    """Return a tar with folders and with files that macOS leaves beside the others, as those of the Decathlon."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tar_format) as tar:
        folders: set[str] = set()
        for name, data in files.items():
            folder, _, bare = name.rpartition("/")
            if folder not in folders:
                folders.add(folder)
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o700
                tar.addfile(entry)
            for member, content in ((f"{folder}/._{bare}", b"\0\5\x16\7Mac OS X"), (name, data)):
                entry = tarfile.TarInfo(member)
                entry.size, entry.mode = len(content), 0o600
                entry.uid, entry.gid, entry.uname, entry.gname = 501, 20, "someone", "staff"
                tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def archived(record: VolumeInfo, data: bytes, folder: Path, n_samples: Mapping[str, int]) -> VolumeInfo:
    """Write an archive into a folder, and return the record that describes it."""
    assert record.archive_file is not None
    path = folder / record.archive_file.file_name
    path.write_bytes(data)
    digest = f"md5:{hashlib.md5(data, usedforsecurity=False).hexdigest()}"
    archive = Archive(path.name, path.as_uri(), digest, kind=record.archive_file.kind, bytes=len(data))
    return replace(record, archive_file=archive, other_addresses=(), n_samples=n_samples)


def decathlon(record: VolumeInfo, cases: Mapping[str, tuple[bytes, bytes | None]], **table: Any) -> dict[str, bytes]:
    """Return the files of a task: cases with a mask are for training; ``dataset.json`` lists them."""
    root = record.layout_facts["folder"]
    files = {}
    training, test = [], []
    for name, (image, mask) in cases.items():
        kind = "Ts" if mask is None else "Tr"
        files[f"{root}/images{kind}/{name}.nii.gz"] = image
        if mask is not None:
            files[f"{root}/labelsTr/{name}.nii.gz"] = mask
            training.append({"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"})
        else:
            test.append(f"./imagesTs/{name}.nii.gz")
    content = {
        "name": record.name,
        "relase": "1.0",
        "modality": {str(n): name for n, name in enumerate(record.modalities)},
        "labels": {str(v): name for v, name in zip(record.label_values, record.class_names, strict=True)},
        "numTraining": len(training),
        "numTest": len(test),
        "training": training,
        "test": test,
    }
    files[f"{root}/dataset.json"] = json.dumps(content | table).encode()
    return files


@contextmanager
def opened(path: Path) -> Any:
    with path.open("rb") as stream:
        yield Verified(path, stream, "md5:0")


def packed(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


def cache() -> Path:
    """The cache of the sandbox."""
    return Path(os.environ["MEDMNIST_NP_CACHE"])
