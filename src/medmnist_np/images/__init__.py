"""Arrays in, arrays out: pictures of a data set."""

from medmnist_np.images.montage import montage

__all__ = ["montage"]
