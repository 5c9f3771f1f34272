"""Helpers for downloads, which the official package uses."""

from torchvision.datasets import utils

__all__ = ["utils"]
