"""Import an optional dependency, or explain how to install it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Module -> what people call it, the extra that installs it, and what needs it.
OPTIONAL = {
    "SimpleITK": ("SimpleITK", "medical", "MetaImage and DICOM files need"),
    "dask": ("Dask", "interop", "This function needs"),
    "datasets": ("Hugging Face datasets", "interop", "This function needs"),
    "jax": ("JAX", "interop", "This function needs"),
    "keras": ("Keras", "interop", "This function needs"),
    "matplotlib": ("matplotlib", "report", "Charts need"),
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
        If the package is not installed. The message has the command that installs it. A package that is installed but
        broken raises its own error.
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
