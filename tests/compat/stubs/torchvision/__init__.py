"""As much of torchvision as the programs use: it cannot be imported beside the PyTorch that CI installs.

Both packages are run with it, so it decides nothing.
"""

from torchvision import datasets, transforms

__all__ = ["datasets", "transforms"]
