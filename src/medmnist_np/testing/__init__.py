"""Fakes for your own tests: small archives with made-up images that look to a program like the real ones.

>>> import tempfile
>>> import medmnist_np as mm
>>> from medmnist_np.testing import fake_datasets
>>> with tempfile.TemporaryDirectory() as folder, fake_datasets(folder, "pathmnist"):
...     images, labels = mm.load("pathmnist", split="test")
...     images.shape
(60, 28, 28, 3)

Sets of volumes, as ``"msd/hippocampus"``, are stood in for by small cases in NIfTI files.

The images hold patterns that a small classifier learns, and nothing else: numbers got from them mean nothing.
The same arguments give the same bytes on one machine; another release of NumPy or zlib may give others.
"""

from medmnist_np.testing.fake_volumes import FakeCase, make_cases, make_volume_archive, make_volumes
from medmnist_np.testing.fakes import fake_datasets, fake_record, make_archive, make_arrays
from medmnist_np.testing.server import serve

__all__ = [
    "FakeCase",
    "fake_datasets",
    "fake_record",
    "make_archive",
    "make_arrays",
    "make_cases",
    "make_volume_archive",
    "make_volumes",
    "serve",
]
