from .fake_volumes import FakeCase, make_cases, make_volume_archive, make_volumes
from .fakes import fake_datasets, fake_record, make_archive, make_arrays
from .server import serve

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
