"""Arrays in, arrays out: pictures of a data set, arrays as the bytes of a file, and how images were prepared."""

from medmnist_np._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
