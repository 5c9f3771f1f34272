"""Make batches as new arrays from any pair of arrays.

``order`` determines the order of samples, ``layout`` the layout of images, and ``loader`` makes and resumes batches.
"""

from medmnist_np._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
