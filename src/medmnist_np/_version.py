"""The version, here so that rooms below the face can state it."""

__version__ = "0.1.0"
