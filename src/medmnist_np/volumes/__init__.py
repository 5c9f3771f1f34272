"""Volume sets: from NIfTI files in an archive or a folder to flat, mapped arrays.

The flow: ``stored_files`` (where the files lie), ``layouts`` (which file is what), ``nifti`` (what a file holds),
``decoder`` (all of them, once) and ``publish``, which leads through these steps under a lock. Then ``ragged`` (all
volumes as views), ``windows`` (slices and patches), ``cases`` (which volumes), and what users open:
``volume_dataset`` and ``window_dataset``.
"""

from medmnist_np._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
