"""Build data sets from your own images, in the format of MedMNIST."""

from medmnist_np.builder.pipeline import Built, build
from medmnist_np.builder.surveys import Reading, Survey, survey

__all__ = ["Built", "Reading", "Survey", "build", "survey"]
