"""Montages, overlays, resizing, encoding and recipes: functions that take and return arrays."""

from medmnist_np._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
