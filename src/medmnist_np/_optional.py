"""Import an optional dependency, or explain how to install it; a base class that follows PyTorch."""

from __future__ import annotations

import contextlib
import sys
from importlib import import_module
from typing import Any, Self

# Module -> common name, the extra that installs it, and the first words of the error message.
OPTIONAL = {
    "SimpleITK": ("SimpleITK", "medical", "MetaImage and DICOM files need"),
    "dask": ("Dask", "interop", "This function needs"),
    "datasets": ("Hugging Face datasets", "interop", "This function needs"),
    "jax": ("JAX", "interop", "This function needs"),
    "keras": ("Keras", "interop", "This function needs"),
    "matplotlib": ("matplotlib", "report", "Reports with charts need"),
    "nibabel": ("NiBabel", "nifti", "NIfTI files need"),
    "pandas": ("pandas", "interop", "This function needs"),
    "tensorflow": ("TensorFlow", "interop", "This function needs"),
    "torch": ("PyTorch", "interop", "This function needs"),
}


def require(module: str) -> Any:
    """Import an optional dependency.

    Parameters
    ----------
    module : str
        A module of a package in :data:`OPTIONAL`, such as ``"torch"`` or ``"dask.array"``.

    Returns
    -------
    module

    Raises
    ------
    ModuleNotFoundError
        If the package is not installed. The message has the command that installs it. If the package is installed but
        broken, its own error is raised.
    """
    package = module.partition(".")[0]
    name, extra, purpose = OPTIONAL[package]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        alone = f", or pip install {package} alone" if extra == "interop" else ""
        raise ModuleNotFoundError(
            f"{purpose} {name}, which is not installed: pip install 'medmnist-np[{extra}]'{alone}.", name=package
        ) from None


class _Plain:
    """The first base of :class:`TorchDataset`. Python adds a base beside this one, but does not replace ``object``."""


class TorchDataset(_Plain):
    """A base class that becomes a ``torch.utils.data.Dataset`` once the program has imported PyTorch.

    Lightning, skorch and others check ``isinstance(ds, torch.utils.data.Dataset)``. That class cannot have virtual
    subclasses, because its metaclass is ``type``, so it must be a real base class. Importing PyTorch for this would
    cost a second and 200 MB in every program that does not use PyTorch. Therefore the base class is added later: when
    PyTorch has been imported and a subclass is defined or an instance is created. This includes unpickling in a worker
    process. Earlier instances and subclasses get it too. It comes after our own classes, so it does not change
    anything that they define.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _join_torch()

    def __new__(cls, *_: Any, **__: Any) -> Self:
        _join_torch()
        return super().__new__(cls)


def _join_torch() -> None:
    base = getattr(sys.modules.get("torch.utils.data"), "Dataset", None)
    if base is not None and base not in TorchDataset.__bases__:
        # Python refuses if a subclass lists PyTorch's class before ours. Such a subclass does not need the base class.
        with contextlib.suppress(TypeError):
            TorchDataset.__bases__ = (_Plain, base)
