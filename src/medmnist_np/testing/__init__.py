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

from medmnist_np._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
