"""MedMNIST and its relatives as memory-mapped NumPy arrays, without a deep-learning framework.

>>> import medmnist_np as mm
>>> images, labels = mm.load("breastmnist", split="test")                   # doctest: +SKIP
>>> ds = mm.ChestMNIST(split="train", download=True, size=224)              # doctest: +SKIP

Nothing happens at import: names below are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medmnist_np._lazy import attach
from medmnist_np._version import __version__ as __version__

if TYPE_CHECKING:
    from medmnist_np import audits as audits
    from medmnist_np import batches as batches
    from medmnist_np import builder as builder
    from medmnist_np import cache as cache
    from medmnist_np import compat as compat
    from medmnist_np import corruptions as corruptions
    from medmnist_np import data as data
    from medmnist_np import errors as errors
    from medmnist_np import evaluation as evaluation
    from medmnist_np import export as export
    from medmnist_np import images as images
    from medmnist_np import interop as interop
    from medmnist_np import metrics as metrics
    from medmnist_np import registry as registry
    from medmnist_np import reports as reports
    from medmnist_np import testing as testing
    from medmnist_np import volumes as volumes
    from medmnist_np.audits import audit as audit
    from medmnist_np.builder import build as build
    from medmnist_np.cache.settings import configure as configure
    from medmnist_np.compat import INFO as INFO
    from medmnist_np.compat import OCTMNIST as OCTMNIST
    from medmnist_np.compat import AdrenalMNIST3D as AdrenalMNIST3D
    from medmnist_np.compat import BloodMNIST as BloodMNIST
    from medmnist_np.compat import BreastMNIST as BreastMNIST
    from medmnist_np.compat import ChestMNIST as ChestMNIST
    from medmnist_np.compat import DermaMNIST as DermaMNIST
    from medmnist_np.compat import FractureMNIST3D as FractureMNIST3D
    from medmnist_np.compat import NoduleMNIST3D as NoduleMNIST3D
    from medmnist_np.compat import OrganAMNIST as OrganAMNIST
    from medmnist_np.compat import OrganCMNIST as OrganCMNIST
    from medmnist_np.compat import OrganMNIST3D as OrganMNIST3D
    from medmnist_np.compat import OrganSMNIST as OrganSMNIST
    from medmnist_np.compat import PathMNIST as PathMNIST
    from medmnist_np.compat import PneumoniaMNIST as PneumoniaMNIST
    from medmnist_np.compat import RetinaMNIST as RetinaMNIST
    from medmnist_np.compat import SynapseMNIST3D as SynapseMNIST3D
    from medmnist_np.compat import TissueMNIST as TissueMNIST
    from medmnist_np.compat import VesselMNIST3D as VesselMNIST3D
    from medmnist_np.compat.dataset import OrganMNISTAxial as OrganMNISTAxial
    from medmnist_np.compat.dataset import OrganMNISTCoronal as OrganMNISTCoronal
    from medmnist_np.compat.dataset import OrganMNISTSagittal as OrganMNISTSagittal
    from medmnist_np.corruptions.augmentation import augment as augment
    from medmnist_np.data.arrays import fetch as fetch
    from medmnist_np.data.arrays import load as load
    from medmnist_np.data.dataset import Dataset as Dataset
    from medmnist_np.data.registration import register as register
    from medmnist_np.data.verification import verify as verify
    from medmnist_np.errors import MedMNISTError as MedMNISTError
    from medmnist_np.evaluation import Evaluator as Evaluator
    from medmnist_np.evaluation import getACC as getACC
    from medmnist_np.evaluation import getAUC as getAUC
    from medmnist_np.images.recipes import recipe as recipe
    from medmnist_np.registry import DatasetInfo as DatasetInfo
    from medmnist_np.registry import cite as cite
    from medmnist_np.registry import datasets as datasets
    from medmnist_np.registry import info as info
    from medmnist_np.registry.catalog import catalog as catalog
    from medmnist_np.reports.card_page import card as card
    from medmnist_np.volumes.volume_dataset import VolumeDataset as VolumeDataset

__all__ = [
    "AdrenalMNIST3D",
    "BloodMNIST",
    "BreastMNIST",
    "ChestMNIST",
    "Dataset",
    "DatasetInfo",
    "DermaMNIST",
    "Evaluator",
    "FractureMNIST3D",
    "INFO",
    "MedMNISTError",
    "NoduleMNIST3D",
    "OCTMNIST",
    "OrganAMNIST",
    "OrganCMNIST",
    "OrganMNIST3D",
    "OrganMNISTAxial",
    "OrganMNISTCoronal",
    "OrganMNISTSagittal",
    "OrganSMNIST",
    "PathMNIST",
    "PneumoniaMNIST",
    "RetinaMNIST",
    "SynapseMNIST3D",
    "TissueMNIST",
    "VesselMNIST3D",
    "VolumeDataset",
    "audit",
    "augment",
    "build",
    "card",
    "catalog",
    "cite",
    "configure",
    "datasets",
    "fetch",
    "getACC",
    "getAUC",
    "info",
    "load",
    "recipe",
    "register",
    "verify",
]

_PUBLIC = {
    "audits": ["audit"],
    "builder": ["build"],
    "cache.settings": ["configure"],
    "compat": [
        "AdrenalMNIST3D",
        "BloodMNIST",
        "BreastMNIST",
        "ChestMNIST",
        "DermaMNIST",
        "FractureMNIST3D",
        "INFO",
        "NoduleMNIST3D",
        "OCTMNIST",
        "OrganAMNIST",
        "OrganCMNIST",
        "OrganMNIST3D",
        "OrganMNISTAxial",
        "OrganMNISTCoronal",
        "OrganMNISTSagittal",
        "OrganSMNIST",
        "PathMNIST",
        "PneumoniaMNIST",
        "RetinaMNIST",
        "SynapseMNIST3D",
        "TissueMNIST",
        "VesselMNIST3D",
    ],
    "corruptions.augmentation": ["augment"],
    "data.arrays": ["fetch", "load"],
    "data.dataset": ["Dataset"],
    "data.registration": ["register"],
    "data.verification": ["verify"],
    "errors": ["MedMNISTError"],
    "evaluation": ["Evaluator", "getACC", "getAUC"],
    "images.recipes": ["recipe"],
    "registry": ["DatasetInfo", "cite", "datasets", "info"],
    "registry.catalog": ["catalog"],
    "reports.card_page": ["card"],
    "volumes.volume_dataset": ["VolumeDataset"],
}
# The packages, each with an ``__all__`` of its own.
_PACKAGES = [
    "audits",
    "batches",
    "builder",
    "cache",
    "compat",
    "corruptions",
    "data",
    "errors",
    "evaluation",
    "export",
    "images",
    "interop",
    "metrics",
    "registry",
    "reports",
    "testing",
    "volumes",
]

__getattr__, __dir__ = attach(__name__, _PUBLIC, _PACKAGES)
