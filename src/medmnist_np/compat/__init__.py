"""A mirror of the official package ``medmnist``: same modules, same names, same behaviour."""

from medmnist_np.compat.dataset import *  # noqa: F403
from medmnist_np.compat.dataset import __all__ as __all__
