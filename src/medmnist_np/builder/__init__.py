"""Build data sets from your own images, in the format of MedMNIST."""

from medmnist_np.builder.pipeline import Built, build

__all__ = ["Built", "build"]
