from . import (
    audits as audits,
    batches as batches,
    builder as builder,
    cache as cache,
    compat as compat,
    corruptions as corruptions,
    data as data,
    errors as errors,
    evaluation as evaluation,
    export as export,
    images as images,
    interop as interop,
    metrics as metrics,
    registry as registry,
    reports as reports,
    testing as testing,
    volumes as volumes,
)
from ._version import __version__ as __version__
from .audits import audit
from .builder import build
from .cache.settings import configure
from .compat import (
    INFO,
    OCTMNIST,
    AdrenalMNIST3D,
    BloodMNIST,
    BreastMNIST,
    ChestMNIST,
    DermaMNIST,
    FractureMNIST3D,
    NoduleMNIST3D,
    OrganAMNIST,
    OrganCMNIST,
    OrganMNIST3D,
    OrganSMNIST,
    PathMNIST,
    PneumoniaMNIST,
    RetinaMNIST,
    SynapseMNIST3D,
    TissueMNIST,
    VesselMNIST3D,
)
from .compat.dataset import OrganMNISTAxial, OrganMNISTCoronal, OrganMNISTSagittal
from .corruptions.augmentation import augment
from .data.arrays import fetch, load
from .data.dataset import Dataset
from .data.registration import register
from .data.verification import verify
from .errors import MedMNISTError
from .evaluation import Evaluator, getACC, getAUC
from .images.recipes import recipe
from .registry import DatasetInfo, cite, datasets, info
from .registry.catalog import catalog
from .reports.card_page import card
from .volumes.volume_dataset import VolumeDataset

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
