"""Synthetic data sets for your own tests: small archives in the format of the real ones.

>>> import tempfile
>>> import medmnist_np as mm
>>> from medmnist_np.testing import fake_datasets
>>> with tempfile.TemporaryDirectory() as folder, fake_datasets(folder, "pathmnist"):
...     images, labels = mm.load("pathmnist", split="test")
...     images.shape
(60, 28, 28, 3)

For volume sets such as ``"msd/hippocampus"``, the fakes are small cases in NIfTI files.

The images contain only patterns that a small classifier can learn: scores on them mean nothing. The same arguments give
the same bytes on one machine; other releases of NumPy or zlib may give different bytes.
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
