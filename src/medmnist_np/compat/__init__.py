"""A mirror of the official package ``medmnist`` 3.0.2: same modules, same names, same behaviour.

>>> import medmnist_np.compat as medmnist
>>> from medmnist_np.compat import INFO, BreastMNIST

A program needs no other change. After ``medmnist_np.compat.install()``, programs and libraries need no change at all.
"""

from __future__ import annotations

import sys
from pathlib import Path

from medmnist_np.compat import dataset, evaluator, info, utils
from medmnist_np.compat.dataset import *  # the classes
from medmnist_np.compat.evaluator import Evaluator, getACC, getAUC
from medmnist_np.compat.info import DEFAULT_ROOT, HOMEPAGE, INFO, __version__

__all__ = [
    "AdrenalMNIST3D",
    "BloodMNIST",
    "BreastMNIST",
    "ChestMNIST",
    "DermaMNIST",
    "Evaluator",
    "FractureMNIST3D",
    "HOMEPAGE",
    "INFO",
    "NoduleMNIST3D",
    "OCTMNIST",
    "OrganAMNIST",
    "OrganCMNIST",
    "OrganMNIST3D",
    "OrganSMNIST",
    "PathMNIST",
    "PneumoniaMNIST",
    "RetinaMNIST",
    "SynapseMNIST3D",
    "TissueMNIST",
    "VesselMNIST3D",
    "dataset",
    "evaluator",
    "info",
]


def install() -> None:
    """Make this package importable as ``medmnist`` in this process and in processes that it starts.

    Programs and libraries that ``import medmnist`` then use this package without a change.

    Raises
    ------
    ImportError
        If the official package is imported already.

    Examples
    --------
    >>> import medmnist_np.compat
    >>> medmnist_np.compat.install()
    >>> import medmnist
    >>> medmnist.BreastMNIST is medmnist_np.compat.BreastMNIST
    True
    """
    here = sys.modules[__name__]
    if sys.modules.get("medmnist", here) is not here:
        raise ImportError("The official package medmnist is imported already. Call install() before it is imported.")
    sys.modules["medmnist"] = here
    for module in (dataset, evaluator, info, utils):
        sys.modules[f"medmnist.{module.__name__.rpartition('.')[2]}"] = module
    # Processes started by the method "spawn" get sys.path before they import the program.
    if (folder := str(Path(__file__).with_name("as_medmnist"))) not in sys.path:
        sys.path.insert(0, folder)
