"""Volume sets: from NIfTI files in an archive or a folder to flat, mapped arrays.

The flow: ``stored_files`` (where the files lie), ``layouts`` (which file is what), ``nifti`` (what a file holds),
``decoder`` (all of them, once) and ``publish``, which leads through these steps under a lock. Then ``ragged`` (all
volumes as views), ``windows`` (slices and patches), ``cases`` (which volumes), and what users open:
``volume_dataset`` and ``window_dataset``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medmnist_np._lazy import attach

if TYPE_CHECKING:
    from medmnist_np.volumes.nifti import write_nifti as write_nifti
    from medmnist_np.volumes.volume_dataset import VolumeDataset as VolumeDataset
    from medmnist_np.volumes.window_dataset import WindowDataset as WindowDataset

__all__ = ["VolumeDataset", "WindowDataset", "write_nifti"]

__getattr__, __dir__ = attach(
    __name__,
    {
        "volume_dataset": ["VolumeDataset"],
        "window_dataset": ["WindowDataset"],
        "nifti": ["write_nifti"],
    },
)
